//! A customer's status in plain words.

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use relight_common::edge::at;
use relight_proto::{
    insight::v1::Interruption,
    intake::v1::Report,
    registry::v1::{Customer, ServicePoint},
};
use serde::Serialize;
use uuid::Uuid;

use crate::{api::Language, config::Areas, pages::report::cause, words};

/// Reports older than this are history.
const RECENT_H: i64 = 24;

/// What the services said; `None`: could not be asked.
#[derive(Debug, Default)]
pub struct Known {
    /// From registry.
    pub customer: Option<Customer>,
    /// The open record of the ledger.
    pub open: Option<Interruption>,
    /// From intake, newest first.
    pub reports: Option<Vec<Report>>,
    /// From the ledger, newest first.
    pub history: Option<Vec<Interruption>>,
}

/// The page.
#[derive(Debug, Serialize)]
pub struct Status {
    account: Option<String>,
    /// Where the supply is; the name of the area while no address is known.
    address: Option<String>,
    off: Option<Off>,
    /// Reported since the last power cut ended: to say that all is well would be wrong.
    waiting: bool,
    reports: Vec<OwnReport>,
    history: Vec<Past>,
    /// Some service did not answer.
    partly: bool,
    as_of: String,
}

#[derive(Debug, Serialize)]
struct Off {
    since: Option<String>,
    /// Why, by class.
    why: String,
    /// Other reasons that keep the customer off too.
    also: Vec<String>,
    eta: String,
    cause: Option<String>,
    /// What the crew is doing; of faults and work only.
    progress: Option<String>,
    /// Whether the fault is found; of faults only.
    confirmed: Option<bool>,
}

#[derive(Debug, Serialize)]
struct OwnReport {
    report_id: String,
    number: String,
    accepted: String,
    urge_count: u32,
    /// Id of the urge this page's button sends.
    command_id: String,
}

#[derive(Debug, Serialize)]
struct Past {
    from: String,
    to: String,
    cause: Option<String>,
}

impl Status {
    /// In words, seen from `now`; `zone` where the customer's own is not known.
    pub fn new(language: Language, known: Known, areas: &Areas, now: DateTime<Utc>, zone: Tz) -> Self {
        let point = known
            .customer
            .as_ref()
            .and_then(|customer| customer.service_points.first());
        let zone = point.and_then(|point| point.zone.parse().ok()).unwrap_or(zone);
        let view = View { language, now, zone };
        Self {
            account: known.customer.as_ref().map(|customer| customer.account.clone()),
            address: point.and_then(|point| place(language, point, areas)),
            waiting: view.waiting(&known),
            off: known.open.as_ref().map(|open| view.off(open)),
            partly: known.customer.is_none() || known.reports.is_none() || known.history.is_none(),
            reports: view.reports(known.reports.unwrap_or_default()),
            history: view.history(known.history.unwrap_or_default()),
            as_of: words::clock(now, zone),
        }
    }
}

fn place(language: Language, point: &ServicePoint, areas: &Areas) -> Option<String> {
    let address = match language {
        Language::ZhCn => &point.address_zh,
        Language::En => &point.address_en,
    };
    let address = Some(address.as_str()).filter(|address| !address.is_empty());
    let place = address.or_else(|| areas.name(language, &point.org_path));
    place.map(str::to_owned)
}

#[derive(Clone, Copy)]
struct View {
    language: Language,
    now: DateTime<Utc>,
    zone: Tz,
}

impl View {
    fn when(&self, at: DateTime<Utc>) -> String {
        words::when(self.language, at, self.now, self.zone)
    }

    /// Whether a recent report has neither a power cut to show nor one that ended after it.
    fn waiting(&self, known: &Known) -> bool {
        let history = known.history.iter().flatten();
        let last_on_at = history.filter_map(|past| at(past.on_at)).max();
        let mut reported = known.reports.iter().flatten().filter_map(|r| at(r.accepted_at));
        let unanswered = |accepted_at: DateTime<Utc>| {
            self.now - accepted_at < TimeDelta::hours(RECENT_H)
                && last_on_at.is_none_or(|on_at| on_at < accepted_at)
        };
        known.open.is_none() && reported.any(unanswered)
    }

