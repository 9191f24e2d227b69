//! Which rules there are: every path a question or a service reads, and the kind of quantity it must be.
//!
//! A leaf outside this table would decide nothing, so it is refused. `*` stands for a layer (law, promise, local, own): all
//! layers below one path are asked and the strictest decides.

use std::fmt;

use crate::quantity::Quantity;

/// Part of the rules a pack may cover.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Area {
    Fault,
    Planned,
    Temporary,
    Arrears,
    Complaint,
}

impl Area {
    pub(crate) const ALL: [Area; 5] = [
        Area::Fault,
        Area::Planned,
        Area::Temporary,
        Area::Arrears,
        Area::Complaint,
    ];

    pub(crate) fn word(self) -> &'static str {
        match self {
            Area::Fault => "fault",
            Area::Planned => "planned",
            Area::Temporary => "temporary",
            Area::Arrears => "arrears",
            Area::Complaint => "complaint",
        }
    }
}

/// The kind of quantity a rule must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wanted {
    Duration,
    Days,
    Span,
    Percent,
    TimesPerYear,
    Money,
    Time,
    NoCut,
    Recipients,
    Fact,
    Effect,
}

impl Wanted {
    pub(crate) fn fits(self, quantity: &Quantity) -> bool {
        match quantity {
            Quantity::Duration(_) => matches!(self, Wanted::Duration | Wanted::Span),
            Quantity::Days(..) => matches!(self, Wanted::Days | Wanted::Span),
            Quantity::Percent(_) => self == Wanted::Percent,
            Quantity::TimesPerYear(_) => self == Wanted::TimesPerYear,
            Quantity::Money(_) => self == Wanted::Money,
            Quantity::Time(_) => self == Wanted::Time,
            Quantity::YearlyDates(..) | Quantity::DayKind(_) => self == Wanted::NoCut,
            Quantity::Recipients(_) => self == Wanted::Recipients,
            Quantity::Fact(_) => self == Wanted::Fact,
            Quantity::Effect(_) => self == Wanted::Effect,
        }
    }
}

impl fmt::Display for Wanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Wanted::Duration => "duration (s, min, h)",
            Wanted::Days => "number of days (calendar_days, clear_days, business_days, strict_days)",
            Wanted::Span => "duration (s, min, h) or a number of days (calendar_days, clear_days, business_days, strict_days)",
            Wanted::Percent => "share (percent)",
            Wanted::TimesPerYear => "count (times_per_year)",
            Wanted::Money => "amount (CNY, AUD)",
            Wanted::Time => "time of day (time_of_day)",
            Wanted::NoCut => "kind of day (day_kind, yearly_dates)",
            Wanted::Recipients => "class of customers (recipients)",
            Wanted::Fact => "fact (fact)",
            Wanted::Effect => "effect (effect)",
        })
    }
}

/// One path with what it must be.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shape {
    pub(crate) area: Area,
    pub(crate) path: &'static str,
    pub(crate) wanted: Wanted,
    /// A pack that covers the area does not load without it.
    pub(crate) needed: bool,
}

impl Shape {
    /// The shape of a leaf's path, if anything reads it.
    pub(crate) fn of(path: &str) -> Option<&'static Shape> {
        SHAPES.iter().find(|shape| fits(shape.path, path))
    }
}

fn fits(pattern: &str, path: &str) -> bool {
    let (mut wanted, mut given) = (pattern.split('.'), path.split('.'));
    loop {
        match (wanted.next(), given.next()) {
            (None, None) => return true,
            (Some("*"), Some(_)) => {}
            (Some(a), Some(b)) if a == b => {}
            _ => return false,
        }
    }
}

const fn needed(area: Area, path: &'static str, wanted: Wanted) -> Shape {
    Shape {
        area,
        path,
        wanted,
        needed: true,
    }
}

const fn may(area: Area, path: &'static str, wanted: Wanted) -> Shape {
    Shape {
        area,
        path,
        wanted,
        needed: false,
    }
}

