//! One request as bytes, and its answer.

use anyhow::Context;
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

/// A request and what is to come of it.
#[derive(Debug, Clone)]
pub struct Case {
    /// Who asks: a name of the house's sessions; empty: nobody.
    pub who: &'static str,
    /// Method.
    pub method: Method,
    /// Path with parameters; `/m/` goes to the crew edge.
    pub path: String,
    /// Headers beside the session.
    pub headers: Vec<(&'static str, String)>,
    /// Body.
    pub body: Option<Vec<u8>>,
    /// Expected status.
    pub status: u16,
    /// Expected field; empty: none has to be named.
    pub field: String,
}

impl Case {
    /// A read.
    pub fn get(who: &'static str, path: impl Into<String>) -> Self {
        Self {
            who,
            method: Method::GET,
            path: path.into(),
            headers: Vec::new(),
            body: None,
            status: 400,
            field: String::new(),
        }
    }

    /// A write with a command id of its own.
    pub fn post(who: &'static str, path: impl Into<String>, body: &Value) -> Self {
        let mut case = Self::get(who, path);
        case.method = Method::POST;
        case.headers.push(("Idempotency-Key", Uuid::now_v7().to_string()));
        case.with_json(body.to_string())
    }

    /// A replacement.
    pub fn put(who: &'static str, path: impl Into<String>, body: &Value) -> Self {
        let mut case = Self::post(who, path, body);
        case.method = Method::PUT;
        case
    }

    /// With these bytes as JSON.
    pub fn with_json(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.headers.retain(|(name, _)| *name != "Content-Type");
        self.headers.push(("Content-Type", "application/json".to_owned()));
        self.body = Some(body.into());
        self
    }

    /// With this header instead of the one of that name.
    pub fn header(mut self, name: &'static str, value: &str) -> Self {
        self = self.without(name);
        self.headers.push((name, value.to_owned()));
        self
    }

    /// Without this header.
    pub fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(known, _)| *known != name);
        self
    }

    /// Refused with 400, naming `field`.
    pub fn field(mut self, field: &str) -> Self {
        self.field = field.to_owned();
        self
    }

    /// Refused with this status.
    pub fn status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }
}

/// `base` with the value at the JSON pointer `at` replaced or added.
pub fn with(base: &Value, at: &str, value: Value) -> Value {
    let mut changed = base.clone();
    let (parent, key) = at.rsplit_once('/').unwrap_or(("", at));
    let place = changed.pointer_mut(parent);
    match place {
        Some(Value::Array(items)) => {
            let index: usize = key.parse().expect("an index");
            items[index] = value;
        }
        Some(object) => object[key] = value,
        None => panic!("{base} has no {parent}"),
    }
    changed
}

/// `base` without the member `key`.
pub fn without(base: &Value, key: &str) -> Value {
    let mut changed = base.clone();
    changed.as_object_mut().expect("an object").remove(key);
    changed
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// Content type.
    pub kind: String,
    /// Body.
    pub text: String,
}

impl Answer {
    /// Reads an answer.
    ///
    /// # Errors
    /// When the connection breaks.
    pub async fn of(response: reqwest::Response) -> anyhow::Result<Self> {
        let status = response.status().as_u16();
        let kind = response.headers().get("content-type");
        let kind = kind
            .and_then(|kind| kind.to_str().ok())
            .unwrap_or_default()
            .to_owned();
        Ok(Self {
            status,
            kind,
            text: response.text().await.context("the answer's body")?,
        })
    }

    /// The body as JSON; null when it is none.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or(Value::Null)
    }

    /// What is wrong with this answer as a refusal; none when nothing is.
    pub fn fault(&self) -> Option<String> {
        let problem = self.json();
        let said = |key: &str| problem[key].as_str().is_some_and(|text| !text.is_empty());
        if !(400..500).contains(&self.status) {
            return Some(format!("status {}", self.status));
        }
        if self.kind != "application/problem+json" {
            return Some(format!("content type {:?}", self.kind));
        }
        if problem["status"] != json!(self.status) || !["type", "title", "detail"].into_iter().all(said) {
            return Some("the problem is not complete".to_owned());
        }
        let inner = ["sqlx", "src/", "panicked", "tonic", "select ", "insert "];
        inner
            .iter()
            .find(|word| self.text.contains(*word))
            .map(|word| format!("tells of our insides: {word}"))
    }

    /// The fields a problem names.
    pub fn fields(&self) -> Vec<String> {
        let problem = self.json();
        let errors = problem["errors"].as_array().into_iter().flatten();
        errors
            .filter(|error| error["detail"].as_str().is_some_and(|detail| !detail.is_empty()))
            .filter_map(|error| error["field"].as_str().map(str::to_owned))
            .collect()
    }
}
