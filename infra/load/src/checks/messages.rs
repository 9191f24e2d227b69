//! Messages: everybody entitled to "we have your report" got it once.

use std::collections::HashMap;

use relight_testkit::{smsc::Smsc, smtp::SmtpSink};
use sqlx::{FromRow, PgConnection};
use uuid::Uuid;

use super::{Acknowledged, Check};
use crate::county::Reach;

/// What reached the providers, outside of the platform.
#[derive(Debug, Clone, Default)]
pub struct Told {
    /// (phone, text)
    pub texts: Vec<(String, String)>,
    /// (address, subject)
    pub mails: Vec<(String, String)>,
}

impl Told {
    /// What both receivers have up to now.
    pub fn of(smsc: &Smsc, smtp: &SmtpSink) -> Self {
        let texts = smsc.texts().all().into_iter();
        let mails = smtp.mails().all().into_iter();
        Self {
            texts: texts.map(|sms| (plus(sms.destination), sms.text)).collect(),
            mails: mails
                .flat_map(|mail| mail.to.into_iter().map(move |to| (to, mail.subject.clone())))
                .collect(),
        }
    }
}

/// SMPP carries numbers with their type; ours are written with a plus.
fn plus(number: String) -> String {
    if number.starts_with('+') {
        number
    } else {
        format!("+{number}")
    }
}

/// What the platform says about its "accepted" messages.
#[derive(Debug, FromRow)]
struct Sent {
    subject: Uuid,
    channel: String,
    state: String,
}

/// Checks the "accepted" messages of acknowledged reports against what the providers received. The second number says
/// how many ended in `unknown`: handed over or not, nobody can tell, so they are never sent again; those may have
/// arrived once or not at all.
///
/// # Errors
/// When the database does not answer.
pub async fn messages(
    conn: &mut PgConnection,
    acknowledged: &Acknowledged,
    reach: &HashMap<String, Reach>,
    told: &Told,
) -> anyhow::Result<(Vec<Check>, u64)> {
    let sent: Vec<Sent> =
        sqlx::query_as("select subject, channel, state from notify.message where purpose = 'accepted'")
            .fetch_all(conn)
            .await?;
    let unknown = sent.iter().filter(|one| one.state == "unknown").count() as u64;
    let states: HashMap<_, _> = sent
        .into_iter()
        .map(|one| ((one.subject, one.channel), one.state))
        .collect();
    let texts = on_channel("sms", "text", acknowledged, &states, &told.texts, |account| {
        reach.get(account)?.phone.clone()
    });
    let mails = on_channel("email", "mail", acknowledged, &states, &told.mails, |account| {
        reach.get(account)?.mail.clone()
    });
    Ok((vec![texts, mails], unknown))
}

fn on_channel(
    channel: &str,
    noun: &str,
    acknowledged: &Acknowledged,
    states: &HashMap<(Uuid, String), String>,
    received: &[(String, String)],
    address: impl Fn(&str) -> Option<String>,
) -> Check {
    let mut inboxes: HashMap<&str, Vec<&str>> = HashMap::new();
    for (to, text) in received {
        inboxes.entry(to).or_default().push(text);
    }
    let (mut entitled, mut broken) = (0, Vec::new());
    for report in &acknowledged.reports {
        let Some(to) = address(&report.account) else {
            continue;
        };
        entitled += 1;
        let inbox = inboxes.get(to.as_str()).map_or(&[][..], Vec::as_slice);
        let times = inbox.iter().filter(|text| text.contains(&report.number)).count();
        let state = states
            .get(&(report.report_id, channel.to_owned()))
            .map(String::as_str);
        let is_right = match state {
            Some("unknown") => times <= 1,
            Some("submitted" | "delivered") => times == 1,
            _ => false,
        };
        if !is_right {
            broken.push(format!(
                "{}: {times} times, {}",
                report.number,
                state.unwrap_or("no message")
            ));
        }
    }
    Check::new(
        format!("a reporter got the {noun} `accepted` once"),
        entitled,
        broken,
    )
}
