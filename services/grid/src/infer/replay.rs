//! Evidence of a whole storm, in any order, told as it would have been seen at the time.

use std::collections::BTreeMap;

use super::engine::{Change, Engine};
use super::evidence::Evidence;
use super::incident::{Incident, IncidentKey};
use super::state::Switched;
use crate::model::DeviceIx;

/// What was believed of an incident from one moment on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Update {
    /// From when, milliseconds.
    pub at_ms: i64,
    /// The probable device.
    pub device: Option<DeviceIx>,
    /// How sure.
    pub p: f64,
}

/// One incident with its history.
#[derive(Debug, Clone, PartialEq)]
pub struct Told {
    /// As it looks in the end.
    pub incident: Incident,
    /// How it came to that.
    pub updates: Vec<Update>,
}

/// Plays evidence and switchings (from when, how) into `engine` in the order they happened and decides at each moment something
/// happened, and when silence has become telling in between. In the end it is `until_ms`, or the last moment if that is later.
pub fn replay(
    engine: &mut Engine,
    mut evidence: Vec<Evidence>,
    mut switched: Vec<(i64, Switched)>,
    until_ms: Option<i64>,
) -> Vec<Told> {
    evidence.sort_unstable();
    switched.sort_by_key(|(at_ms, _)| *at_ms);
    let mut switched = switched.into_iter().peekable();
    let mut updates: BTreeMap<IncidentKey, Vec<Update>> = BTreeMap::new();
    for moment in evidence.chunk_by(|a, b| a.at_ms == b.at_ms) {
        while let Some((at_ms, how)) = switched.next_if(|(at_ms, _)| *at_ms <= moment[0].at_ms) {
            switch(engine, (at_ms, how), &mut updates);
        }
        silence(engine, moment[0].at_ms, &mut updates);
        for piece in moment {
            engine.accept(*piece);
        }
        decide(engine, moment[0].at_ms, &mut updates);
    }
    if let Some(until_ms) = until_ms {
        while let Some((at_ms, how)) = switched.next_if(|(at_ms, _)| *at_ms <= until_ms) {
            switch(engine, (at_ms, how), &mut updates);
        }
        silence(engine, until_ms, &mut updates);
        decide(engine, until_ms, &mut updates);
    }
    let told = engine.incidents().into_iter().map(|incident| Told {
        updates: updates.remove(&incident.key).unwrap_or_default(),
        incident,
    });
    told.collect()
}

fn switch(
    engine: &mut Engine,
    (at_ms, how): (i64, Switched),
    updates: &mut BTreeMap<IncidentKey, Vec<Update>>,
) {
    silence(engine, at_ms, updates);
    engine.switch(at_ms, how);
    decide(engine, at_ms, updates);
}

fn silence(engine: &mut Engine, until_ms: i64, updates: &mut BTreeMap<IncidentKey, Vec<Update>>) {
    while let Some(due_ms) = engine.due_ms().filter(|&due_ms| due_ms < until_ms) {
        decide(engine, due_ms, updates);
    }
}

fn decide(engine: &mut Engine, now_ms: i64, updates: &mut BTreeMap<IncidentKey, Vec<Update>>) {
    for change in engine.decide(now_ms) {
        if let Change::Now { key, device, p, .. } = change {
            updates.entry(key).or_default().push(Update {
                at_ms: now_ms,
                device,
                p,
            });
        }
    }
}
