//! Server-sent events as a client program reads them (WHATWG HTML, 9.2.6).

use std::time::Duration;

use anyhow::Context;
use reqwest::Response;
use serde_json::Value;

/// Only ends a test that would hang.
const WAIT_MAX: Duration = Duration::from_mins(1);

/// One event.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Event {
    /// Its type.
    pub kind: String,
    /// Where to come back to; beats have none.
    pub id: String,
    /// What it says.
    pub data: Value,
}

/// An open stream.
#[derive(Debug)]
pub struct EventStream {
    answer: Response,
    buffer: String,
}

impl EventStream {
    pub(crate) fn new(answer: Response) -> Self {
        Self {
            answer,
            buffer: String::new(),
        }
    }

    /// The next event.
    ///
    /// # Errors
    /// When the stream ends, or nothing comes.
    pub async fn next(&mut self) -> anyhow::Result<Event> {
        loop {
            if let Some((block, rest)) = self.buffer.split_once("\n\n") {
                let event = parse(block)?;
                self.buffer = rest.to_owned();
                return Ok(event);
            }
            let chunk = tokio::time::timeout(WAIT_MAX, self.answer.chunk()).await;
            let chunk = chunk.context("nothing came")??.context("the stream ended")?;
            self.buffer.push_str(std::str::from_utf8(&chunk)?);
        }
    }

    /// Everything up to and with the first event of this type; beats are left out.
    ///
    /// # Errors
    /// As [`Self::next`], and after a minute without it.
    pub async fn until(&mut self, kind: &str) -> anyhow::Result<Vec<Event>> {
        let mut seen = Vec::new();
        let read = async {
            loop {
                let event = self.next().await?;
                let is_it = event.kind == kind;
                if is_it || event.kind != "beat" {
                    seen.push(event);
                }
                if is_it {
                    return anyhow::Ok(());
                }
            }
        };
        let done = tokio::time::timeout(WAIT_MAX, read).await;
        done.with_context(|| format!("no {kind} came; there were {seen:?}"))??;
        Ok(seen)
    }
}

fn parse(block: &str) -> anyhow::Result<Event> {
    let mut event = Event::default();
    for line in block.lines() {
        match line
            .split_once(':')
            .map(|(field, value)| (field, value.trim_start()))
        {
            Some(("event", kind)) => kind.clone_into(&mut event.kind),
            Some(("id", id)) => id.clone_into(&mut event.id),
            Some(("data", data)) => event.data = serde_json::from_str(data)?,
            _ => {}
        }
    }
    Ok(event)
}
