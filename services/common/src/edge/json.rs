//! Reading requests strictly: JSON bodies, query strings, path segments. Every refusal names the field.

use std::fmt::Display;

use axum::{
    body::Bytes,
    extract::{FromRequest, FromRequestParts, Path, Query, Request},
    http::{HeaderMap, header, request::Parts},
};
use serde::de::DeserializeOwned;

use super::problem::{Kind, Problem};

/// A JSON body. Types use `deny_unknown_fields`.
#[derive(Debug)]
pub struct Body<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        if !is_json(request.headers()) {
            return Err(Problem::new(
                Kind::WrongMediaType,
                "Content-Type must be application/json",
            ));
        }
        let bytes = Bytes::from_request(request, state)
            .await
            .map_err(|refusal| Problem::of_status(refusal.status(), refusal.body_text()))?;
        read(&bytes).map(Body)
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let value = headers.get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok());
    value
        .and_then(|value| value.split(';').next())
        .is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"))
}

/// Reads a value that is JSON already; the fields of a problem start with `at`.
///
/// # Errors
/// A problem that names the field.
pub fn parse<T: DeserializeOwned>(at: &str, value: serde_json::Value) -> Result<T, Problem> {
    serde_path_to_error::deserialize(value.clone()).map_err(|error: serde_path_to_error::Error<_>| {
        let path = error.path().to_string();
        let message = plain(&error.into_inner());
        let path = if path == "." {
            culprit::<T>(value, &message)
        } else {
            path
        };
        let path = if path.is_empty() {
            at.to_owned()
        } else {
            format!("{at}.{path}")
        };
        fault(&path, &message)
    })
}

/// A choice told apart by its `type` is buffered by serde, and the place of a fault inside is lost. The member that is
/// wrong is the one without which the message is another; empty when there is none.
fn culprit<T: DeserializeOwned>(value: serde_json::Value, message: &str) -> String {
    let serde_json::Value::Object(fields) = value else {
        return String::new();
    };
    let is_named = name_in(message).is_some();
    let found = fields.keys().filter(|name| *name != "type").find(|name| {
        // A field that is missing or unknown is told by name; only a member may still be the place it is missing in.
        if is_named && !fields[*name].is_object() {
            return false;
        }
        let mut fewer = fields.clone();
        fewer.remove(*name);
        let again = serde_json::from_value::<T>(fewer.into());
        again.map_or_else(|error| plain(&error) != message, |_| true)
    });
    found.cloned().unwrap_or_default()
}

/// Reads one JSON document.
///
/// # Errors
/// A problem that names the field, or `body` when it is no JSON or no UTF-8.
pub(crate) fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    let text = std::str::from_utf8(bytes).map_err(|error| {
        Problem::field(
            "body",
            format!("must be UTF-8; it breaks after byte {}", error.valid_up_to()),
        )
    })?;
    // serde would read a struct from an array, field by field.
    if text.trim_start().starts_with('[') {
        return Err(Problem::field("body", "must be a JSON object"));
    }
    let mut document = serde_json::Deserializer::from_str(text);
    let value = serde_path_to_error::deserialize(&mut document).map_err(|error| {
        let path = error.path().to_string();
        let inner = error.into_inner();
        if inner.is_data() {
            fault(&path, &plain(&inner))
        } else if serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok() {
            // The document is well-formed; serde_json calls it broken for a word that is no text, or a number without end.
            fault(
                &path,
                plain(&inner)
                    .replace("expected value", "must be text: one of its words")
                    .as_str(),
            )
        } else {
            Problem::field("body", format!("must be JSON: {inner}"))
        }
    })?;
    document
        .end()
        .map_err(|error| Problem::field("body", format!("must be one JSON document: {error}")))?;
    Ok(value)
}

/// The message without "at line 1 column 17": the path says where.
fn plain(error: &impl Display) -> String {
    let text = error.to_string();
    text.split(" at line ").next().unwrap_or_default().to_owned()
}

/// serde says unknown and missing fields in words; the name belongs into the path.
fn fault(path: &str, message: &str) -> Problem {
    let named = name_in(message);
    let path = if path == "." { "" } else { path };
    let field = match (path, named) {
        ("", Some(name)) => name.to_owned(),
        (path, Some(name)) if path.rsplit('.').next() != Some(name) => format!("{path}.{name}"),
        ("", None) => "body".to_owned(),
        (path, _) => path.to_owned(),
    };
    Problem::field(field, message)
}

fn name_in(message: &str) -> Option<&str> {
    ["unknown field `", "missing field `", "duplicate field `"]
        .into_iter()
        .find_map(|start| message.strip_prefix(start)?.split('`').next())
}

/// The parameter whose value is no UTF-8; it would be read with replacement characters.
fn not_utf8(query: &str) -> Option<&str> {
    query.split('&').find_map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        std::str::from_utf8(&unescaped(value)).is_err().then_some(name)
    })
}

fn unescaped(text: &str) -> Vec<u8> {
    let mut parts = text.split('%');
    let mut bytes = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        let escape = part
            .get(..2)
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match escape {
            Some(byte) => {
                bytes.push(byte);
                bytes.extend_from_slice(&part.as_bytes()[2..]);
            }
            None => bytes.extend_from_slice(part.as_bytes()),
        }
    }
    bytes
}