    fn off(&self, open: &Interruption) -> Off {
        let say = |key: &str| words::say(self.language, key, &[]);
        let also = open.also.iter().filter(|class| **class != open.class);
        Off {
            since: at(open.off_at).map(|at| self.when(at)),
            why: say(words::why(&open.class)),
            also: also.map(|class| say(words::why(class))).collect(),
            eta: next(self.language, &open.class, at(open.etr_at))
                .unwrap_or_else(|| eta(self.language, at(open.etr_at), self.now, self.zone)),
            cause: cause(self.language, &open.cause_code),
            progress: has_crew(&open.class).then(|| say(progress(&open.order_state))),
            confirmed: matches!(open.class.as_str(), "" | "FAULT").then_some(open.confirmed),
        }
    }

    fn reports(&self, reports: Vec<Report>) -> Vec<OwnReport> {
        let recent = reports.into_iter().filter_map(|report| {
            let accepted_at = at(report.accepted_at)?;
            (self.now - accepted_at < TimeDelta::hours(RECENT_H)).then(|| OwnReport {
                accepted: self.when(accepted_at),
                report_id: report.report_id,
                number: report.number,
                urge_count: report.urge_count,
                command_id: Uuid::now_v7().to_string(),
            })
        });
        recent.collect()
    }

    fn history(&self, history: Vec<Interruption>) -> Vec<Past> {
        let over = history.into_iter().filter_map(|past| {
            Some(Past {
                from: self.when(at(past.off_at)?),
                to: self.when(at(past.on_at)?),
                cause: cause(self.language, &past.cause_code),
            })
        });
        over.collect()
    }
}

/// When it should be back: the time, that the time has passed, or that nobody knows.
pub(in crate::pages) fn eta(
    language: Language,
    etr_at: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
    zone: Tz,
) -> String {
    match etr_at {
        None => words::say(language, "eta.unknown", &[]),
        Some(at) => {
            let key = if at > now { "eta.by" } else { "eta.lapsed" };
            words::say(language, key, &[("time", &words::when(language, at, now, zone))])
        }
    }
}

/// Whether a crew works on what puts the customer off.
pub(in crate::pages) fn has_crew(class: &str) -> bool {
    !matches!(class, "ARREARS" | "CUSTOMER_REQUEST" | "SAFETY" | "CURTAILMENT")
}

/// What supply waits for, where it is not a repair and nobody has given a time.
pub(in crate::pages) fn next(
    language: Language,
    class: &str,
    etr_at: Option<DateTime<Utc>>,
) -> Option<String> {
    let key = match class {
        "ARREARS" => "why.arrears_next",
        "SAFETY" => "why.safety_next",
        "CUSTOMER_REQUEST" => "why.customer_request_next",
        _ => return None,
    };
    etr_at.is_none().then(|| words::say(language, key, &[]))
}

/// "A crew is on its way" only when it is.
fn progress(order_state: &str) -> &'static str {
    match order_state {
        "assigned" | "taken" => "progress.assigned",
        "en_route" => "progress.en_route",
        "arrived" | "surveyed" => "progress.on_site",
        "repairing" | "resumed" => "progress.repairing",
        "suspended" => "progress.suspended",
        "section_restored" => "progress.repairing",
        // Others are back; this customer, who sees the word, is not yet.
        "restored" | "replied" | "called_back" => "progress.partly_restored",
        _ => "progress.waiting",
    }
}

#[cfg(test)]
mod tests {
    use relight_common::wire::timestamp;

    use super::*;

    fn now() -> DateTime<Utc> {
        "2026-11-22T04:00:00Z".parse().unwrap()
    }

    fn status(known: Known) -> Status {
        Status::new(
            Language::En,
            known,
            &Areas::load().unwrap(),
            now(),
            chrono_tz::Asia::Shanghai,
        )
    }

