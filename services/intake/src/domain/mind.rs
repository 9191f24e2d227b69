//! What the engine believes, kept as incidents. Pure: stored evidence and open incidents in, changes out; the same
//! evidence gives the same incidents in whatever order it came.
//!
//! The engine (`relight_grid::infer`) names each outage by its first report, a *finding*. Here findings are bound to
//! incidents, every report gets the incident of the finding that explains it, and what people decided stands: a
//! confirmed device is never moved, a report that a person placed stays where it is, a closed incident keeps its own.

mod back;
mod believe;
mod book;
mod fed;
mod hear;
mod home;
mod meters;
mod named;
mod replay;
mod rows;
#[cfg(test)]
pub(super) mod tests;
mod words;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    sync::Arc,
};

use chrono::{DateTime, TimeDelta, Utc};
use relight_grid::{
    DeviceIx, Grid, LoadIx,
    infer::{self, Change, Engine, IncidentKey, Weights},
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    IncidentId, ReportId, area::ArrivalLimits, group::Call, incident::Incident, place::Place, signal::Heard,
};
use book::Book;
pub use fed::Fed;
use fed::Way;
use home::{Claim, Home};
use named::Named;
pub use replay::{Again, Replayed, Step, decide_again, replay};

/// Numbers of the service around the engine; those of the engine are its weights.
#[derive(Debug, Clone, PartialEq)]
pub struct Limits {
    /// Meters that must agree before an incident opens that nobody called about.
    pub meters_open: u32,
    /// Meters that must agree, and ...
    pub meters_confirm: u32,
    /// ... the confidence that must be reached, before meters confirm a device (O18).
    pub confirm_p: f64,
    /// Reports this long before a confirmed outage are taken into it.
    pub window: TimeDelta,
    /// Somebody still off this long after a restoration is a child of that incident.
    pub still_off: TimeDelta,
}

/// What the mind asks about places.
pub trait Places {
    /// Where a load is: that of its service point.
    fn place_of(&self, load: LoadIx) -> Place;
}

/// One stored piece of evidence.
#[derive(Debug, Clone, PartialEq)]
pub struct Piece {
    /// Its row.
    pub id: Uuid,
    /// When it happened.
    pub at: DateTime<Utc>,
    /// What was heard.
    pub heard: Heard,
    /// Load as in the grid file.
    pub load: Option<String>,
    /// Device as in the grid file.
    pub device: Option<String>,
    /// Of a call.
    pub report: Option<ReportId>,
    /// Where the report is; of a restoration: of which incident.
    pub incident: Option<IncidentId>,
    /// A person or the ledger placed the report.
    pub fixed: bool,
}

/// How the network is switched from one moment on, as device ids.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Switching {
    /// From when.
    pub at: DateTime<Utc>,
    /// Opened against the normal state.
    pub opened: Vec<String>,
    /// Closed against the normal state.
    pub closed: Vec<String>,
}

/// Everything stored that a new mind has to know.
#[derive(Debug, Clone, Default)]
pub struct Memory {
    /// Evidence, any order.
    pub pieces: Vec<Piece>,
    /// Switchings of this grid version.
    pub switched: Vec<Switching>,
    /// Which incident each finding belongs to: (time, load, incident).
    pub findings: Vec<(DateTime<Utc>, String, IncidentId)>,
    /// Devices named by dispatchers.
    pub overruled: Vec<(IncidentId, String)>,
}

/// What happened since the last round.
#[derive(Debug)]
pub struct Round {
    /// Now.
    pub now: DateTime<Utc>,
    /// Reports waiting for an incident.
    pub calls: Vec<Call>,
    /// Signals and restorations.
    pub pieces: Vec<Piece>,
    /// Switchings.
    pub switched: Vec<Switching>,
    /// All open incidents.
    pub open: Vec<Incident>,
}

/// What is believed of one incident, to be stored.
#[derive(Debug, Clone, PartialEq)]
pub struct Belief {
    /// Of which.
    pub incident: IncidentId,
    /// (device, its equals, probability), the likeliest first.
    pub candidates: Vec<(String, Vec<String>, f64)>,
    /// That the device is right.
    pub confidence: f64,
    /// Probably off.
    pub customers: u32,
    /// Why, in Chinese and English.
    pub why: (String, String),
    /// The load whose meter should be asked.
    pub ask: Option<String>,
    /// One customer's own premises explain it.
    pub premise: bool,
    /// Enough of those who reported are back.
    pub restored_at: Option<DateTime<Utc>>,
}

