//! Pictures of nothing, small ones, and how a client brings them.

use relight_common::edge::photo::PhotoId;
use reqwest::{StatusCode, header::HeaderMap};
use serde_json::Value;

use crate::Api;

/// A picture that is another one for each `n`.
pub fn picture(n: u8) -> Vec<u8> {
    [b"\x89PNG\r\n\x1a\n".as_slice(), &[n; 64]].concat()
}

/// Its SHA-256.
pub fn sha256(n: u8) -> String {
    PhotoId::of(&picture(n)).as_str().to_owned()
}

impl Api {
    /// Brings the picture `n` whole; `under` is `/api/v1` or `/m/v1`. Its SHA-256.
    ///
    /// # Errors
    /// When it is not stored.
    pub async fn bring(&self, under: &str, n: u8) -> anyhow::Result<String> {
        let sha256 = sha256(n);
        let path = format!("{under}/photos/{sha256}");
        let (status, told) = self.put_bytes(&path, "", picture(n)).await?;
        anyhow::ensure!(status == 201 && told["stored"] == true, "{status}: {told}");
        Ok(sha256)
    }

    /// Puts bytes, with `Content-Range` unless it is empty.
    ///
    /// # Errors
    /// When nobody answers.
    pub async fn put_bytes(
        &self,
        path: &str,
        range: &str,
        bytes: Vec<u8>,
    ) -> anyhow::Result<(StatusCode, Value)> {
        let mut request = self.request(reqwest::Method::PUT, path).body(bytes);
        if !range.is_empty() {
            request = request.header("Content-Range", range);
        }
        let answer = request.send().await?;
        let status = answer.status();
        Ok((status, answer.json().await.unwrap_or(Value::Null)))
    }

    /// Reads bytes, with what the answer says of them.
    ///
    /// # Errors
    /// When nobody answers.
    pub async fn get_bytes(&self, path: &str) -> anyhow::Result<(StatusCode, HeaderMap, Vec<u8>)> {
        let answer = self.request(reqwest::Method::GET, path).send().await?;
        let (status, headers) = (answer.status(), answer.headers().clone());
        Ok((status, headers, answer.bytes().await?.to_vec()))
    }
}
