//! A signed-in caller of one of the edges.

use std::time::Duration;

use anyhow::Context;
use reqwest::{Response, StatusCode};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// One request's time limit.
const LIMIT: Duration = Duration::from_secs(10);
/// A write that met a busy or restarting edge is sent again this often, with the same id.
const TRIES: u32 = 5;
const PAUSE: Duration = Duration::from_secs(1);

/// Talks JSON to an edge with a session's token; signs in again when the session has ended.
#[derive(Debug, Clone)]
pub struct Client {
    http: reqwest::Client,
    base: String,
    sessions: &'static str,
    login: String,
    password: String,
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
    /// Signs in at `base` + `sessions`.
    ///
    /// # Errors
    /// When the edge does not answer or refuses.
    pub async fn sign_in(
        base: &str,
        sessions: &'static str,
        login: &str,
        password: &str,
    ) -> anyhow::Result<Self> {
        let mut client = Self {
            http: reqwest::Client::builder().timeout(LIMIT).build()?,
            base: base.trim_end_matches('/').to_owned(),
            sessions,
            login: login.to_owned(),
            password: password.to_owned(),
            token: String::new(),
        };
        client.renew().await?;
        Ok(client)
    }

    async fn renew(&mut self) -> anyhow::Result<()> {
        let body = LogIn {
            login: &self.login,
            password: &self.password,
        };
        let answer = self
            .http
            .post(format!("{}{}", self.base, self.sessions))
            .json(&body)
            .send()
            .await;
        let answer =
            answer.with_context(|| format!("nobody answers at {}; is `relight up` running?", self.base))?;
        let session: Session = told(answer)
            .await
            .with_context(|| format!("{} cannot sign in", self.login))?;
        self.token = session.token;
        Ok(())
    }

    /// Sends a write; the same `id` again is the same write.
    ///
    /// # Errors
    /// When the edge refuses; the problem's words are in the error.
    pub async fn post<T: for<'a> Deserialize<'a>>(
        &mut self,
        path: &str,
        id: Uuid,
        body: &impl Serialize,
    ) -> anyhow::Result<T> {
        let mut tries = 1;
        loop {
            let answer = self.send(path, id, body).await;
            let again = match &answer {
                Ok(answer) => answer.status() == StatusCode::UNAUTHORIZED || is_passing(answer.status()),
                Err(_) => true,
            };
            if !again || tries == TRIES {
                return told(answer?).await;
            }
            match answer {
                Ok(answer) if answer.status() == StatusCode::UNAUTHORIZED => self.renew().await?,
                _ => tokio::time::sleep(PAUSE).await,
            }
            tries += 1;
        }
    }

    async fn send(&self, path: &str, id: Uuid, body: &impl Serialize) -> reqwest::Result<Response> {
        let request = self
            .http
            .post(format!("{}{path}", self.base))
            .bearer_auth(&self.token);
        request
            .header("Idempotency-Key", id.to_string())
            .json(body)
            .send()
            .await
    }
}

/// Whether the same request may be answered a moment later.
fn is_passing(status: StatusCode) -> bool {
    status == StatusCode::TOO_MANY_REQUESTS || status == StatusCode::SERVICE_UNAVAILABLE
}

/// The body of a good answer, or the words of the problem.
async fn told<T: for<'a> Deserialize<'a>>(answer: Response) -> anyhow::Result<T> {
    let status = answer.status();
    if !status.is_success() {
        anyhow::bail!("{status}: {}", answer.text().await.unwrap_or_default());
    }
    Ok(answer.json().await?)
}
