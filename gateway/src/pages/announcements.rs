//! `/announcements`: planned outages, for customers and for the board in the hall.

use axum::{Router, extract::State, response::Response, routing::get};
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use relight_common::{
    Claims, ask,
    edge::{Problem, at},
};
use relight_proto::planner::v1::{Announcement, AnnouncementsRequest};
use serde::Serialize;

use super::Visit;
use crate::{api::Language, app::App, words};

pub(super) fn routes() -> Router<App> {
    Router::new().route("/announcements", get(show))
}

async fn show(State(app): State<App>, visit: Visit) -> Result<Response, Problem> {
    let anybody = Claims {
        request_id: visit.claims.request_id,
        ..Claims::anybody()
    };
    let (request, asked) = (AnnouncementsRequest {}, app.clone());
    let reply = ask!(asked.edge(), &anybody, asked.to().planner, announcements, request).await?;
    let (now, zone) = (app.clock().now(), app.http().zone);
    let page = Announcements::new(visit.language, &reply.announcements, now, zone);
    visit.page(&app, "announcements.html", page)
}

/// The page.
#[derive(Debug, Serialize)]
pub struct Announcements {
    rows: Vec<Row>,
    as_of: String,
}

#[derive(Debug, Serialize)]
struct Row {
    number: String,
    area: String,
    /// How far it is: planned, waiting (should have begun), off, over (off for longer than we said), back, called_off.
    stage: &'static str,
    /// From when to when.
    times: String,
    line: String,
    reason: String,
    is_temporary: bool,
    /// It was moved: earlier notices of this number are void.
    is_moved: bool,
    published: Option<String>,
}

impl Announcements {
    /// In the reader's words, the first first, seen from `now`.
    pub fn new(language: Language, all: &[Announcement], now: DateTime<Utc>, zone: Tz) -> Self {
        Self {
            rows: all
                .iter()
                .filter_map(|one| row(language, one, now, zone))
                .collect(),
            as_of: words::clock(now, zone),
        }
    }
}

fn row(language: Language, one: &Announcement, now: DateTime<Utc>, zone: Tz) -> Option<Row> {
    let (window, said) = (one.window.as_ref()?, one.words.clone().unwrap_or_default());
    let zone = one.zone.parse().unwrap_or(zone);
    let when = |at| words::when(language, at, now, zone);
    let (off_at, on_at) = (at(window.off_at)?, at(window.on_at)?);
    let (area, reason) = match language {
        Language::ZhCn => (said.area_zh, said.reason_zh),
        Language::En => (said.area_en, said.reason_en),
    };
    Some(Row {
        number: one.number.clone(),
        area,
        stage: stage(&one.state, (off_at, on_at), now),
        times: words::span(language, (off_at, on_at), now, zone),
        line: said.line,
        reason,
        is_temporary: one.class == "TEMPORARY",
        is_moved: one.plan_no > 1,
        published: at(one.published_at).map(when),
    })
}

/// Nobody is left to guess: a start that waits and an end that passed are said.
fn stage(state: &str, (off_at, on_at): (DateTime<Utc>, DateTime<Utc>), now: DateTime<Utc>) -> &'static str {
    match state {
        "off" | "working" | "restoring" if on_at <= now => "over",
        "off" | "working" | "restoring" => "off",
        "restored" => "back",
        "cancelled" | "aborted" => "called_off",
        _ if off_at <= now => "waiting",
        _ => "planned",
    }
}

#[cfg(test)]
mod tests {
    use relight_common::wire::timestamp;
    use relight_proto::planner::v1::{Window, Words};

    use super::*;

    fn announcement(state: &str, plan_no: u32) -> Announcement {
        let off_at: DateTime<Utc> = "2026-03-09T01:00:00Z".parse().unwrap();
        Announcement {
            number: "P-20260301-0001".to_owned(),
            plan_no,
            class: "PLANNED".to_owned(),
            state: state.to_owned(),
            words: Some(Words {
                area_zh: "湖滨路".to_owned(),
                area_en: "Lake Road".to_owned(),
                line: "10 kV F12".to_owned(),
                reason_zh: "更换开关".to_owned(),
                reason_en: "a new switch".to_owned(),
            }),
            window: Some(Window {
                off_at: Some(timestamp(off_at)),
                on_at: Some(timestamp(off_at + chrono::TimeDelta::hours(6))),
            }),
            zone: "Asia/Shanghai".to_owned(),
            published_at: None,
        }
    }

    #[test]
    fn each_is_said_in_the_readers_language_at_the_time_of_the_place() {
        let now: DateTime<Utc> = "2026-03-01T01:00:00Z".parse().unwrap();
        let list = [announcement("noticed", 1), announcement("cancelled", 2)];
        let zh = Announcements::new(Language::ZhCn, &list, now, chrono_tz::UTC);
        assert_eq!(
            (zh.rows[0].area.as_str(), zh.rows[0].reason.as_str()),
            ("湖滨路", "更换开关")
        );
        assert_eq!(zh.rows[0].times, "3月9日上午9点至下午3点");
        let en = Announcements::new(Language::En, &list, now, chrono_tz::UTC);
        assert_eq!(en.rows[0].area, "Lake Road");
        assert_eq!(en.rows[0].times, "on 9 March from 9am to 3pm");
        assert_eq!((en.rows[0].stage, en.rows[0].is_moved), ("planned", false));
        assert_eq!((en.rows[1].stage, en.rows[1].is_moved), ("called_off", true));
    }

    #[test]
    fn a_start_that_waits_and_an_end_that_passed_are_said() {
        let stage = |state: &str, now: &str| {
            let list = [announcement(state, 1)];
            Announcements::new(Language::En, &list, now.parse().unwrap(), chrono_tz::UTC).rows[0].stage
        };
        assert_eq!(stage("ready", "2026-03-09T00:59:00Z"), "planned");
        assert_eq!(stage("ready", "2026-03-09T01:00:00Z"), "waiting");
        assert_eq!(stage("working", "2026-03-09T06:59:00Z"), "off");
        assert_eq!(stage("working", "2026-03-09T07:00:00Z"), "over");
        assert_eq!(stage("cancelled", "2026-03-09T02:00:00Z"), "called_off");
    }

    #[test]
    fn what_has_no_window_is_not_shown() {
        let mut broken = announcement("noticed", 1);
        broken.window = None;
        let page = Announcements::new(Language::En, &[broken], Utc::now(), chrono_tz::UTC);
        assert!(page.rows.is_empty());
    }
}
