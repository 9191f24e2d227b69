//! `/outages`: the public list.

use axum::{Router, extract::State, response::Response, routing::get};
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use relight_common::edge::Problem;
use relight_proto::insight::v1::PublicOutagesReply;
use serde::Serialize;

use super::{Visit, report::cause, status::eta};
use crate::{
    api::{Language, Outage, Outages},
    app::App,
    words,
};

/// More would not be read.
const SHOWN_MAX: usize = 100;

pub(super) fn routes() -> Router<App> {
    Router::new().route("/outages", get(show))
}

async fn show(State(app): State<App>, visit: Visit) -> Result<Response, Problem> {
    let reply = app.outages().await?;
    let list = OutageList::new(visit.language, &reply, app.clock().now(), app.http().zone);
    visit.page(&app, "outages.html", list)
}

/// The page.
#[derive(Debug, Serialize)]
pub struct OutageList {
    open: Vec<Row>,
    restored: Vec<Row>,
    total: usize,
    customers_off: u32,
    as_of: String,
}

#[derive(Debug, Serialize)]
struct Row {
    number: String,
    area: String,
    customers_off: u32,
    customers_restored: u32,
    status: String,
    since: Option<String>,
    restored: Option<String>,
    eta: String,
    cause: Option<String>,
}

impl OutageList {
    /// In words, the largest first, seen from `now`.
    pub fn new(language: Language, reply: &PublicOutagesReply, now: DateTime<Utc>, zone: Tz) -> Self {
        let known = Outages::from(reply);
        let (mut restored, mut open): (Vec<Outage>, Vec<Outage>) = known
            .outages
            .into_iter()
            .partition(|outage| outage.restored_at.is_some());
        open.sort_by_key(|outage| (std::cmp::Reverse(outage.customers_off), outage.off_at));
        restored.sort_by_key(|outage| std::cmp::Reverse(outage.restored_at));
        let total = open.len();
        let rows = |outages: Vec<Outage>| {
            let shown = outages.into_iter().take(SHOWN_MAX);
            shown.map(|outage| row(language, outage, now, zone)).collect()
        };
        Self {
            open: rows(open),
            restored: rows(restored),
            total,
            customers_off: known.customers_off,
            as_of: words::clock(known.as_of.unwrap_or(now), zone),
        }
    }
}

fn row(language: Language, outage: Outage, now: DateTime<Utc>, zone: Tz) -> Row {
    let zone = outage.zone.parse().unwrap_or(zone);
    let when = |at| words::when(language, at, now, zone);
    let progress = format!("progress.{}", outage.status);
    Row {
        eta: eta(language, outage.etr_at, now, zone),
        since: outage.off_at.map(when),
        restored: outage.restored_at.map(when),
        cause: cause(language, &outage.cause_code),
        status: words::find(language, &progress, &[])
            .unwrap_or_else(|| words::say(language, "progress.reported", &[])),
        number: outage.number,
        area: outage.area,
        customers_off: outage.customers_off,
        customers_restored: outage.customers_restored,
    }
}

#[cfg(test)]
mod tests {
    use relight_common::wire::timestamp;
    use relight_proto::insight::v1::PublicOutage;

    use super::*;

    #[test]
    fn the_largest_comes_first_and_what_is_over_stands_apart() {
        let now: DateTime<Utc> = "2026-11-22T04:00:00Z".parse().unwrap();
        let outage = |number: &str, customers_off, over: bool| PublicOutage {
            number: number.to_owned(),
            customers_off,
            restored_at: over.then(|| timestamp(now)),
            ..PublicOutage::default()
        };
        let reply = PublicOutagesReply {
            outages: vec![
                outage("a", 3, false),
                outage("b", 0, true),
                outage("c", 90, false),
            ],
            ..PublicOutagesReply::default()
        };
        let list = OutageList::new(Language::En, &reply, now, chrono_tz::UTC);
        let numbers = |rows: &[Row]| rows.iter().map(|row| row.number.clone()).collect::<Vec<_>>();
        assert_eq!(numbers(&list.open), ["c", "a"]);
        assert_eq!(numbers(&list.restored), ["b"]);
    }
}
