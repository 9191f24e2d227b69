//! What stored evidence leads to when it is thought through again, at the moments it happened.

use std::{collections::BTreeSet, sync::Arc};

use chrono::{DateTime, Utc};
use relight_grid::{
    Grid,
    infer::{Change, Engine, IncidentKey, Weights},
};

use super::{Basis, Limits, Memory, Mind, Piece, instant, ms, words};

/// What was believed from one moment on.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// From when.
    pub at: DateTime<Utc>,
    /// The probable device.
    pub device: Option<String>,
    /// How sure.
    pub p: f64,
    /// Why, in Chinese and English.
    pub why: (String, String),
}

/// One incident, thought through again.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Replayed {
    /// How it came to the end.
    pub steps: Vec<Step>,
}

/// What a decision comes to when it is made again.
#[derive(Debug, Clone, PartialEq)]
pub struct Again {
    /// The probable device.
    pub device: Option<String>,
    /// How sure.
    pub p: f64,
    /// (device, its equals, probability), the likeliest first.
    pub candidates: Vec<(String, Vec<String>, f64)>,
    /// Why, in Chinese and English.
    pub why: (String, String),
}

/// Makes a decision again at the time it was made: `memory` is what was known then. None when what it is about is no outage of its own.
pub fn decide_again(
    grid: Arc<Grid>,
    lengths_m: &[Option<f64>],
    (weights, limits): (Weights, Limits),
    memory: Memory,
    basis: &Basis,
    now: DateTime<Utc>,
) -> Option<Again> {
    let mut mind = Mind::new(grid.clone(), lengths_m, weights, limits, memory);
    mind.engine.decide(ms(now));
    for (at, load, device) in &basis.named {
        let (load, device) = (grid.load(load)?, grid.device(device)?);
        // One that puts nobody out who reported said nothing then either.
        let _ = mind.engine.overrule(IncidentKey { at_ms: ms(*at), load }, device);
    }
    mind.engine.decide(ms(now));
    let load = grid.load(&basis.load)?;
    let view = mind.engine.incident(IncidentKey {
        at_ms: ms(basis.at),
        load,
    })?;
    let own = || mind.device_of(&view).map(|device| device.id);
    Some(Again {
        device: basis.overruled.clone().or_else(own),
        p: view.confidence.clamp(0.0, 1.0),
        candidates: mind.candidates(&view),
        why: (words::chinese(&grid, &view), mind.engine.explain(&view)),
    })
}

/// Replays `memory` up to `until` and gives what is believed, step by step, of the findings of one incident.
pub fn replay(
    grid: Arc<Grid>,
    lengths_m: &[Option<f64>],
    weights: Weights,
    limits: Limits,
    memory: Memory,
    until: DateTime<Utc>,
) -> Replayed {
    let empty = Memory::default();
    let mut mind = Mind::new(grid.clone(), lengths_m, weights, limits, empty);
    let wanted: BTreeSet<IncidentKey> = memory
        .findings
        .iter()
        .filter_map(|(at, load, _)| {
            let load = grid.load(load)?;
            Some(IncidentKey { at_ms: ms(*at), load })
        })
        .collect();
    let mut pieces = memory.pieces;
    pieces.sort_by_key(|piece| (piece.at, piece.id));
    let mut switched = memory.switched.into_iter().peekable();
    let mut replayed = Replayed::default();
    for moment in pieces.chunk_by(|a, b| a.at == b.at) {
        let at = moment[0].at;
        while let Some(state) = switched.next_if(|state| state.at <= at) {
            mind.switch(vec![state]);
        }
        mind.silence(at, &wanted, &mut replayed);
        moment.iter().for_each(|piece: &Piece| {
            mind.hear(piece);
        });
        mind.note(ms(at), &wanted, &mut replayed);
    }
    mind.switch(switched.collect());
    mind.silence(until, &wanted, &mut replayed);
    mind.note(ms(until), &wanted, &mut replayed);
    replayed
}

impl Mind {
    /// Decides at every moment before `until` at which silence says something.
    fn silence(&mut self, until: DateTime<Utc>, wanted: &BTreeSet<IncidentKey>, replayed: &mut Replayed) {
        while let Some(due) = self.engine.due_ms().filter(|due| *due < ms(until)) {
            self.note(due, wanted, replayed);
        }
    }

    fn note(&mut self, now_ms: i64, wanted: &BTreeSet<IncidentKey>, replayed: &mut Replayed) {
        let engine: &mut Engine = &mut self.engine;
        for change in engine.decide(now_ms) {
            let Change::Now { key, device, p, .. } = change else {
                continue;
            };
            if !wanted.contains(&key) {
                continue;
            }
            let why = engine.incident(key).map(|view| {
                let english = engine.explain(&view);
                (words::chinese(&self.grid, &view), english)
            });
            replayed.steps.push(Step {
                at: instant(now_ms),
                device: device.map(|device| self.grid.device_id(device).to_owned()),
                p,
                why: why.unwrap_or_default(),
            });
        }
    }
}
