//! One HTTP connection that is kept open, as light as can be: the load driver shares the processors with what it loads.

use std::time::Duration;

use anyhow::Context;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{
    Method, Request, StatusCode,
    client::conn::http1::{SendRequest, handshake},
    header::{AUTHORIZATION, CONTENT_TYPE, HOST, RETRY_AFTER},
};
use hyper_util::rt::TokioIo;
use tokio::{net::TcpStream, task::JoinHandle, time::timeout};
use uuid::Uuid;

/// Longest wait for an answer.
const PATIENCE: Duration = Duration::from_secs(20);

/// An answer.
#[derive(Debug, Clone)]
pub struct Answer {
    /// Its status.
    pub status: StatusCode,
    /// Seconds to wait before the next try, when the server says so.
    pub retry_after_s: Option<u64>,
    /// Its body.
    pub body: Bytes,
}

/// A connection to one edge, made when needed and made again after it broke.
#[derive(Debug)]
pub struct Line {
    host: String,
    bearer: Option<String>,
    open: Option<Open>,
}

#[derive(Debug)]
struct Open {
    sender: SendRequest<Full<Bytes>>,
    task: JoinHandle<()>,
}

impl Drop for Open {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Line {
    /// To `base`, such as `http://127.0.0.1:8080`.
    pub fn to(base: &str) -> Self {
        Self {
            host: base.trim_start_matches("http://").to_owned(),
            bearer: None,
            open: None,
        }
    }

    /// Calls with this session from now on.
    pub fn sign(&mut self, token: &str) {
        self.bearer = Some(format!("Bearer {token}"));
    }

    /// To another address from now on.
    pub fn turn_to(&mut self, base: &str) {
        let host = base.trim_start_matches("http://");
        if self.host != host {
            self.open = None;
            host.clone_into(&mut self.host);
        }
    }

    /// Breaks the connection.
    pub fn hang_up(&mut self) {
        self.open = None;
    }

    /// Posts `body` with this command id and waits for the answer.
    ///
    /// # Errors
    /// When the connection breaks or the answer does not come in time; whether the request was carried out is not known.
    pub async fn post(&mut self, path: &str, id: Uuid, body: Bytes) -> anyhow::Result<Answer> {
        let answered = timeout(PATIENCE, self.ask(path, id, body))
            .await
            .context("no answer in time")
            .and_then(|answer| answer);
        if answered.is_err() {
            self.hang_up();
        }
        answered
    }

    /// Posts and breaks the connection after `time`, whatever was said until then.
    pub async fn post_and_hang_up(&mut self, path: &str, id: Uuid, body: Bytes, time: Duration) {
        // The answer is thrown away on purpose: the caller's phone went into a tunnel.
        let _ = timeout(time, self.ask(path, id, body)).await;
        self.hang_up();
    }

    async fn ask(&mut self, path: &str, id: Uuid, body: Bytes) -> anyhow::Result<Answer> {
        let request = self.request(path, id, body)?;
        let sender = self.sender().await?;
        let answer = sender.send_request(request).await?;
        let retry_after = answer.headers().get(RETRY_AFTER);
        let retry_after_s = retry_after.and_then(|value| value.to_str().ok()?.parse().ok());
        let status = answer.status();
        let body = answer.into_body().collect().await?.to_bytes();
        Ok(Answer {
            status,
            retry_after_s,
            body,
        })
    }

    fn request(&self, path: &str, id: Uuid, body: Bytes) -> anyhow::Result<Request<Full<Bytes>>> {
        let mut request = Request::builder()
            .method(Method::POST)
            .uri(path)
            .header(HOST, &self.host)
            .header(CONTENT_TYPE, "application/json")
            .header("idempotency-key", id.to_string());
        if let Some(bearer) = &self.bearer {
            request = request.header(AUTHORIZATION, bearer);
        }
        Ok(request.body(Full::new(body))?)
    }

    async fn sender(&mut self) -> anyhow::Result<&mut SendRequest<Full<Bytes>>> {
        let usable = match &mut self.open {
            Some(open) => open.sender.ready().await.is_ok(),
            None => false,
        };
        if !usable {
            self.open = Some(open(&self.host).await?);
        }
        Ok(&mut self.open.as_mut().expect("just opened").sender)
    }
}

async fn open(host: &str) -> anyhow::Result<Open> {
    let stream = TcpStream::connect(host).await?;
    stream.set_nodelay(true)?;
    let (sender, connection) = handshake(TokioIo::new(stream)).await?;
    // Its end shows at the next request.
    let task = tokio::spawn(async move { drop(connection.await) });
    Ok(Open { sender, task })
}
