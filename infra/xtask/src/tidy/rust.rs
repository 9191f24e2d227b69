//! A Rust file cut into what the rules ask about: code without comments, strings, and which lines are tests.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use crate::workspace::{self, Crate};

/// One file of one crate.
pub(crate) struct Source {
    /// Name of the crate.
    pub(crate) owner: String,
    /// From the root of the clone.
    pub(crate) path: PathBuf,
    pub(crate) text: String,
    /// The text with every comment and the inside of every string blanked, line by line as before.
    pub(crate) code: String,
    /// The strings (line they begin on, content).
    pub(crate) strings: Vec<(usize, String)>,
}

impl Source {
    pub(crate) fn new(owner: &str, path: &Path, text: &str) -> Self {
        let (code, strings) = cut(text);
        Self {
            owner: owner.to_owned(),
            path: path.to_owned(),
            text: text.to_owned(),
            code,
            strings,
        }
    }

    /// Whether the whole file is test code.
    pub(crate) fn is_test_file(&self) -> bool {
        self.path
            .components()
            .any(|part| part.as_os_str() == "tests" || part.as_os_str() == "tests.rs")
    }

    /// Number of the line (from 1) where the file's own tests begin, past the end when it has none.
    pub(crate) fn tests_from(&self) -> usize {
        let before = self.code.lines().position(|line| line.trim() == "#[cfg(test)]");
        before.map_or(usize::MAX, |index| index + 1)
    }

    /// Lines of code with their numbers from 1.
    pub(crate) fn code_lines(&self) -> impl Iterator<Item = (usize, &str)> {
        self.code
            .lines()
            .enumerate()
            .map(|(index, line)| (index + 1, line))
    }

    /// Whether the file lies in `name/` or is `name.rs` directly under `src`.
    pub(crate) fn is_in_module(&self, name: &str) -> bool {
        let mut parts = self
            .path
            .components()
            .skip_while(|part| part.as_os_str() != "src")
            .skip(1);
        parts
            .next()
            .is_some_and(|part| part.as_os_str() == name || part.as_os_str() == format!("{name}.rs").as_str())
    }
}

/// The `.rs` files of one crate; the tests belong to it too.
pub(crate) fn read(root: &Path, one: &Crate) -> Result<Vec<Source>> {
    let mut sources = Vec::new();
    for file in workspace::files(&one.dir, "rs")? {
        let text = fs::read_to_string(&file).with_context(|| format!("read {}", file.display()))?;
        sources.push(Source::new(
            &one.name,
            file.strip_prefix(root).unwrap_or(&file),
            &text,
        ));
    }
    Ok(sources)
}

/// Blanks comments and strings. Knows `//`, nested `/* */`, `"…"`, `r#"…"#`, and character literals.
fn cut(text: &str) -> (String, Vec<(usize, String)>) {
    let mut cutter = Cutter {
        rest: text,
        line: 1,
        code: String::with_capacity(text.len()),
        strings: Vec::new(),
    };
    while !cutter.rest.is_empty() {
        cutter.step();
    }
    (cutter.code, cutter.strings)
}

struct Cutter<'a> {
    rest: &'a str,
    line: usize,
    code: String,
    strings: Vec<(usize, String)>,
}

impl<'a> Cutter<'a> {
    fn step(&mut self) {
        if self.rest.starts_with("//") {
            let end = self.rest.find('\n').unwrap_or(self.rest.len());
            self.blank(end);
        } else if self.rest.starts_with("/*") {
            self.blank(comment_end(self.rest));
        } else if let Some(hashes) = raw_string(self.rest, &self.code) {
            self.raw(hashes);
        } else if self.rest.starts_with('"') {
            self.string();
        } else if let Some(length) = character(self.rest) {
            self.blank(length);
        } else {
            let one = self.rest.chars().next().map_or(0, char::len_utf8);
            self.keep(one);
        }
    }

