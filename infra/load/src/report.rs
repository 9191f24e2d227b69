//! A fault report as a client sends it, and what the client remembers of the answer.

use bytes::Bytes;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Where reports go.
pub const PATH: &str = "/api/v1/reports";

/// What is sent.
#[derive(Debug, Serialize)]
struct Body<'a> {
    danger: bool,
    account: &'a str,
    channel: &'a str,
    note: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reported_at: Option<DateTime<Utc>>,
}

/// The body of an agent's report for `account`.
pub fn body(account: &str, note: &str) -> Bytes {
    let body = Body {
        danger: false,
        account,
        channel: "hotline",
        note,
        reported_at: None,
    };
    Bytes::from(serde_json::to_vec(&body).expect("strings and a flag are JSON"))
}

/// The body of an agent's late entry: `account` called at `reported_at`.
pub fn late_body(account: &str, reported_at: DateTime<Utc>) -> Bytes {
    let body = Body {
        danger: false,
        account,
        channel: "hotline",
        note: "",
        reported_at: Some(reported_at),
    };
    Bytes::from(serde_json::to_vec(&body).expect("strings and a flag are JSON"))
}

/// The body of a report by the public.
pub fn public_body(account: &str) -> Bytes {
    let body = Body {
        danger: false,
        account,
        channel: "web",
        note: "",
        reported_at: None,
    };
    Bytes::from(serde_json::to_vec(&body).expect("strings and a flag are JSON"))
}

/// What the platform promised by answering.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// Id of the report.
    pub report_id: Uuid,
    /// Spoken number.
    pub number: String,
    /// Never moves.
    pub accepted_at: DateTime<Utc>,
    /// `new`, `known_outage`, `urge`, `undetermined`
    pub triage: String,
    /// Whose supply.
    pub account: String,
}

impl Receipt {
    /// Whether the platform took it as a customer asking again.
    pub fn is_urge(&self) -> bool {
        self.triage == "urge"
    }
}
