//! An order in words, on the board and on paper alike.

use chrono::{DateTime, Utc};
use relight_common::edge::at;
use relight_proto::dispatch::v1::{Clock, Order};

use crate::{api::Language, words};

/// The running clock that runs out first.
pub(crate) fn first_clock(order: &Order) -> Option<(&Clock, DateTime<Utc>)> {
    let running = order.clocks.iter().filter(|clock| clock.stopped_at.is_none());
    running
        .filter_map(|clock| Some((clock, at(clock.due_at)?)))
        .min_by_key(|(_, due_at)| *due_at)
}

/// What the clock counts towards.
pub(crate) fn clock_name(language: Language, clock: &Clock) -> String {
    let key = format!("board.clock_{}", clock.name);
    words::find(language, &key, &[]).unwrap_or_else(|| clock.name.clone())
}

/// The word of a state.
pub(crate) fn state(language: Language, state: &str) -> String {
    words::find(language, &format!("state.{state}"), &[]).unwrap_or_else(|| state.to_owned())
}

/// The state of this order: planned work under way is no repair.
pub(crate) fn state_of(language: Language, order: &Order) -> String {
    let key = format!("state.{}_{}", order.kind, order.state);
    words::find(language, &key, &[]).unwrap_or_else(|| state(language, &order.state))
}

/// What an order that is no fault is about, with its number.
pub(crate) fn about(language: Language, order: &Order) -> Option<String> {
    let kind = words::find(language, &format!("board.kind_{}", order.kind), &[])?;
    Some(format!("{kind} {}", order.subject_number))
}