    fn take(&mut self, length: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at(length.min(self.rest.len()));
        self.line += taken.matches('\n').count();
        self.rest = rest;
        taken
    }

    fn keep(&mut self, length: usize) {
        let taken = self.take(length);
        self.code.push_str(taken);
    }

    /// Line ends stay, so that line numbers stay.
    fn blank(&mut self, length: usize) {
        let taken = self.take(length);
        self.code
            .extend(taken.chars().map(|c| if c == '\n' { '\n' } else { ' ' }));
    }

    fn string(&mut self) {
        let line = self.line;
        self.keep(1);
        let end = string_end(self.rest);
        self.strings.push((line, self.rest[..end].to_owned()));
        self.blank(end);
        self.keep(1);
    }

    fn raw(&mut self, hashes: usize) {
        let line = self.line;
        self.keep(hashes + 2);
        let close = format!("\"{}", "#".repeat(hashes));
        let end = self.rest.find(&close).unwrap_or(self.rest.len());
        self.strings.push((line, self.rest[..end].to_owned()));
        self.blank(end);
        self.keep(close.len());
    }
}

/// Number of `#` when a raw string begins here (`r"`, `r#"`); the `r` must not end a longer word, `br` excepted.
fn raw_string(rest: &str, before: &str) -> Option<usize> {
    let inner = rest.strip_prefix('r')?;
    let hashes = inner.len() - inner.trim_start_matches('#').len();
    let word = before
        .chars()
        .next_back()
        .is_some_and(|c| c.is_alphanumeric() || c == '_');
    (inner[hashes..].starts_with('"') && (!word || before.ends_with('b'))).then_some(hashes)
}

fn string_end(rest: &str) -> usize {
    let mut escaped = false;
    for (at, c) in rest.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at,
            _ => {}
        }
    }
    rest.len()
}

fn comment_end(rest: &str) -> usize {
    let mut depth = 0_usize;
    let mut at = 0;
    while at < rest.len() {
        let here = &rest[at..];
        if here.starts_with("/*") {
            depth += 1;
            at += 2;
        } else if here.starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += here.chars().next().map_or(1, char::len_utf8);
        }
    }
    rest.len()
}

/// Length of the character literal that begins here; a lifetime is none.
fn character(rest: &str) -> Option<usize> {
    let inner = rest.strip_prefix('\'')?;
    let mut chars = inner.chars();
    let first = chars.next()?;
    if first == '\\' {
        let end = inner[2..].find('\'')?;
        return Some(1 + 2 + end + 1);
    }
    (chars.next() == Some('\'')).then_some(1 + first.len_utf8() + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_strings_are_blanked_and_lines_stay() {
        let text = "let a = \"x // no\"; // yes\n/* /* in */ out */ let b = 'c';\nlet d: &'static str = r#\"e\"f\"#;";
        let (code, strings) = cut(text);
        assert_eq!(code.lines().count(), 3);
        assert!(!code.contains("no") && !code.contains("yes") && !code.contains("out"));
        assert!(code.contains("let b =") && code.contains("&'static str"));
        assert_eq!(strings, [(1, "x // no".to_owned()), (3, "e\"f".to_owned())]);
    }

    #[test]
    fn a_quote_as_a_character_opens_no_string() {
        let (code, strings) = cut("a('\"'); b('\\''); c(\"d\\\"e\");");
        assert_eq!(strings, [(1, "d\\\"e".to_owned())]);
        assert!(code.contains("b(") && code.contains("c("));
    }

    #[test]
    fn the_module_is_read_off_the_path() {
        let in_module = |path| Source::new("x", Path::new(path), "").is_in_module("domain");
        assert!(in_module("services/x/src/domain/order.rs"));
        assert!(in_module("services/x/src/domain.rs"));
        assert!(!in_module("services/x/src/store.rs"));
        assert!(!in_module("services/x/tests/it/domain.rs"));
    }
}
