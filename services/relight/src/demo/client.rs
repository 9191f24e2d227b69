//! A signed-in caller of one of the edges.

use std::time::Duration;

use anyhow::Context;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Talks JSON to an edge with a session's token.
#[derive(Debug, Clone)]
pub struct Client {
    http: reqwest::Client,
    base: String,
    token: String,
}

#[derive(Serialize)]
struct LogIn<'a> {
    login: &'a str,
    password: &'a str,
}

#[derive(Deserialize)]
struct Session {
    token: String,
}

impl Client {
    /// Signs in at `base` + `path`.
    ///
    /// # Errors
    /// When the edge does not answer or refuses.
    pub async fn sign_in(base: &str, path: &str, login: &str, password: &str) -> anyhow::Result<Self> {
        let http = reqwest::Client::builder().timeout(Duration::from_secs(10)).build()?;
        let base = base.trim_end_matches('/').to_owned();
        let answer = http.post(format!("{base}{path}")).json(&LogIn { login, password }).send().await;
        let answer = answer.with_context(|| format!("nobody answers at {base}; is `relight up` running?"))?;
        let session: Session = told(answer).await.with_context(|| format!("{login} cannot sign in"))?;
        Ok(Self { http, base, token: session.token })
    }

    /// Sends a write; the same `id` again is the same write.
    ///
    /// # Errors
    /// When the edge refuses; the problem's words are in the error.
    pub async fn post<T: for<'a> Deserialize<'a>>(&self, path: &str, id: Uuid, body: &impl Serialize) -> anyhow::Result<T> {
        let request = self.http.post(format!("{}{path}", self.base)).bearer_auth(&self.token);
        let answer = request.header("Idempotency-Key", id.to_string()).json(body).send().await?;
        told(answer).await
    }
}

/// The body of a good answer, or the words of the problem.
async fn told<T: for<'a> Deserialize<'a>>(answer: reqwest::Response) -> anyhow::Result<T> {
    let status = answer.status();
    if !status.is_success() {
        anyhow::bail!("{status}: {}", answer.text().await.unwrap_or_default());
    }
    Ok(answer.json().await?)
}
