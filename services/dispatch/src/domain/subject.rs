//! What a planned outage or an arrears case asks of dispatch: which order there has to be now, and where the orders there
//! are have to go. Pure; the desk asks after every news, so nothing depends on which news came.

use chrono::{DateTime, TimeDelta, Utc};
use relight_policy::AreaClass;

use super::{
    ids::{OrderId, SubjectId},
    order::{Course, Kind},
    place::Place,
};

/// A noticed outage gets its order so long before it begins, whether it is ready or not.
pub const OPENS_BEFORE: TimeDelta = TimeDelta::hours(24);
/// What the crew on its way to a cut is told when the customer has paid.
pub const PAID: &str = "paid: do not cut";

/// What a subject is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// A planned or temporary outage of the planner.
    Outage,
    /// A case of arrears.
    Case,
}

impl What {
    /// The word in the table.
    pub fn word(self) -> &'static str {
        match self {
            What::Outage => "outage",
            What::Case => "case",
        }
    }

    /// Reads the word.
    pub fn parse(word: &str) -> Option<Self> {
        [What::Outage, What::Case]
            .into_iter()
            .find(|what| what.word() == word)
    }

    /// The service whose news move its orders.
    pub fn owner(self) -> &'static str {
        match self {
            What::Outage => "service:planner",
            What::Case => "service:arrears",
        }
    }
}

/// A planned outage or an arrears case as its owner told it.
#[derive(Debug, Clone, PartialEq)]
pub struct Subject {
    /// Id.
    pub id: SubjectId,
    /// What it is.
    pub what: What,
    /// Spoken number.
    pub number: String,
    /// Version at its owner; only a later one replaces it.
    pub version: i64,
    /// The owner's word.
    pub state: String,
    /// A crew on the way has to stop.
    pub stopped: bool,
    /// Place in the organisation.
    pub org_path: String,
    /// IANA zone.
    pub zone: String,
    /// Which plan of an outage; 0 for a case.
    pub plan_no: i32,
    /// Announced begin of an outage; stop time of a case.
    pub off_at: Option<DateTime<Utc>>,
    /// Announced end of an outage.
    pub on_at: Option<DateTime<Utc>>,
    /// By when a case has to have supply again.
    pub reconnect_by: Option<DateTime<Utc>>,
    /// When supply went off in fact.
    pub began_at: Option<DateTime<Utc>>,
    /// When it came back in fact.
    pub ended_at: Option<DateTime<Utc>>,
    /// Line, as people are told.
    pub line: String,
    /// Devices to be open.
    pub device_id: String,
    /// Who will be off.
    pub affected_set_id: String,
    /// How many.
    pub affected_count: u32,
    /// Where the work is.
    pub place: Option<Place>,
    /// Rules the speed crews are taken to drive.
    pub area: AreaClass,
}

/// An order a subject asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Errand {
    /// What it is about.
    pub kind: Kind,
    /// Which plan or notice it carries out.
    pub slot: String,
    /// When the work begins or, of a reconnection, is done.
    pub due_at: DateTime<Utc>,
    /// When supply is announced to be back.
    pub on_at: Option<DateTime<Utc>>,
}

impl Errand {
    /// The order that carries it out.
    pub fn order(&self, subject: SubjectId) -> OrderId {
        OrderId::of_errand(subject, self.kind, &self.slot)
    }
}

/// Where an order of a subject has to go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stage {
    /// It stands, or stands again.
    Open,
    /// It follows.
    Follow(Course),
}

impl Subject {
    /// The order there has to be at `now`, if any.
    pub fn wants(&self, now: DateTime<Utc>) -> Option<Errand> {
        let errand = self.errand()?;
        let is_due = match self.what {
            What::Case => true,
            What::Outage => self.state != "noticed" || self.opens_at()? <= now,
        };
        is_due.then_some(errand)
    }

    /// When a noticed outage gets its order by the mere passing of time.
    pub fn opens_at(&self) -> Option<DateTime<Utc>> {
        let waits = self.what == What::Outage && self.state == "noticed";
        self.off_at.filter(|_| waits).map(|off_at| off_at - OPENS_BEFORE)
    }

    /// The order this state asks for, sooner or later.
    fn errand(&self) -> Option<Errand> {
        let errand = |kind, slot, due_at: Option<DateTime<Utc>>, on_at| {
            due_at.map(|due_at| Errand {
                kind,
                slot,
                due_at,
                on_at,
            })
        };
        match (self.what, self.state.as_str()) {
            (What::Outage, "noticed" | "ready" | "off" | "working") => {
                errand(Kind::Planned, self.slot(Kind::Planned), self.off_at, self.on_at)
            }
            (What::Case, "pre_noticed") if !self.stopped => {
                errand(Kind::Disconnect, self.slot(Kind::Disconnect), self.off_at, None)
            }
            (What::Case, "reconnect_ordered" | "wrongful") => errand(
                Kind::Reconnect,
                self.slot(Kind::Reconnect),
                self.reconnect_by,
                None,
            ),
            _ => None,
        }
    }