    #[test]
    fn a_crew_is_on_its_way_only_when_it_is() {
        for state in [
            "",
            "triaged",
            "dispatched",
            "unit_taken",
            "returned",
            "assigned",
            "taken",
            "arrived",
        ] {
            assert_ne!(progress(state), "progress.en_route", "{state}");
        }
        assert_eq!(progress("en_route"), "progress.en_route");
    }

    #[test]
    fn what_could_not_be_asked_is_said() {
        assert!(status(Known::default()).partly);
        let whole = Known {
            customer: Some(Customer::default()),
            reports: Some(vec![]),
            history: Some(vec![]),
            open: None,
        };
        assert!(!status(whole).partly);
    }

    #[test]
    fn who_reported_is_not_told_that_all_is_well_before_the_power_came_back() {
        let ago = |hours| Some(timestamp(now() - TimeDelta::hours(hours)));
        let waiting = |reported_h, restored_h: Option<i64>, off: bool| {
            let report = Report {
                accepted_at: ago(reported_h),
                ..Report::default()
            };
            let past = restored_h.map(|hours| Interruption {
                on_at: ago(hours),
                ..Interruption::default()
            });
            let known = Known {
                reports: Some(vec![report]),
                history: Some(past.into_iter().collect()),
                open: off.then(Interruption::default),
                ..Known::default()
            };
            status(known).waiting
        };
        assert!(waiting(2, None, false));
        assert!(waiting(2, Some(5), false), "that was another cut");
        assert!(!waiting(5, Some(2), false), "it is over");
        assert!(!waiting(2, None, true), "the cut itself is shown");
        assert!(!waiting(25, None, false), "long ago");
    }

    #[test]
    fn the_area_is_named_while_no_address_is_known() {
        let at = |org_path: &str, address_en: &str| {
            let point = ServicePoint {
                org_path: org_path.to_owned(),
                address_en: address_en.to_owned(),
                ..ServicePoint::default()
            };
            let customer = Customer {
                service_points: vec![point],
                ..Customer::default()
            };
            status(Known {
                customer: Some(customer),
                ..Known::default()
            })
            .address
        };
        assert_eq!(
            at("demo/city/west", "1 Lake Road").as_deref(),
            Some("1 Lake Road")
        );
        assert_eq!(at("demo/city/west", "").as_deref(), Some("West city"));
        assert_eq!(at("nowhere", ""), None);
    }

    #[test]
    fn a_customer_cut_for_a_bill_is_told_so_and_of_no_crew() {
        let off = |class: &str, also: &[&str]| {
            let open = Interruption {
                class: class.to_owned(),
                also: also.iter().map(|&class| class.to_owned()).collect(),
                order_state: "en_route".to_owned(),
                ..Interruption::default()
            };
            let known = Known {
                open: Some(open),
                ..Known::default()
            };
            status(known).off.unwrap()
        };
        let cut = off("ARREARS", &["FAULT"]);
        assert!(
            cut.why.contains("unpaid bill") && cut.eta.contains("paid"),
            "{cut:?}"
        );
        assert_eq!((cut.progress, cut.confirmed), (None, None));
        assert_eq!(cut.also.len(), 1);
        let fault = off("FAULT", &["FAULT"]);
        assert!(fault.also.is_empty() && fault.progress.is_some() && fault.confirmed == Some(false));
        for class in [
            "PLANNED",
            "TEMPORARY",
            "SAFETY",
            "CUSTOMER_REQUEST",
            "CURTAILMENT",
        ] {
            assert_ne!(off(class, &[]).why, fault.why, "{class}");
        }
    }

    #[test]
    fn old_reports_and_open_records_are_not_in_the_lists() {
        let report = |hours| Report {
            accepted_at: Some(timestamp(now() - TimeDelta::hours(hours))),
            ..Report::default()
        };
        let open = Interruption {
            off_at: Some(timestamp(now())),
            ..Interruption::default()
        };
        let shown = status(Known {
            reports: Some(vec![report(1), report(25)]),
            history: Some(vec![open]),
            ..Known::default()
        });
        assert_eq!((shown.reports.len(), shown.history.len()), (1, 0));
    }
}
