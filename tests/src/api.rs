//! A signed-in caller of an edge, as a client program would be.

use anyhow::Context;
use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::events::EventStream;

/// Calls one edge with one session.
#[derive(Debug, Clone)]
pub struct Api {
    http: reqwest::Client,
    base: String,
    token: Option<String>,
    trace: Option<String>,
}

impl Api {
    /// A caller nobody knows.
    pub fn anybody(base: &str) -> Self {
        Self {
            http: reqwest::Client::new(),
            base: base.to_owned(),
            token: None,
            trace: None,
        }
    }

    /// Signs in with a password.
    ///
    /// # Errors
    /// When refused.
    pub async fn sign_in(base: &str, path: &str, login: &str, password: &str) -> anyhow::Result<Self> {
        let mut api = Self::anybody(base);
        let session = api
            .post(path, json!({ "login": login, "password": password }))
            .await?;
        api.token = Some(session["token"].as_str().context("a token")?.to_owned());
        Ok(api)
    }

    /// The same caller within a trace of its own; `trace_id` is 32 hexadecimal digits.
    pub fn traced(&self, trace_id: &str) -> Self {
        Self {
            trace: Some(format!("00-{trace_id}-00f067aa0ba902b7-01")),
            ..self.clone()
        }
    }

    /// Reads a resource.
    ///
    /// # Errors
    /// With the problem when refused.
    pub async fn get(&self, path: &str) -> anyhow::Result<Value> {
        good(self.send(Method::GET, path, None, None).await?, path).await
    }

    /// Writes with a new command id.
    ///
    /// # Errors
    /// With the problem when refused.
    pub async fn post(&self, path: &str, body: Value) -> anyhow::Result<Value> {
        self.post_as(Uuid::now_v7(), path, body).await
    }

    /// Writes with this command id.
    ///
    /// # Errors
    /// With the problem when refused.
    pub async fn post_as(&self, id: Uuid, path: &str, body: Value) -> anyhow::Result<Value> {
        good(self.send(Method::POST, path, Some(id), Some(body)).await?, path).await
    }

    /// Replaces a resource.
    ///
    /// # Errors
    /// With the problem when refused.
    pub async fn put(&self, path: &str, body: Value) -> anyhow::Result<Value> {
        good(
            self.send(Method::PUT, path, Some(Uuid::now_v7()), Some(body))
                .await?,
            path,
        )
        .await
    }

    /// Sends and gives status and problem (or body) back, whatever they are.
    ///
    /// # Errors
    /// When nobody answers.
    pub async fn try_post(&self, id: Uuid, path: &str, body: Value) -> anyhow::Result<(StatusCode, Value)> {
        let answer = self.send(Method::POST, path, Some(id), Some(body)).await?;
        let status = answer.status();
        Ok((status, answer.json().await.unwrap_or(Value::Null)))
    }

    /// Opens the stream of changes, after the event with this id where one is given.
    ///
    /// # Errors
    /// When refused.
    pub async fn stream(&self, last_event_id: Option<&str>) -> anyhow::Result<EventStream> {
        let mut request = self.http.get(format!("{}/api/v1/stream", self.base));
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        if let Some(id) = last_event_id {
            request = request.header("Last-Event-ID", id);
        }
        let answer = request.send().await?;
        anyhow::ensure!(answer.status().is_success(), "the stream: {}", answer.status());
        Ok(EventStream::new(answer))
    }

    /// A request of this caller.
    pub(crate) fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        let request = self.http.request(method, format!("{}{path}", self.base));
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        id: Option<Uuid>,
        body: Option<Value>,
    ) -> anyhow::Result<Response> {
        let mut request = self.request(method, path);
        if let Some(trace) = &self.trace {
            request = request.header("traceparent", trace);
        }
        if let Some(id) = id {
            request = request.header("Idempotency-Key", id.to_string());
        }
        if let Some(body) = body {
            request = request.json(&body);
        }
        Ok(request.send().await?)
    }
}

async fn good(answer: Response, path: &str) -> anyhow::Result<Value> {
    let status = answer.status();
    let text = answer.text().await?;
    anyhow::ensure!(status.is_success(), "{path}: {status}: {text}");
    if text.is_empty() {
        Ok(Value::Null)
    } else {
        Ok(serde_json::from_str(&text)?)
    }
}
