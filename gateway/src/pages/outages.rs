//! `/outages`: the public list.

use axum::{Router, extract::State, response::Response, routing::get};
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use relight_common::edge::{Problem, at};
use relight_proto::insight::v1::{PublicOutage, PublicOutagesReply};
use serde::Serialize;

use super::{
    Visit,
    report::{cause, why},
    status::{eta, has_crew, next},
};
use crate::{
    api::{Language, Outage},
    app::App,
    config::Areas,
    streets::Streets,
    words,
};

/// More would not be read.
const SHOWN_MAX: usize = 100;

pub(super) fn routes() -> Router<App> {
    Router::new().route("/outages", get(show))
}

async fn show(State(app): State<App>, visit: Visit) -> Result<Response, Problem> {
    let reply = app.outages().await?;
    let list = OutageList::new(
        visit.language,
        &reply,
        Places {
            areas: app.areas(),
            streets: app.streets(),
        },
        app.clock().now(),
        app.http().zone,
    );
    visit.page(&app, "outages.html", list)
}

/// What people call places.
#[derive(Debug, Clone, Copy)]
pub struct Places<'a> {
    /// Areas by org path.
    pub areas: &'a Areas,
    /// Streets by position.
    pub streets: &'a Streets,
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
    /// What is done about it; nothing where no crew is needed.
    status: Option<String>,
    /// Why, where it is no fault.
    why: Option<String>,
    since: Option<String>,
    restored: Option<String>,
    eta: String,
    cause: Option<String>,
}

impl OutageList {
    /// In words, the largest first, seen from `now`.
    pub fn new(
        language: Language,
        reply: &PublicOutagesReply,
        places: Places<'_>,
        now: DateTime<Utc>,
        zone: Tz,
    ) -> Self {
        let outages = reply.outages.iter().map(|outage| named(language, outage, places));
        let (mut restored, mut open): (Vec<Outage>, Vec<Outage>) =
            outages.partition(|outage| outage.restored_at.is_some());
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
            customers_off: reply.customers_off,
            as_of: words::clock(at(reply.as_of).unwrap_or(now), zone),
        }
    }
}

/// The outage with the name people have for its area, or the words insight made of the path, and the streets near it.
fn named(language: Language, outage: &PublicOutage, places: Places<'_>) -> Outage {
    let area = places
        .areas
        .name(language, &outage.org_path)
        .unwrap_or(&outage.area);
    let area = match places.streets.of(language, outage).as_slice() {
        [] => area.to_owned(),
        [street] => words::say(language, "outages.near", &[("street", street), ("area", area)]),
        [one, two, ..] => {
            let both = words::say(language, "outages.streets", &[("one", one), ("two", two)]);
            words::say(language, "outages.near", &[("street", &both), ("area", area)])
        }
    };
    Outage {
        area,
        ..Outage::from(outage.clone())
    }
}

fn row(language: Language, outage: Outage, now: DateTime<Utc>, zone: Tz) -> Row {
    let zone = outage.zone.parse().unwrap_or(zone);
    let when = |at| words::when(language, at, now, zone);
    let class = outage.class.as_str();
    let progress = || {
        let key = format!("progress.{}", outage.status);
        words::find(language, &key, &[]).unwrap_or_else(|| words::say(language, "progress.reported", &[]))
    };
    Row {
        eta: next(language, class, outage.etr_at).unwrap_or_else(|| eta(language, outage.etr_at, now, zone)),
        status: has_crew(class).then(progress),
        why: why(language, class),
        since: outage.off_at.map(when),
        restored: outage.restored_at.map(when),
        cause: cause(language, &outage.cause_code),
        number: outage.number,
        area: outage.area,
        customers_off: outage.customers_off,
        customers_restored: outage.customers_restored,
    }
}

#[cfg(test)]
mod tests {
    use relight_common::wire::timestamp;
    use relight_proto::{common::v1::Point, registry::v1::streets_reply::Streets as Names};

    use super::*;

    fn nowhere() -> Places<'static> {
        Places {
            areas: Box::leak(Box::default()),
            streets: Box::leak(Box::default()),
        }
    }

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
        let list = OutageList::new(Language::En, &reply, nowhere(), now, chrono_tz::UTC);
        let numbers = |rows: &[Row]| rows.iter().map(|row| row.number.clone()).collect::<Vec<_>>();
        assert_eq!(numbers(&list.open), ["c", "a"]);
        assert_eq!(numbers(&list.restored), ["b"]);
    }

    #[test]
    fn an_area_has_its_name_in_the_readers_language_and_else_the_words_of_its_path() {
        let now = DateTime::UNIX_EPOCH;
        let outage = |org_path: &str, area: &str| PublicOutage {
            org_path: org_path.to_owned(),
            area: area.to_owned(),
            ..PublicOutage::default()
        };
        let reply = PublicOutagesReply {
            outages: vec![outage("demo/city/west", "West, City"), outage("x/y", "Y, X")],
            ..PublicOutagesReply::default()
        };
        let (areas, streets) = (Areas::load().unwrap(), Streets::default());
        let places = Places {
            areas: &areas,
            streets: &streets,
        };
        for (language, west) in [(Language::ZhCn, "城西"), (Language::En, "West city")] {
            let list = OutageList::new(language, &reply, places, now, chrono_tz::UTC);
            let shown: Vec<&str> = list.open.iter().map(|row| row.area.as_str()).collect();
            assert_eq!(shown, [west, "Y, X"]);
        }
    }

    #[test]
    fn the_streets_near_it_are_named_where_they_are_known() {
        let (areas, streets, at) = (
            Areas::load().unwrap(),
            Streets::default(),
            Point {
                lon: 120.1,
                lat: 30.2,
            },
        );
        let outage = PublicOutage {
            org_path: "demo/city/west".to_owned(),
            position: Some(at),
            ..PublicOutage::default()
        };
        let reply = PublicOutagesReply {
            outages: vec![outage],
            ..PublicOutagesReply::default()
        };
        let shown = |language| {
            let places = Places {
                areas: &areas,
                streets: &streets,
            };
            let mut list = OutageList::new(language, &reply, places, DateTime::UNIX_EPOCH, chrono_tz::UTC);
            list.open.remove(0).area
        };
        assert_eq!(shown(Language::En), "West city");
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        streets.put(
            at,
            Names {
                zh: names(&["湖滨路"]),
                en: names(&["Lake Road", "Hill Road"]),
            },
        );
        assert_eq!(shown(Language::En), "Near Lake Road and Hill Road, West city");
        assert_eq!(shown(Language::ZhCn), "城西湖滨路附近");
    }
}