    /// What the plan or notice `slot` says now; none when it does not hold.
    pub fn holds(&self, kind: Kind, slot: &str) -> Option<Errand> {
        self.errand()
            .filter(|errand| errand.kind == kind && errand.slot == slot)
    }

    /// The plan or notice that holds now. A case is reconnected once at most.
    fn slot(&self, kind: Kind) -> String {
        match kind {
            Kind::Planned => self.plan_no.to_string(),
            Kind::Disconnect => self
                .off_at
                .map(|at| at.timestamp().to_string())
                .unwrap_or_default(),
            Kind::Reconnect | Kind::Fault => String::new(),
        }
    }

    /// Where the order of this kind and slot has to go.
    pub fn stage(&self, kind: Kind, slot: &str) -> Stage {
        let ended = |because: &str| {
            Stage::Follow(Course::Ended {
                because: because.to_owned(),
            })
        };
        match kind {
            Kind::Planned if slot != self.slot(kind) => ended("moved to another day; a new order follows"),
            Kind::Planned => match self.state.as_str() {
                "noticed" | "ready" => Stage::Open,
                "off" | "working" | "restoring" => Stage::Follow(Course::Works),
                "restored" => Stage::Follow(Course::Back),
                "archived" => Stage::Follow(Course::Done),
                "cancelled" => ended("the outage is cancelled"),
                "aborted" => ended("the outage is broken off; leave everything safe"),
                other => ended(&format!("the outage is {other} again")),
            },
            Kind::Disconnect => match self.state.as_str() {
                "pre_noticed" if !self.stopped && slot == self.slot(kind) => Stage::Open,
                "disconnected" => Stage::Follow(Course::Done),
                "settled_before" | "paid" | "reconnect_ordered" => ended(PAID),
                "pre_noticed" => ended("stopped: do not cut"),
                other => ended(&format!("the case is {other}: do not cut")),
            },
            Kind::Reconnect | Kind::Fault => match self.state.as_str() {
                "reconnect_ordered" | "wrongful" => Stage::Open,
                "reconnected" | "closed" => Stage::Follow(Course::Done),
                other => ended(&format!("the case is {other}; no reconnection is due")),
            },
        }
    }

    /// When what an order of this kind is for was done.
    pub fn done_at(&self, kind: Kind) -> Option<DateTime<Utc>> {
        match kind {
            Kind::Disconnect => self.began_at,
            Kind::Planned | Kind::Reconnect | Kind::Fault => self.ended_at,
        }
    }

