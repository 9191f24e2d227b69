//! `relight events dead list|show|retry`: what could not be applied, why, and once more.

use std::process::ExitCode;

use relight_common::{
    Db, config,
    dead_letter::{self, Letter},
    secrets::SERVICES,
};
use serde::Serialize;

use crate::cli::{DeadVerb, Events, EventsVerb};
use crate::say::say;

/// A parked event as machines see it.
#[derive(Debug, Serialize)]
struct Parked<'a> {
    reader: &'a str,
    source: &'a str,
    partition: i16,
    seq: i64,
    subject: &'a str,
    r#type: &'a str,
    parked_at: String,
    reason: &'a str,
}

/// Answers for all services.
///
/// # Errors
/// When the database cannot be reached.
pub async fn run(events: &Events) -> anyhow::Result<ExitCode> {
    let EventsVerb::Dead { verb } = &events.verb;
    match verb {
        DeadVerb::List { json } => list(None, *json).await,
        DeadVerb::Show { subject } => list(Some(subject), false).await,
        DeadVerb::Retry { subject } => retry(subject.as_deref()).await,
    }
}

async fn list(subject: Option<&str>, json: bool) -> anyhow::Result<ExitCode> {
    let settings = config::load()?;
    let mut found = 0;
    for service in SERVICES {
        let db = Db::connect(&settings.database, service).await?;
        for letter in dead_letter::open(db.pool(), None, subject).await? {
            found += 1;
            print(service, &letter, json)?;
        }
    }
    if found == 0 && !json {
        say!("nothing is parked");
    }
    Ok(ExitCode::SUCCESS)
}

fn print(reader: &str, letter: &Letter, json: bool) -> anyhow::Result<()> {
    if json {
        say!("{}", serde_json::to_string(&parked(reader, letter))?);
    } else {
        let Letter {
            source,
            partition_no,
            seq,
            r#type,
            subject,
            reason,
            parked_at,
            ..
        } = letter;
        say!("{reader}: {type} {source}/{partition_no}/{seq} of {subject}, since {parked_at}: {reason}");
    }
    Ok(())
}

fn parked<'a>(reader: &'a str, letter: &'a Letter) -> Parked<'a> {
    Parked {
        reader,
        source: &letter.source,
        partition: letter.partition_no,
        seq: letter.seq,
        subject: &letter.subject,
        r#type: &letter.r#type,
        parked_at: letter.parked_at.to_rfc3339(),
        reason: &letter.reason,
    }
}

async fn retry(subject: Option<&str>) -> anyhow::Result<ExitCode> {
    let settings = config::load()?;
    let mut asked = 0;
    for service in SERVICES {
        let db = Db::connect(&settings.database, service).await?;
        asked += dead_letter::ask_retry(db.pool(), None, subject).await?;
    }
    say!(
        "{asked} parked events are tried again within seconds; `relight events dead list` shows what is left"
    );
    Ok(ExitCode::SUCCESS)
}