/// Every rule there can be.
pub(crate) const SHAPES: &[Shape] = &[
    needed(Area::Fault, "fault.arrival.urban", Wanted::Duration),
    needed(Area::Fault, "fault.arrival.rural", Wanted::Duration),
    needed(Area::Fault, "fault.arrival.remote", Wanted::Duration),
    may(Area::Fault, "fault.arrival_law.urban", Wanted::Duration),
    may(Area::Fault, "fault.arrival_law.rural", Wanted::Duration),
    may(Area::Fault, "fault.arrival_law.remote", Wanted::Duration),
    needed(Area::Fault, "alarm.watch", Wanted::Percent),
    needed(Area::Fault, "alarm.at_risk", Wanted::Percent),
    needed(Area::Fault, "dispatch.unit_take", Wanted::Duration),
    needed(Area::Fault, "dispatch.crew_take", Wanted::Duration),
    may(Area::Fault, "etr.first", Wanted::Duration),
    may(Area::Fault, "call_back.within", Wanted::Duration),
    needed(Area::Fault, "urge.window", Wanted::Duration),
    may(Area::Fault, "grading.load.*.*", Wanted::Percent),
    may(Area::Fault, "grading.customers.*.*", Wanted::Percent),
    needed(Area::Planned, "planned.lead.*", Wanted::Span),
    needed(Area::Planned, "planned.needs.*", Wanted::Fact),
    needed(Area::Planned, "planned.individual.*", Wanted::Recipients),
    needed(Area::Planned, "planned.start_window", Wanted::Duration),
    needed(Area::Planned, "planned.change.earlier", Wanted::Effect),
    needed(Area::Planned, "planned.change.other_day", Wanted::Effect),
    needed(Area::Planned, "planned.change.longer", Wanted::Effect),
    needed(Area::Planned, "planned.change.later_same_day", Wanted::Duration),
    needed(Area::Planned, "planned.change.window_growth", Wanted::Duration),
    needed(Area::Planned, "planned.change.inform_before", Wanted::Duration),
    may(Area::Planned, "planned.extension_call_over", Wanted::Duration),
    may(Area::Planned, "planned.countersign_within", Wanted::Duration),
    may(Area::Planned, "planned.talks", Wanted::Span),
    needed(Area::Planned, "planned.alarm_before", Wanted::Duration),
    may(Area::Planned, "planned.decide_before", Wanted::Duration),
    may(Area::Planned, "planned.archive_within", Wanted::Span),
    may(Area::Planned, "planned.accuracy_tolerance", Wanted::Duration),
    may(Area::Planned, "planned.start_alarm", Wanted::Duration),
    may(Area::Planned, "planned.safety_tell_within", Wanted::Duration),
    needed(Area::Planned, "planned.reminder_before", Wanted::Duration),
    needed(Area::Planned, "planned.gate_before", Wanted::Duration),
    needed(Area::Planned, "planned.combine_within", Wanted::Days),
    may(Area::Planned, "planned.extension_ask_before", Wanted::Duration),
    may(Area::Planned, "planned.long_outage", Wanted::Duration),
    may(Area::Planned, "life_support.renew_before", Wanted::Days),
    may(Area::Planned, "planned.times.kv10", Wanted::TimesPerYear),
    may(Area::Planned, "planned.times.kv35", Wanted::TimesPerYear),
    needed(Area::Planned, "important.settle", Wanted::Duration),
    needed(Area::Planned, "important.account_manager_after", Wanted::Duration),
    needed(Area::Planned, "important.duty_manager_after", Wanted::Duration),
    needed(Area::Temporary, "temporary.lead.*", Wanted::Span),
    may(Area::Arrears, "arrears.needs.*", Wanted::Fact),
    may(Area::Arrears, "arrears.overdue.*", Wanted::Days),
    may(Area::Arrears, "arrears.reminder_min.*", Wanted::Span),
    needed(Area::Arrears, "arrears.notice_min.*", Wanted::Span),
    may(Area::Arrears, "arrears.notice_max.*", Wanted::Days),
    may(Area::Arrears, "arrears.pre_notice_min.*", Wanted::Duration),
    may(Area::Arrears, "arrears.pre_notice_max", Wanted::Duration),
    needed(Area::Arrears, "arrears.stop_tolerance", Wanted::Duration),
    needed(Area::Arrears, "arrears.cut_hours.from", Wanted::Time),
    may(Area::Arrears, "arrears.cut_hours.until", Wanted::Time),
    may(Area::Arrears, "arrears.cut_hours.through", Wanted::Time),
    may(Area::Arrears, "arrears.no_cut.*", Wanted::NoCut),
    needed(Area::Arrears, "arrears.minimum_debt", Wanted::Money),
    needed(Area::Arrears, "arrears.class.ordinary", Wanted::Effect),
    needed(Area::Arrears, "arrears.class.important", Wanted::Effect),
    needed(Area::Arrears, "arrears.class.life_support", Wanted::Effect),
    needed(Area::Arrears, "arrears.holds", Wanted::Effect),
    may(Area::Arrears, "arrears.payment_hold", Wanted::Duration),
    may(Area::Arrears, "arrears.reconnect.*", Wanted::Span),
    may(Area::Complaint, "complaint.contact", Wanted::Duration),
    needed(Area::Complaint, "complaint.answer.complaint.*", Wanted::Span),
    may(Area::Complaint, "complaint.answer.report.*", Wanted::Span),
    may(Area::Complaint, "complaint.answer.suggestion.*", Wanted::Span),
    needed(Area::Complaint, "complaint.answer.other.*", Wanted::Span),
    may(Area::Complaint, "complaint.channel.hotline.*", Wanted::Span),
    may(Area::Complaint, "complaint.channel.phone.*", Wanted::Span),
    may(Area::Complaint, "complaint.channel.hall.*", Wanted::Span),
    may(Area::Complaint, "complaint.channel.online.*", Wanted::Span),
    may(Area::Complaint, "complaint.channel.letter.*", Wanted::Span),
    may(Area::Complaint, "complaint.channel.visit.*", Wanted::Span),
    may(Area::Complaint, "complaint.channel.regulator.*", Wanted::Span),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_is_one_layer_and_no_more() {
        let cases = [
            ("planned.lead.law", true),
            ("planned.lead", false),
            ("planned.lead.law.old", false),
            ("grading.load.capital.special", true),
            ("grading.load.capital", false),
            ("planned.start_window", true),
            ("planned.start_windows", false),
            ("planned", false),
        ];
        for (path, known) in cases {
            assert_eq!(Shape::of(path).is_some(), known, "{path}");
        }
    }
}
