//! What those who were asked answer, or do not.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Utc};
use relight_common::Work;
use uuid::Uuid;

use super::{BY_ANSWER, draw::widen, due, tell, wake};
use crate::{
    desk::Desk,
    domain::{
        ReportId,
        check::{Effects, Event, Heard, Stage, transition},
        group::Call,
        mind::Piece,
        signal,
    },
    error::Error,
    store::{
        self,
        check::{Check, Row},
        evidence::Signal,
    },
};

/// What somebody who was asked by text said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Answer {
    /// Which question.
    pub(crate) asked: Uuid,
    /// What it means.
    pub(crate) event: Event,
    /// When.
    pub(crate) at: DateTime<Utc>,
}

/// Rows that something happened to, with what follows.
#[derive(Debug, Default)]
struct Moved {
    rows: Vec<Row>,
    of: BTreeMap<Uuid, Following>,
    widen: Vec<Row>,
}

/// What notify is told of one check.
#[derive(Debug)]
struct Following {
    check: Check,
    /// Who is asked by text, by their place among the rows.
    ask: Vec<usize>,
    /// Who is not any more.
    settled: Vec<Uuid>,
}

impl Following {
    fn of(check: Check) -> Self {
        Self {
            check,
            ask: Vec::new(),
            settled: Vec::new(),
        }
    }
}

impl Moved {
    /// Lets `event` happen to a row; gives it as it is now, and what follows for the caller.
    fn apply(&mut self, desk: &Desk, row: &Row, event: Event, now: DateTime<Utc>) -> (Row, Effects) {
        let (asked, effects) = transition(row.asked, event);
        let mut to = Row {
            asked,
            texted: row.texted || effects.ask,
            ..row.clone()
        };
        if asked.stage == Stage::Texting && row.asked.stage == Stage::Pinging {
            to.due_at = due(&desk.numbers_of.checks, false, now);
        }
        let following = self.of.entry(row.check.id);
        let following = following.or_insert_with(|| Following::of(row.check));
        if effects.ask {
            following.ask.push(self.rows.len());
        }
        if effects.withdraw {
            following.settled.push(row.id);
        }
        if effects.widen {
            self.widen.push(to.clone());
        }
        self.rows.push(to.clone());
        (to, effects)
    }

    /// Stores and tells all of it.
    async fn settle(self, desk: &Desk, work: &mut Work) -> Result<(), Error> {
        // Of a row that two things happened to the last state holds.
        let last: HashMap<Uuid, &Row> = self.rows.iter().map(|row| (row.id, row)).collect();
        let rows: Vec<Row> = last.values().map(|row| (*row).clone()).collect();
        store::check::save(work.conn(), &rows).await?;
        for Following { check, ask, settled } in self.of.values() {
            let ask: Vec<&Row> = ask.iter().map(|at| &self.rows[*at]).collect();
            tell(desk, work, check, &ask, settled).await?;
            wake(work, check.id).await?;
        }
        for off in &self.widen {
            widen(desk, work, off).await?;
        }
        Ok(())
    }
}

/// What is heard of a load: its meter's answer, or its customer's own report.
struct Word {
    at: DateTime<Utc>,
    event: Event,
    /// Of a report: whose. Somebody else's at the same place says nothing of them.
    customer: Option<Uuid>,
}

/// Reports and answers of meters, as the worker takes them up.
pub(crate) async fn heard(
    desk: &Desk,
    work: &mut Work,
    calls: &[Call],
    pieces: &[Piece],
) -> Result<(), Error> {
    let words = words(calls, pieces);
    if words.is_empty() {
        return Ok(());
    }
    let (loads, now): (Vec<String>, _) = (
        words.keys().map(|load| (*load).to_owned()).collect(),
        desk.clock.now(),
    );
    let within = desk.numbers_of.limits.still_off;
    let since = now - within - signal_late();
    let rows = store::check::lock_of_loads(work.conn(), &loads, since).await?;
    let mut moved = Moved::default();
    for mut row in rows {
        for word in words.get(row.load.as_str()).into_iter().flatten() {
            if is_about(word, &row, within) {
                (row, _) = moved.apply(desk, &row, word.event, now);
            }
        }
    }
    moved.settle(desk, work).await
}

