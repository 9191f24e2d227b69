//! Street names for the public list of outages. They are asked of the registry by the position the list shows, which is
//! rounded and absent where one household alone is off, never by who is off. Kept, since streets do not move; a registry
//! that is slow or away costs names and no list.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use relight_common::{
    Claims, ask,
    edge::{Edge, Problem},
    grpc::Outgoing,
};
use relight_proto::{
    common::v1::Point,
    insight::v1::PublicOutage,
    registry::v1::{
        StreetsReply, StreetsRequest, links_client::LinksClient, streets_reply::Streets as Names,
    },
};

use crate::api::Language;

/// Places asked for at once; the registry answers no more.
const ASK_MAX: usize = 50;
/// Longest the list waits for names.
const PATIENCE: Duration = Duration::from_millis(500);
/// Places kept; far more than a storm has.
const KEPT_MAX: usize = 20_000;
/// A position is rounded to a thousandth of a degree; so are the places kept.
const ROUNDING: f64 = 1_000.0;

/// A place as it is kept.
type Place = (i64, i64);

/// What is known.
#[derive(Debug, Default)]
pub struct Streets(Mutex<HashMap<Place, Names>>);

impl Streets {
    /// Asks for the streets of these outages that are not known yet.
    pub(crate) async fn learn(&self, edge: &Edge, links: &LinksClient<Outgoing>, outages: &[PublicOutage]) {
        let places = self.unknown(outages);
        if places.is_empty() {
            return;
        }
        let (claims, points) = (
            Claims::anybody(),
            places.iter().map(|(_, point)| *point).collect(),
        );
        let message = StreetsRequest { places: points };
        let asked = async { ask!(edge, &claims, links, streets, message).await };
        match tokio::time::timeout(PATIENCE, asked).await {
            Ok(Ok(reply)) => self.keep(&places, reply),
            Ok(Err(problem)) => away(&problem),
            Err(_) => tracing::warn!("the registry is slow; outages are listed without their streets"),
        }
    }

    /// Streets near an outage; empty: not known, or not told.
    pub fn of(&self, language: Language, outage: &PublicOutage) -> Vec<String> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let names = outage.position.and_then(|point| known.get(&place(point)));
        names.map_or_else(Vec::new, |names| match language {
            Language::ZhCn => names.zh.clone(),
            Language::En => names.en.clone(),
        })
    }

    /// Keeps what is known of the place of an outage.
    pub fn put(&self, at: Point, names: Names) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= KEPT_MAX {
            known.clear();
        }
        known.insert(place(at), names);
    }

    fn unknown(&self, outages: &[PublicOutage]) -> Vec<(Place, Point)> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut places: Vec<(Place, Point)> = outages
            .iter()
            .filter_map(|outage| outage.position)
            .map(|point| (place(point), point))
            .filter(|(place, _)| !known.contains_key(place))
            .collect();
        places.sort_by_key(|(place, _)| *place);
        places.dedup_by_key(|(place, _)| *place);
        places.truncate(ASK_MAX);
        places
    }

    fn keep(&self, places: &[(Place, Point)], reply: StreetsReply) {
        for ((_, point), names) in places.iter().zip(reply.places) {
            self.put(*point, names);
        }
    }
}

fn place(point: Point) -> Place {
    #[expect(clippy::cast_possible_truncation, reason = "degrees times a thousand")]
    let rounded = |degrees: f64| (degrees * ROUNDING).round() as i64;
    (rounded(point.lon), rounded(point.lat))
}

fn away(problem: &Problem) {
    tracing::warn!(
        detail = problem.detail,
        "outages are listed without their streets"
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(lon: f64) -> PublicOutage {
        PublicOutage {
            position: Some(Point { lon, lat: 30.0 }),
            ..PublicOutage::default()
        }
    }

    #[test]
    fn a_place_is_asked_for_once_and_one_without_position_never() {
        let streets = Streets::default();
        let outages = [at(120.001), at(120.001), at(120.002), PublicOutage::default()];
        let places = streets.unknown(&outages);
        assert_eq!(places.len(), 2);
        let lake = Names {
            zh: vec!["湖滨路".to_owned()],
            en: vec!["Lake Road".to_owned()],
        };
        let reply = StreetsReply {
            places: vec![lake, Names::default()],
        };
        streets.keep(&places, reply);
        assert!(
            streets.unknown(&outages).is_empty(),
            "nothing there is an answer too"
        );
        assert_eq!(streets.of(Language::En, &outages[0]), ["Lake Road"]);
        assert_eq!(streets.of(Language::ZhCn, &outages[1]), ["湖滨路"]);
        assert!(streets.of(Language::En, &outages[2]).is_empty());
        assert!(streets.of(Language::En, &outages[3]).is_empty());
    }

    #[test]
    fn no_more_are_asked_for_than_are_answered() {
        let outages: Vec<PublicOutage> = (0..80).map(|n| at(120.0 + f64::from(n) / 100.0)).collect();
        assert_eq!(Streets::default().unknown(&outages).len(), ASK_MAX);
    }
}