/// One decision of a round.
#[derive(Debug, Clone, PartialEq)]
pub struct Decision {
    /// About which.
    pub incident: IncidentId,
    /// Word: now, merged, gone.
    pub what: &'static str,
    /// The device then.
    pub device: Option<String>,
    /// What the engine made it from, beside the evidence; none where it did not decide.
    pub basis: Option<Basis>,
}

/// What a decision of the engine was made from, beside the evidence and the switchings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Basis {
    /// The finding it is about: the time of its first report ...
    pub at: DateTime<Utc>,
    /// ... and the load of that.
    pub load: String,
    /// What people had named or confirmed around it: (time and load of the report it was named by, device).
    pub named: Vec<(DateTime<Utc>, String, String)>,
    /// The device a dispatcher had named for the incident itself.
    pub overruled: Option<String>,
}

/// What a round decided.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Incidents that reports left for others; what is merged gives all of its own and is not among them.
    pub left: BTreeSet<IncidentId>,
    /// Reports with their incident, new or moved; and whether that was said by the ledger.
    pub homes: Vec<(ReportId, IncidentId, bool)>,
    /// Incidents that are new (version 0), changed, merged or closed. Their facts are those of their reports.
    pub changed: Vec<Incident>,
    /// All incidents that are open afterwards.
    pub open: Vec<Incident>,
    /// Findings with their incident.
    pub bound: Vec<(DateTime<Utc>, String, IncidentId)>,
    /// What is believed now.
    pub beliefs: Vec<Belief>,
    /// How it came to what is believed.
    pub decisions: Vec<Decision>,
    /// Reports the network does not explain: they are grouped without it.
    pub leftover: Vec<Call>,
    /// Guesses that meters or telemetry make facts.
    pub sure: Vec<(IncidentId, String)>,
    /// Meters that are off and in no incident, with the evidence's id and time.
    pub lone: Vec<(Uuid, DateTime<Utc>, Place)>,
    /// Who is fed another way since, or not any more, to be stored as evidence.
    pub fed: Vec<Fed>,
}

/// A report on the network.
#[derive(Debug, Clone)]
struct Told {
    report: ReportId,
    /// When it was made; the engine counts milliseconds of it.
    at: DateTime<Utc>,
    incident: Option<IncidentId>,
    fixed: bool,
    /// Until it has its first incident.
    call: Option<Call>,
}

impl Told {
    fn at_ms(&self) -> i64 {
        ms(self.at)
    }
}

/// The engine with the incidents its findings are.
#[derive(Debug)]
pub struct Mind {
    engine: Engine,
    grid: Arc<Grid>,
    limits: Limits,
    bound: BTreeMap<IncidentKey, IncidentId>,
    views: BTreeMap<IncidentKey, infer::Incident>,
    /// The findings around a load.
    covers: HashMap<LoadIx, BTreeSet<IncidentKey>>,
    reports: BTreeMap<LoadIx, Vec<Told>>,
    restored: HashMap<LoadIx, Vec<(i64, IncidentId)>>,
    /// Which of those who were off are fed another way, and back.
    ways: HashMap<LoadIx, BTreeSet<Way>>,
    first_out: HashMap<LoadIx, i64>,
    last_out: HashMap<LoadIx, i64>,
    last_on: HashMap<LoadIx, i64>,
    /// When a meter last said that there is no supply.
    meter_off: HashMap<LoadIx, i64>,
    /// Pieces of evidence the engine holds.
    heard: usize,
    /// When a meter, or somebody there, last said that there is supply; the word of a crew is none.
    said_on: HashMap<LoadIx, i64>,
    tripped: HashSet<DeviceIx>,
    /// What telemetry said last of a device, and when.
    telemetry: HashMap<DeviceIx, i64>,
    believed: HashMap<IncidentId, Belief>,
    claims: BTreeMap<IncidentId, Claim>,
    overruled: BTreeMap<IncidentId, Named>,
    /// Findings that were given to the incident they were named for, to be stored.
    rebound: BTreeSet<IncidentKey>,
}

pub(super) fn ms(at: DateTime<Utc>) -> i64 {
    at.timestamp_millis()
}

