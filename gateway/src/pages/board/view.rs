//! What the wallboard shows. The services decided levels and order; this only puts them into words and places.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use relight_common::edge::at;
use relight_proto::{
    arrears::v1::Alarm as ArrearsAlarm,
    dispatch::v1::{Clock, Crew, Order},
    insight::v1::Exception,
    intake::v1::{CallWanted, Incident},
    planner::v1::Alarm,
    registry::v1::Telemetry,
};
use serde::Serialize;
use uuid::Uuid;

use super::{
    alarm::AlarmRow,
    conflict::ConflictRow,
    map::{Map, Mark, Symbol},
    order::{self, first_clock},
    urgent::{CallRow, ExceptionRow},
};
use crate::{api::Language, config::Areas, words};

/// A position older than this is shown with its age, minutes.
const STALE_MIN: i64 = 5;

/// What the services said; `None`: could not be asked.
#[derive(Debug, Default)]
pub struct Known {
    /// Open orders, in the order of dispatch.
    pub orders: Option<Vec<Order>>,
    /// There are more orders than asked for.
    pub more: bool,
    /// Crews.
    pub crews: Option<Vec<Crew>>,
    /// Open incidents.
    pub incidents: Option<Vec<Incident>>,
    /// Alarms of outages nobody acknowledged, the newest first; none for who is not to see them.
    pub alarms: Option<Vec<Alarm>>,
    /// Alarms of the arrears desk nobody acknowledged, in the same way.
    pub arrears_alarms: Option<Vec<ArrearsAlarm>>,
    /// Calls to people on life-support.
    pub calls: Option<Vec<CallWanted>>,
    /// Who is off for no known reason.
    pub exceptions: Option<Vec<Exception>>,
    /// What telemetry says of devices that were set by hand to something else.
    pub conflicts: Option<Vec<Telemetry>>,
    /// Whether the viewer calls.
    pub may_call: bool,
    /// Whether the viewer may acknowledge alarms.
    pub may_acknowledge: bool,
}

/// Urgency of a clock, worst last.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// In time.
    #[default]
    None,
    /// 70 % gone.
    Watch,
    /// 90 % gone.
    AtRisk,
    /// Past the limit.
    Breach,
}

impl Level {
    fn parse(word: &str) -> Self {
        match word {
            "breach" => Level::Breach,
            "at_risk" => Level::AtRisk,
            "watch" => Level::Watch,
            _ => Level::None,
        }
    }
}

/// The board.
#[derive(Debug, Serialize)]
pub struct Board {
    rows: Vec<Row>,
    more: bool,
    alarms: Vec<AlarmRow>,
    arrears_alarms: Vec<AlarmRow>,
    calls: Vec<CallRow>,
    exceptions: Vec<ExceptionRow>,
    conflicts: Vec<ConflictRow>,
    crews: Vec<CrewRow>,
    map: Map,
    breaches: usize,
    customers_off: u32,
    /// What could not be loaded, in words.
    missing: Vec<String>,
    as_of: String,
    as_of_at: DateTime<Utc>,
    zone: String,
}

#[derive(Debug, Serialize)]
struct Row {
    order_id: String,
    version: u64,
    number: String,
    /// What an order that is no fault is about, with its number.
    about: Option<String>,
    level: Level,
    clock: Option<Due>,
    /// Device of a fault, line of a planned outage.
    device: String,
    /// Name of the area, where it has one.
    area: Option<String>,
    confirmed: bool,
    state: String,
    who: Option<String>,
    affected: u32,
    restored: u32,
    /// Still off: of the affected, or, while nobody knows them, as many as reported.
    off: u32,
    /// `off` counts reports.
    by_reports: bool,
    etr: Option<String>,
    /// The estimate has passed.
    lapsed: bool,
    danger: bool,
    life_support: bool,
    important: bool,
    urge_count: u32,
    returns: u32,
    /// A step names a photo.
    has_photo: bool,
}