/// A query string. Types use `deny_unknown_fields`.
#[derive(Debug)]
pub struct Params<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Params<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        if let Some(name) = not_utf8(parts.uri.query().unwrap_or_default()) {
            return Err(Problem::field(name, "must be UTF-8, percent-encoded"));
        }
        match Query::<T>::from_request_parts(parts, state).await {
            Ok(Query(params)) => Ok(Params(params)),
            Err(refusal) => {
                let text = refusal.body_text();
                let text = text
                    .strip_prefix("Failed to deserialize query string: ")
                    .unwrap_or(&text);
                let (path, message) = text.split_once(": ").unwrap_or(("", text));
                Err(fault(path, message))
            }
        }
    }
}

/// The one parameter of a path.
#[derive(Debug)]
pub struct Segment(pub String);

impl<S: Send + Sync> FromRequestParts<S> for Segment {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match Path::<String>::from_request_parts(parts, state).await {
            Ok(Path(text)) if text.chars().count() <= 100 => Ok(Segment(text)),
            Ok(_) => Err(Problem::field("path", "must have at most 100 characters")),
            Err(refusal) => Err(Problem::field("path", refusal.body_text())),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Outer {
        inner: Inner,
    }
    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Inner {
        count: u8,
    }

    fn field(body: &[u8]) -> String {
        read::<Outer>(body).unwrap_err().errors[0].field.clone()
    }

    #[test]
    fn bad_json_is_refused_with_the_field_that_is_wrong() {
        let table: [(&[u8], &str); 9] = [
            (b"", "body"),
            (b"{", "body"),
            (b"[{\"count\":1}]", "body"),
            (b"{\"inner\":{\"count\":1}} {}", "body"),
            (b"{\"inner\":{\"count\":\"\xff\"}}", "body"),
            (b"{}", "inner"),
            (b"{\"inner\":{}}", "inner.count"),
            (b"{\"inner\":{\"count\":1,\"colour\":2}}", "inner.colour"),
            (b"{\"inner\":{\"count\":300}}", "inner.count"),
        ];
        for (body, expected) in table {
            assert_eq!(field(body), expected, "{}", String::from_utf8_lossy(body));
        }
        assert_eq!(
            read::<Outer>(b"{\"inner\":{\"count\":3}}").unwrap().inner.count,
            3
        );
    }

    #[test]
    fn a_part_read_alone_is_named_with_its_place() {
        let part = serde_json::json!({"count": "many"});
        assert_eq!(
            parse::<Inner>("event", part).unwrap_err().errors[0].field,
            "event.count"
        );
        let missing = parse::<Inner>("event", serde_json::json!({})).unwrap_err();
        assert_eq!(missing.errors[0].field, "event.count");
    }

    #[derive(Debug, Deserialize)]
    #[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
    enum Choice {
        Go {
            #[serde(rename = "by")]
            _by: uuid::Uuid,
            #[serde(rename = "with")]
            _with: Inner,
            #[serde(default, rename = "word")]
            _word: Word,
        },
    }
    #[derive(Debug, Default, Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum Word {
        #[default]
        Yes,
    }

    /// serde buffers such a choice; the member that is wrong is named all the same.
    #[test]
    fn a_fault_inside_a_choice_names_the_member() {
        let id = uuid::Uuid::nil();
        let table = [
            (
                serde_json::json!({"type": "go", "by": "me", "with": {"count": 1}}),
                "event.by",
            ),
            (
                serde_json::json!({"type": "go", "by": null, "with": {"count": 1}}),
                "event.by",
            ),
            (
                serde_json::json!({"type": "go", "by": id, "with": {"count": -1}}),
                "event.with",
            ),
            (
                serde_json::json!({"type": "go", "by": id, "with": {}}),
                "event.with.count",
            ),
            (
                serde_json::json!({"type": "go", "with": {"count": 1}}),
                "event.by",
            ),
            (serde_json::json!({"type": "go", "by": id}), "event.with"),
            (
                serde_json::json!({"type": "go", "by": id, "with": {"count": 1}, "x": {}}),
                "event.x",
            ),
            (serde_json::json!("go"), "event"),
        ];
        for (body, field) in table {
            let problem = parse::<Choice>("event", body.clone()).unwrap_err();
            assert_eq!(problem.errors[0].field, field, "{body}");
        }
    }

    #[derive(Debug, Deserialize)]
    struct Worded {
        #[serde(rename = "word")]
        _word: Word,
    }

    #[test]
    fn a_word_that_is_no_text_is_named_and_broken_json_is_not_a_word() {
        for (body, field) in [
            (&b"{\"word\":null}"[..], "word"),
            (b"{\"word\":7}", "word"),
            (b"{\"word\":\"no\"}", "word"),
            (b"{\"word\":nul", "body"),
            (b"{\"word\":7", "body"),
        ] {
            let problem = read::<Worded>(body).unwrap_err();
            assert_eq!(
                problem.errors[0].field,
                field,
                "{}",
                String::from_utf8_lossy(body)
            );
        }
    }

    #[test]
    fn a_number_without_end_is_named_with_its_place() {
        let problem = read::<Outer>(b"{\"inner\":{\"count\":1e999}}").unwrap_err();
        assert_eq!(problem.errors[0].field, "inner.count");
        assert_eq!(problem.errors[0].detail, "number out of range");
    }

    #[test]
    fn a_parameter_that_is_no_utf8_is_found() {
        assert_eq!(not_utf8("a=%E4%B8%AD&b=%FF"), Some("b"));
        assert_eq!(not_utf8("a=%E4%B8%AD+%2&b=%zz&c"), None);
    }
}