fn instant(at_ms: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(at_ms).unwrap_or_default()
}

impl Mind {
    /// A mind that knows what was stored. Its first round says everything anew.
    pub fn new(
        grid: Arc<Grid>,
        lengths_m: &[Option<f64>],
        weights: Weights,
        limits: Limits,
        memory: Memory,
    ) -> Self {
        let mut mind = Self {
            engine: Engine::new(grid.clone(), lengths_m, weights),
            grid,
            limits,
            bound: BTreeMap::new(),
            views: BTreeMap::new(),
            covers: HashMap::new(),
            reports: BTreeMap::new(),
            restored: HashMap::new(),
            ways: HashMap::new(),
            first_out: HashMap::new(),
            last_out: HashMap::new(),
            last_on: HashMap::new(),
            meter_off: HashMap::new(),
            heard: 0,
            said_on: HashMap::new(),
            tripped: HashSet::new(),
            telemetry: HashMap::new(),
            believed: HashMap::new(),
            claims: BTreeMap::new(),
            overruled: memory
                .overruled
                .into_iter()
                .map(|(id, device)| (id, Named::new(device)))
                .collect(),
            rebound: BTreeSet::new(),
        };
        mind.relive(memory.pieces, memory.switched);
        for (at, load, incident) in memory.findings {
            if let Some(load) = mind.grid.load(&load) {
                mind.bound.insert(IncidentKey { at_ms: ms(at), load }, incident);
            }
        }
        mind
    }

    /// Takes in what was stored in the order it happened: what is dark by switching depends on what was known before.
    fn relive(&mut self, mut pieces: Vec<Piece>, mut switched: Vec<Switching>) {
        pieces.sort_by_key(|piece| (piece.at, piece.id));
        switched.sort_by_key(|state| state.at);
        let mut switched = switched.into_iter().peekable();
        for piece in &pieces {
            while let Some(state) = switched.next_if(|state| state.at <= piece.at) {
                self.switch(vec![state]);
            }
            self.hear(piece);
        }
        self.switch(switched.collect());
    }

    /// The version of the network it thinks about.
    pub fn version(&self) -> Uuid {
        self.grid.version()
    }

    /// How many pieces of evidence it holds in memory.
    pub fn heard(&self) -> usize {
        self.heard
    }

    /// When silence alone will next say something new.
    pub fn due(&self) -> Option<DateTime<Utc>> {
        self.engine.due_ms().map(instant)
    }

    /// One round: what changed since the last.
    pub fn round(&mut self, round: Round, places: &dyn Places, arrival: &ArrivalLimits) -> Outcome {
        let now = round.now;
        let mut book = Book::new(round.open, arrival);
        let mut dirty = BTreeSet::new();
        self.forget_named(&book);
        for call in round.calls {
            match self.load_of(&call) {
                Some(load) => {
                    self.tell(load, call, &book);
                    dirty.insert(load);
                }
                None => book.leftover.push(call),
            }
        }
        let off: Vec<&Piece> = round
            .pieces
            .iter()
            .filter(|piece| piece.heard.is_off_meter())
            .collect();
        for piece in &round.pieces {
            if let Some(load) = self.hear(piece) {
                dirty.insert(load);
            }
        }
        // The answer of a meter that was asked for moves the belief of who asked.
        let asked = self
            .views
            .values()
            .filter(|view| view.ask.is_some_and(|load| dirty.contains(&load)));
        let asked: Vec<LoadIx> = asked.map(|view| view.key.load).collect();
        dirty.extend(asked);
        dirty.extend(self.claim(&book));
        let is_switched = !round.switched.is_empty();
        if is_switched {
            // A mind that just began knows what was named before it is told how the network is switched now.
            self.pin();
        }
        self.switch(round.switched);
        if is_switched {
            self.note_ways(&mut book);
        }
        let gone = self.decide(now, &mut dirty);
        self.place_reports(&dirty, &mut book, places);
        self.heard_after_restoration(&dirty, &mut book, places);
        self.close_children_that_are_back(&dirty, &mut book);
        self.end(gone, is_switched, &mut book);
        self.believe(&dirty, &mut book);
        for piece in off {
            let load = piece.load.as_deref().and_then(|load| self.grid.load(load));
            if let Some(load) = load.filter(|&load| !self.explains(load, ms(piece.at), &book)) {
                book.lone.push((piece.id, piece.at, places.place_of(load)));
            }
        }
        book.close()
    }