    /// Whether supply is off, or was: the clock until the begin has nothing more to measure.
    pub fn has_begun(&self) -> bool {
        self.began_at.is_some()
            || matches!(
                self.state.as_str(),
                "off" | "working" | "restoring" | "restored" | "archived" | "disconnected"
            )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn t0() -> DateTime<Utc> {
        "2026-03-08T00:30:00Z".parse().expect("an instant")
    }

    fn subject(what: What, state: &str) -> Subject {
        Subject {
            id: SubjectId::from_uuid(uuid::Uuid::from_u128(7)),
            what,
            number: "P-20260308-0001".to_owned(),
            version: 1,
            state: state.to_owned(),
            stopped: false,
            org_path: "demo/city".to_owned(),
            zone: "Asia/Shanghai".to_owned(),
            plan_no: i32::from(what == What::Outage),
            off_at: Some(t0()),
            on_at: Some(t0() + TimeDelta::hours(3)),
            reconnect_by: Some(t0() + TimeDelta::hours(24)),
            began_at: None,
            ended_at: None,
            line: String::new(),
            device_id: String::new(),
            affected_set_id: String::new(),
            affected_count: 0,
            place: None,
            area: AreaClass::Urban,
        }
    }

    fn word(stage: &Stage) -> String {
        match stage {
            Stage::Open => "open".to_owned(),
            Stage::Follow(Course::Ended { because }) => because.clone(),
            Stage::Follow(course) => course.step().to_owned(),
        }
    }

    #[test]
    fn every_state_of_an_outage_says_whether_there_is_an_order_and_where_it_goes() {
        let table = [
            ("draft", false, "the outage is draft again"),
            ("approved", false, "the outage is approved again"),
            ("noticed", true, "open"),
            ("ready", true, "open"),
            ("off", true, "repairing"),
            ("working", true, "repairing"),
            ("restoring", false, "repairing"),
            ("restored", false, "restored"),
            ("archived", false, "archived"),
            ("cancelled", false, "the outage is cancelled"),
            (
                "aborted",
                false,
                "the outage is broken off; leave everything safe",
            ),
        ];
        for (state, wanted, stage) in table {
            let outage = subject(What::Outage, state);
            assert_eq!(outage.wants(t0()).is_some(), wanted, "{state}");
            assert_eq!(word(&outage.stage(Kind::Planned, "1")), stage, "{state}");
            assert_eq!(
                word(&outage.stage(Kind::Planned, "0")),
                "moved to another day; a new order follows",
                "{state}"
            );
        }
    }

    #[test]
    fn a_noticed_outage_waits_until_a_day_before_and_a_ready_one_does_not() {
        let outage = subject(What::Outage, "noticed");
        let opens_at = t0() - OPENS_BEFORE;
        assert_eq!(outage.opens_at(), Some(opens_at));
        assert_eq!(outage.wants(opens_at - TimeDelta::seconds(1)), None);
        assert!(outage.wants(opens_at).is_some());
        let ready = subject(What::Outage, "ready");
        assert!(ready.wants(t0() - TimeDelta::days(3)).is_some());
        assert_eq!(ready.opens_at(), None);
    }

    #[test]
    fn only_a_last_warning_that_stands_sends_a_crew_to_cut() {
        let stop = t0().timestamp().to_string();
        let table = [
            ("overdue", None, "the case is overdue: do not cut"),
            ("window_open", None, "the case is window_open: do not cut"),
            ("pre_noticed", Some(Kind::Disconnect), "open"),
            ("disconnected", None, "archived"),
            ("settled_before", None, PAID),
            ("paid", None, PAID),
            ("reconnect_ordered", Some(Kind::Reconnect), PAID),
            (
                "wrongful",
                Some(Kind::Reconnect),
                "the case is wrongful: do not cut",
            ),
            ("withdrawn", None, "the case is withdrawn: do not cut"),
            (
                "a word of tomorrow",
                None,
                "the case is a word of tomorrow: do not cut",
            ),
        ];
        for (state, wanted, stage) in table {
            let case = subject(What::Case, state);
            assert_eq!(case.wants(t0()).map(|errand| errand.kind), wanted, "{state}");
            assert_eq!(word(&case.stage(Kind::Disconnect, &stop)), stage, "{state}");
        }
        let stopped = Subject {
            stopped: true,
            ..subject(What::Case, "pre_noticed")
        };
        assert_eq!(stopped.wants(t0()), None);
        assert_eq!(
            word(&stopped.stage(Kind::Disconnect, &stop)),
            "stopped: do not cut"
        );
        let other_notice = subject(What::Case, "pre_noticed").stage(Kind::Disconnect, "1");
        assert_eq!(word(&other_notice), "stopped: do not cut");
        let timeless = Subject {
            off_at: None,
            ..subject(What::Case, "pre_noticed")
        };
        assert_eq!(timeless.wants(t0()), None, "no notice, no cut");
    }

    #[test]
    fn a_reconnection_stands_until_supply_is_back() {
        let table = [
            ("reconnect_ordered", "open"),
            ("wrongful", "open"),
            ("reconnected", "archived"),
            ("closed", "archived"),
            ("paid", "the case is paid; no reconnection is due"),
        ];
        for (state, stage) in table {
            assert_eq!(
                word(&subject(What::Case, state).stage(Kind::Reconnect, "")),
                stage,
                "{state}"
            );
        }
    }

    #[test]
    fn each_plan_and_each_notice_has_an_order_of_its_own() {
        let order = |subject: &Subject| {
            let errand = subject.wants(t0()).expect("an order");
            errand.order(subject.id)
        };
        let (outage, case) = (subject(What::Outage, "ready"), subject(What::Case, "pre_noticed"));
        let moved = Subject {
            plan_no: 2,
            ..outage.clone()
        };
        let later = Subject {
            off_at: Some(t0() + TimeDelta::days(9)),
            ..case.clone()
        };
        let same_day = Subject {
            off_at: Some(t0() + TimeDelta::hours(2)),
            ..outage.clone()
        };
        assert_eq!(order(&outage), order(&same_day));
        let ids = [&outage, &moved, &case, &later, &subject(What::Case, "wrongful")].map(order);
        let unique: std::collections::HashSet<_> = ids.iter().collect();
        assert_eq!(unique.len(), ids.len());
    }
}