/// The clock that runs out first.
#[derive(Debug, Serialize)]
struct Due {
    name: String,
    words: String,
    due_at: DateTime<Utc>,
    /// Minutes left; negative: over.
    left_min: i64,
    rule: String,
    /// The word an acknowledgement names.
    level_word: String,
    acknowledged_by: String,
    /// Set when the viewer may acknowledge and nobody has.
    command_id: Option<String>,
}

#[derive(Debug, Serialize)]
struct CrewRow {
    name: String,
    state: String,
    busy: bool,
    stale_min: Option<i64>,
}

impl Board {
    /// The board, seen from `now`.
    pub fn new(language: Language, known: Known, areas: &Areas, now: DateTime<Utc>, zone: Tz) -> Self {
        let view = View {
            language,
            areas,
            now,
            zone,
            may_acknowledge: known.may_acknowledge,
        };
        let missing = [
            (known.orders.is_none(), "board.orders"),
            (known.crews.is_none(), "board.crews"),
            (known.incidents.is_none(), "board.map"),
            (known.alarms.is_none(), "board.alarms"),
            (known.arrears_alarms.is_none(), "board.arrears_alarms"),
            (known.calls.is_none(), "board.calls"),
            (known.exceptions.is_none(), "board.exceptions"),
            (known.conflicts.is_none(), "board.conflicts"),
        ];
        let missing = missing.into_iter().filter(|(gone, _)| *gone);
        let missing = missing.map(|(_, key)| words::say(language, key, &[])).collect();
        let orders = known.orders.unwrap_or_default();
        let crews = known.crews.unwrap_or_default();
        let incidents = known.incidents.unwrap_or_default();
        let rows: Vec<Row> = orders.iter().map(|order| view.row(order, &incidents)).collect();
        Self {
            breaches: rows.iter().filter(|row| row.level == Level::Breach).count(),
            customers_off: rows.iter().map(|row| row.off).sum(),
            alarms: known
                .alarms
                .iter()
                .flatten()
                .map(|alarm| AlarmRow::of(alarm, language, (now, zone)))
                .collect(),
            arrears_alarms: known
                .arrears_alarms
                .iter()
                .flatten()
                .map(|alarm| AlarmRow::of_arrears(alarm, language, (now, zone)))
                .collect(),
            calls: CallRow::of(&known.calls.unwrap_or_default(), (now, zone), known.may_call),
            exceptions: known
                .exceptions
                .iter()
                .flatten()
                .map(|one| ExceptionRow::of(one, language, (now, zone)))
                .collect(),
            conflicts: known
                .conflicts
                .iter()
                .flatten()
                .map(|seen| ConflictRow::of(seen, language, (now, zone)))
                .collect(),
            map: Map::new(view.marks(&orders, &crews, &incidents)),
            crews: crews.iter().map(|crew| view.crew(crew)).collect(),
            rows,
            more: known.more,
            missing,
            as_of: words::clock(now, zone),
            as_of_at: now,
            zone: zone.name().to_owned(),
        }
    }
}

struct View<'a> {
    language: Language,
    areas: &'a Areas,
    now: DateTime<Utc>,
    zone: Tz,
    may_acknowledge: bool,
}

