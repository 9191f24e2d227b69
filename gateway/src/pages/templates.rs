//! Templates, embedded; the function `t("key", name=value)` says the words of the page's language.

use std::fmt::Write as _;

use minijinja::{
    Environment, Error, ErrorKind, HtmlEscape, State, UndefinedBehavior,
    value::{Kwargs, Serde, Value},
};
use relight_common::edge::{Kind, Problem};

use crate::{api::Language, paper::Sheet, words};

const FILES: [(&str, &str); 22] = [
    ("base.html", include_str!("../../templates/base.html")),
    ("parts.html", include_str!("../../templates/parts.html")),
    ("start.html", include_str!("../../templates/start.html")),
    ("report.html", include_str!("../../templates/report.html")),
    ("reported.html", include_str!("../../templates/reported.html")),
    ("status.html", include_str!("../../templates/status.html")),
    (
        "status_live.html",
        include_str!("../../templates/status_live.html"),
    ),
    ("sign_in.html", include_str!("../../templates/sign_in.html")),
    ("code.html", include_str!("../../templates/code.html")),
    ("outages.html", include_str!("../../templates/outages.html")),
    ("transfer.html", include_str!("../../templates/transfer.html")),
    ("notice.html", include_str!("../../templates/notice.html")),
    (
        "check_notice.html",
        include_str!("../../templates/check_notice.html"),
    ),
    (
        "announcements.html",
        include_str!("../../templates/announcements.html"),
    ),
    ("photos.html", include_str!("../../templates/photos.html")),
    ("login.html", include_str!("../../templates/login.html")),
    ("board.html", include_str!("../../templates/board.html")),
    ("board_live.html", include_str!("../../templates/board_live.html")),
    ("call.html", include_str!("../../templates/call.html")),
    ("paper.html", include_str!("../../templates/paper.html")),
    ("error.html", include_str!("../../templates/error.html")),
    ("docs.html", include_str!("../../templates/docs.html")),
];

/// Compiled templates.
#[derive(Debug)]
pub struct Templates(Environment<'static>);

impl Templates {
    /// Compiles them.
    ///
    /// # Errors
    /// When one does not compile.
    pub fn new() -> anyhow::Result<Self> {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::SemiStrict);
        environment.add_function("t", translate);
        environment.add_function("asset", |name: String| super::assets::url(&name));
        environment.add_filter("coded", coded);
        for (name, source) in FILES {
            environment.add_template(name, source)?;
        }
        Ok(Self(environment))
    }

    /// The sheet for paper: a page that stands alone.
    ///
    /// # Errors
    /// 500 when the template and the sheet do not fit.
    pub fn sheet(&self, language: Language, sheet: &Sheet) -> Result<String, Problem> {
        let context =
            minijinja::context! { lang => words::tag(language), sheet => Value::from(Serde(sheet)) };
        self.render_raw("paper.html", context)
    }

    /// Renders `name` with exactly this context.
    ///
    /// # Errors
    /// 500 when the template and its context do not fit; the tests render every one.
    pub fn render_raw(&self, name: &str, context: Value) -> Result<String, Problem> {
        self.0
            .get_template(name)
            .and_then(|template| template.render(context))
            .map_err(|error| {
                tracing::error!(
                    template = name,
                    error = format!("{error:#}"),
                    "a page could not be rendered"
                );
                Problem::new(Kind::Internal, "this is our fault; it was recorded")
            })
    }
}

/// Words with `code` in backticks, as comments have it, as HTML.
fn coded(words: &str) -> Value {
    let mut html = String::new();
    for (index, part) in words.split('`').enumerate() {
        let part = HtmlEscape(part);
        let written = match index % 2 {
            0 => write!(html, "{part}"),
            _ => write!(html, "<code>{part}</code>"),
        };
        written.expect("a string grows");
    }
    Value::from_safe_string(html)
}

fn translate(state: &State, key: &str, values: Kwargs) -> Result<String, Error> {
    let language = state
        .lookup("lang")
        .and_then(|lang| words::by_tag(lang.as_str()?))
        .unwrap_or_default();
    let mut filled = Vec::new();
    for name in values.args() {
        filled.push((name, values.get::<Value>(name)?.to_string()));
    }
    let filled: Vec<(&str, &str)> = filled
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    words::find(language, key, &filled)
        .ok_or_else(|| Error::new(ErrorKind::UndefinedError, format!("no words for {key}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_a_template_names_has_words() {
        let mut count = 0;
        for (name, source) in FILES {
            for rest in source
                .replace("asset(", "")
                .replace("split(", "")
                .split("t(\"")
                .skip(1)
            {
                let (key, after) = rest.split_once('"').unwrap();
                // `t("level." ~ row.level)`: the sections are checked where their words are chosen.
                if after.starts_with(" ~") {
                    continue;
                }
                assert!(words::find(Language::En, key, &[]).is_some(), "{name}: {key}");
                count += 1;
            }
        }
        assert!(count > 80, "{count}");
    }

    #[test]
    fn backticks_become_code_and_nothing_in_them_becomes_markup() {
        assert_eq!(
            coded("`from` <b> to `a<b`").to_string(),
            "<code>from</code> &lt;b&gt; to <code>a&lt;b</code>"
        );
        assert_eq!(coded("plain").to_string(), "plain");
    }

    #[test]
    fn templates_have_no_inline_style_script_or_handler_and_load_nothing_from_elsewhere() {
        // The sheet for paper is a file and never served: it carries its style, and loads nothing (see its own tests).
        let served = FILES.into_iter().filter(|(name, _)| *name != "paper.html");
        for (name, source) in served {
            for bad in [
                " style=",
                "<style",
                " onclick",
                " onload",
                "javascript:",
                "https://",
                "//cdn",
            ] {
                assert!(!source.contains(bad), "{name} has {bad}");
            }
            for script in source.split("<script").skip(1) {
                assert!(script.starts_with(" src="), "{name} has an inline script");
            }
        }
    }
}