    /// Id of the load a report speaks for.
    pub fn load_id_of(&self, call: &Call) -> Option<String> {
        self.load_of(call).map(|load| self.grid.load_id(load).to_owned())
    }

    /// Takes down where reports went that were grouped without the network.
    pub fn joined(&mut self, joins: &[(ReportId, IncidentId)]) {
        let joins: HashMap<ReportId, IncidentId> = joins.iter().copied().collect();
        for told in self.reports.values_mut().flatten() {
            told.incident = joins.get(&told.report).copied().or(told.incident);
        }
    }

    /// The load a report speaks for: its own, or one below its transformer, always the same.
    fn load_of(&self, call: &Call) -> Option<LoadIx> {
        let place = &call.place;
        let own = place.load_id.as_deref().and_then(|load| self.grid.load(load));
        own.or_else(|| {
            let transformer = self.grid.device(place.transformer_id.as_deref()?)?;
            let below = self.grid.affected(transformer).dead_loads;
            let nth = call.report.uuid().as_u128() % u128::try_from(below.len().max(1)).ok()?;
            below.get(usize::try_from(nth).ok()?).copied()
        })
    }

    /// Lets the engine decide; gives the findings that are no more, each with the one it became part of.
    fn decide(
        &mut self,
        now: DateTime<Utc>,
        dirty: &mut BTreeSet<LoadIx>,
    ) -> Vec<(IncidentKey, Option<IncidentKey>)> {
        let mut changes = self.engine.decide(ms(now));
        if self.pin() {
            changes.extend(self.engine.decide(ms(now)));
        }
        let mut gone = Vec::new();
        for change in changes {
            match change {
                Change::Now { key, .. } => self.see(key, dirty),
                Change::Merged { key, into } => {
                    self.unsee(key, dirty);
                    gone.push((key, Some(into)));
                }
                Change::Gone { key } => {
                    self.unsee(key, dirty);
                    // Dark by switching: as it was, with those who are still dark.
                    if self.engine.incident(key).is_some() {
                        self.see(key, dirty);
                    } else {
                        gone.push((key, None));
                    }
                }
            }
        }
        gone.retain(|(key, _)| !self.views.contains_key(key));
        self.keep_named(dirty);
        gone
    }

    fn see(&mut self, key: IncidentKey, dirty: &mut BTreeSet<LoadIx>) {
        self.unsee(key, dirty);
        if let Some(view) = self.engine.incident(key) {
            for &load in &view.loads {
                self.covers.entry(load).or_default().insert(key);
                dirty.insert(load);
            }
            self.views.insert(key, view);
        }
    }

    fn unsee(&mut self, key: IncidentKey, dirty: &mut BTreeSet<LoadIx>) {
        for load in self.views.remove(&key).map(|view| view.loads).unwrap_or_default() {
            if let Some(keys) = self.covers.get_mut(&load) {
                keys.remove(&key);
            }
            dirty.insert(load);
        }
    }

    /// Whether an incident explains that this load was off: an open one, or one that is over and was not yet at that moment.
    fn explains(&self, load: LoadIx, at_ms: i64, book: &Book<'_>) -> bool {
        let was_going_on = |key: &IncidentKey| {
            let over = self.bound.get(key).is_some_and(|id| !book.is_open(*id));
            let restored = self.views[key].restored_at_ms;
            over && restored.is_some_and(|at| key.at_ms <= at_ms && at_ms <= at)
        };
        let mut around = self.covers.get(&load).into_iter().flatten();
        self.incident_at(load, at_ms, book).is_some() || around.any(was_going_on)
    }

    fn incident_at(&self, load: LoadIx, at_ms: i64, book: &Book<'_>) -> Option<IncidentId> {
        let id = match self.home(load, at_ms) {
            Home::Incident(id) => id,
            Home::Finding(key) => match self.restored_of(load, at_ms, key) {
                Some(parent) => {
                    let transformer = self.grid.normal_supply().transformer(load);
                    book.child_at(parent, transformer.map(|device| self.name(device)).as_ref())?
                }
                None => *self.bound.get(&key)?,
            },
            Home::Nowhere => return None,
        };
        book.is_open(id).then_some(id)
    }
}