impl View<'_> {
    fn row(&self, order: &Order, incidents: &[Incident]) -> Row {
        let incident = incidents
            .iter()
            .find(|incident| incident.incident_id == order.incident_id);
        let by_reports = order.affected_count == 0;
        let first = first_clock(order);
        let about = order::about(self.language, order);
        let is_off = about.is_none() || order.state == "repairing";
        // The announced end is what people reckon with while planned work goes on.
        let etr_at = at(order.etr_at).or_else(|| at(order.on_at).filter(|_| is_off));
        let zone = order.zone.parse().unwrap_or(self.zone);
        let who = [&order.crew_name, &order.unit_name];
        Row {
            order_id: order.order_id.clone(),
            version: order.version,
            number: order.number.clone(),
            level: first.map_or(Level::None, |(clock, _)| Level::parse(&clock.level)),
            clock: first.map(|(clock, due_at)| self.due(clock, due_at)),
            device: if order.line.is_empty() {
                order.device_id.clone()
            } else {
                order.line.clone()
            },
            area: self.areas.name(self.language, &order.org_path).map(str::to_owned),
            confirmed: order.confirmed,
            state: order::state_of(self.language, order),
            who: who.into_iter().find(|name| !name.is_empty()).cloned(),
            affected: order.affected_count,
            restored: order.restored_count,
            off: if !is_off {
                0
            } else if by_reports {
                incident.map_or(0, |incident| incident.report_count)
            } else {
                order.affected_count.saturating_sub(order.restored_count)
            },
            by_reports: by_reports && about.is_none(),
            about,
            etr: etr_at.map(|at| words::short(at, self.now, zone)),
            lapsed: etr_at.is_some_and(|at| at <= self.now),
            danger: order.danger,
            life_support: order.life_support,
            important: order.important,
            urge_count: order.urge_count,
            returns: order.returns,
            has_photo: order.steps.iter().any(|step| !step.photo_sha256.is_empty()),
        }
    }

    fn due(&self, clock: &Clock, due_at: DateTime<Utc>) -> Due {
        let seconds = (due_at - self.now).num_seconds();
        let open = clock.acknowledged_by.is_empty() && Level::parse(&clock.level) > Level::None;
        Due {
            words: order::clock_name(self.language, clock),
            name: clock.name.clone(),
            due_at,
            // 90 s left is "1 min", 30 s over is "1 min over": never better than it is.
            left_min: seconds.div_euclid(60),
            rule: clock.rule.clone(),
            level_word: clock.level.clone(),
            acknowledged_by: clock.acknowledged_by.clone(),
            command_id: (open && self.may_acknowledge).then(|| Uuid::now_v7().to_string()),
        }
    }

    fn crew(&self, crew: &Crew) -> CrewRow {
        let busy = !crew.active_order_id.is_empty();
        CrewRow {
            name: crew.name.clone(),
            state: if busy {
                order::state(self.language, &crew.order_state)
            } else {
                words::say(self.language, "board.crew_free", &[])
            },
            busy,
            stale_min: self.stale(crew),
        }
    }

    fn stale(&self, crew: &Crew) -> Option<i64> {
        let age = (self.now - at(crew.position_at)?).num_minutes();
        (age >= STALE_MIN).then_some(age)
    }

    fn marks(&self, orders: &[Order], crews: &[Crew], incidents: &[Incident]) -> Vec<Mark> {
        let level = |incident: &Incident| {
            let order = orders
                .iter()
                .find(|order| order.incident_id == incident.incident_id);
            let clock = order.and_then(first_clock);
            clock.map_or(Level::None, |(clock, _)| Level::parse(&clock.level))
        };
        let incidents = incidents.iter().filter_map(|incident| {
            let point = incident.position?;
            Some(Mark {
                lon: point.lon,
                lat: point.lat,
                label: incident.number.clone(),
                symbol: Symbol::Incident {
                    level: level(incident),
                    customers: incident.affected_count.max(incident.report_count),
                    count: 1,
                },
            })
        });
        let crews = crews.iter().filter_map(|crew| {
            let point = crew.position?;
            Some(Mark {
                lon: point.lon,
                lat: point.lat,
                label: crew.name.clone(),
                symbol: Symbol::Crew {
                    heading_deg: crew.heading_deg.rem_euclid(360.0),
                    busy: !crew.active_order_id.is_empty(),
                    stale: self.stale(crew).is_some(),
                },
            })
        });
        incidents.chain(crews).collect()
    }
}

#[cfg(test)]
mod tests;