/// How late a signal or a report may come in.
fn signal_late() -> chrono::TimeDelta {
    crate::domain::report::LATE_MAX
}

fn is_about(word: &Word, row: &Row, within: chrono::TimeDelta) -> bool {
    let restored_at = row.check.restored_at;
    // What somebody said is no word of their meter, though it is evidence like one.
    let is_known = row.asked.knows(word.at) && matches!(word.event, Event::Meter(heard) if heard.has_supply);
    let is_report = matches!(word.event, Event::Reported { .. });
    let is_theirs = !is_report || (word.customer.is_some() && word.customer == row.customer);
    !is_known && is_theirs && (restored_at..restored_at + within).contains(&word.at)
}

/// By load, in the order they were said.
fn words<'a>(calls: &'a [Call], pieces: &'a [Piece]) -> HashMap<&'a str, Vec<Word>> {
    let mut words: HashMap<&str, Vec<Word>> = HashMap::new();
    for call in calls {
        let load = call
            .place
            .load_id
            .as_deref()
            .filter(|_| call.place.customer_id.is_some());
        if let Some(load) = load {
            words.entry(load).or_default().push(Word {
                at: call.accepted_at,
                event: Event::Reported { at: call.accepted_at },
                customer: call.place.customer_id,
            });
        }
    }
    for piece in pieces {
        let has_supply = match piece.heard {
            signal::Heard::PingOn => true,
            signal::Heard::PingOff => false,
            _ => continue,
        };
        if let Some(load) = piece.load.as_deref() {
            words.entry(load).or_default().push(Word {
                at: piece.at,
                event: Event::Meter(Heard {
                    has_supply,
                    at: piece.at,
                }),
                customer: None,
            });
        }
    }
    words
        .values_mut()
        .for_each(|words| words.sort_by_key(|word| word.at));
    words
}

/// The stage of some of a check is over.
pub(crate) async fn late(desk: &Desk, work: &mut Work, check: Uuid) -> Result<(), Error> {
    let now = desk.clock.now();
    let rows = store::check::lock_late(work.conn(), check, now).await?;
    let mut moved = Moved::default();
    for row in &rows {
        moved.apply(desk, row, Event::Late, now);
    }
    moved.settle(desk, work).await?;
    wake(work, check).await
}

/// What a customer answered. True when "still off" comes in as `report`, which the caller then stores.
pub(crate) async fn answered(
    desk: &Desk,
    work: &mut Work,
    answer: &Answer,
    report: Option<ReportId>,
) -> Result<bool, Error> {
    let Some(row) = store::check::lock(work.conn(), answer.asked).await? else {
        return Ok(false);
    };
    let mut moved = Moved::default();
    let now = desk.clock.now();
    let (to, effects) = moved.apply(desk, &row, answer.event, now);
    if effects.evidence {
        store::evidence::insert(work.conn(), BY_ANSWER, &[back(&row, answer.at)], now).await?;
    }
    let is_report = effects.report && report.is_some();
    if let (true, Some(last)) = (is_report, moved.rows.last_mut()) {
        *last = Row { report, ..to };
    }
    work.audit(
        "restoration.answered",
        row.id,
        serde_json::json!({ "incident": row.check.incident, "report": is_report }),
    );
    moved.settle(desk, work).await?;
    Ok(is_report)
}

/// "Back", as the engine hears it: like a meter that has supply.
fn back(row: &Row, at: DateTime<Utc>) -> Signal {
    Signal {
        external_id: match row.asked.person {
            None => format!("{}/back", row.id),
            // They said otherwise before: each time is evidence of its own.
            Some(_) => format!("{}/back/{}", row.id, at.timestamp_micros()),
        },
        heard: signal::Heard::PingOn,
        load: Some(row.load.clone()),
        device: None,
        at,
        incident: None,
    }
}
