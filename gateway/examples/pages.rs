//! Serves every page with made-up data, for looking at them: `cargo run -p relight-gateway --example pages`,
//! then open http://127.0.0.1:8099/?lang=en and /board. No service and no database is needed.

use axum::{
    Router,
    extract::{Query, Request},
    response::{Html, IntoResponse, Response},
};
use chrono::{DateTime, TimeDelta, Utc};
use relight_common::wire::timestamp;
use relight_gateway::{
    api::Language,
    config::{self, Areas},
    pages::{
        Frame, Templates,
        announcements::Announcements,
        assets,
        board::view::{Board, Known as BoardKnown},
        outages::{OutageList, Places},
        report::{Accepted, Form},
        status::{Known, Status},
    },
    streets::Streets,
    words,
};
use relight_proto::{
    common::v1::Point,
    dispatch::v1::{Clock, Crew, Order},
    insight::v1::Exception,
    insight::v1::{Interruption, PublicOutage, PublicOutagesReply},
    intake::v1::{CallWanted, Incident, KnownOutage, Report},
    planner::v1::{Alarm, Announcement, Window, Words},
    registry::v1::{Customer, ServicePoint, Telemetry, streets_reply::Streets as Names},
};
use serde::Deserialize;
use serde_json::{Value, json};

const ZONE: chrono_tz::Tz = chrono_tz::Asia::Shanghai;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:8099").await?;
    println!("http://{}/?lang=en", listener.local_addr()?);
    axum::serve(listener, Router::new().fallback(page)).await?;
    Ok(())
}

/// `?lang=en&case=...` chooses what is shown.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Wish {
    lang: String,
    case: String,
}

async fn page(Query(wish): Query<Wish>, request: Request) -> Response {
    let path = request.uri().path().to_owned();
    if path.starts_with("/assets/") {
        return assets::serve(path.rsplit('/').next().unwrap_or_default());
    }
    match render(&path, &wish) {
        Ok(html) => Html(html).into_response(),
        Err(error) => error.to_string().into_response(),
    }
}

fn render(path: &str, wish: &Wish) -> anyhow::Result<String> {
    let language = words::by_tag(&wish.lang).unwrap_or_default();
    let (_, notices) = config::load()?;
    let mut frame = Frame::new(language, path, &notices);
    let now = Utc::now();
    let (template, context) = match path {
        "/report" => ("report.html", report(language, &wish.case)),
        "/reported" => ("reported.html", reported(language, &wish.case, now)?),
        "/status" => {
            frame.signed_in = true;
            (
                "status.html",
                json!({"status": status(language, &wish.case, now), "urged": wish.case == "urged"}),
            )
        }
        "/sign_in" => (
            "sign_in.html",
            json!({"account": "", "faults": [], "command_id": ""}),
        ),
        "/code" => {
            let until = words::when(language, now + TimeDelta::minutes(5), now, ZONE);
            (
                "code.html",
                json!({"account": "330100001", "until": until, "faults": []}),
            )
        }
        "/outages" => (
            "outages.html",
            serde_json::to_value(outages(language, &wish.case, now))?,
        ),
        "/announcements" => (
            "announcements.html",
            serde_json::to_value(announcements(language, &wish.case, now))?,
        ),
        "/check-notice" => (
            "check_notice.html",
            json!({"number": if wish.case.is_empty() { "" } else { "T-20261115-0001" }, "answer": wish.case,
                "issued": "15 November 2026 10:00 (CST)"}),
        ),
        "/notice" => {
            frame.signed_in = true;
            ("notice.html", notice(&wish.case))
        }
        "/login" => ("login.html", json!({"login": "", "fault": null})),
        "/board" | "/board/live" => {
            (frame.signed_in, frame.staff) = (true, true);
            let template = if path == "/board" {
                "board.html"
            } else {
                "board_live.html"
            };
            (template, json!({"board": board(language, &wish.case, now)}))
        }
        "/error" => (
            "error.html",
            json!({"title": words::say(language, "error.unavailable_title", &[]), "text": words::say(language, "error.unavailable", &[])}),
        ),
        _ => ("start.html", json!({})),
    };
    frame
        .render(&Templates::new()?, template, context)
        .map_err(|problem| anyhow::anyhow!(problem.detail))
}

/// The names in the configuration.
fn areas() -> Areas {
    Areas::load().expect("the default configuration is read by a test")
}

fn report(language: Language, case: &str) -> Value {
    let mut form = Form::fresh();
    if case == "danger" {
        form.danger = "yes".to_owned();
    }
    let faults = match case {
        "faults" => json!([
            {"field": "danger", "text": words::say(language, "report.no_danger", &[])},
            {"field": "account", "text": words::say(language, "report.no_account", &[])},
        ]),
        _ => json!([]),
    };
    json!({"form": form, "faults": faults, "unsure": case == "unsure"})
}

fn reported(language: Language, case: &str, now: DateTime<Utc>) -> anyhow::Result<Value> {
    let known = KnownOutage {
        off_at: Some(timestamp(now - TimeDelta::minutes(35))),
        etr_at: Some(timestamp(now + TimeDelta::minutes(80))),
        cause_code: "tree".to_owned(),
        ..KnownOutage::default()
    };
    let report = Report {
        number: "F-20261122-0042".to_owned(),
        accepted_at: Some(timestamp(now)),
        danger: case == "danger",
        triage: if case == "known" { "known_outage" } else { "new" }.to_owned(),
        known_outage: (case == "known").then_some(known),
        ..Report::default()
    };
    Ok(serde_json::to_value(Accepted::new(language, &report, now, ZONE))?)
}

fn status(language: Language, case: &str, now: DateTime<Utc>) -> Status {
    let point = ServicePoint {
        address_zh: "示范市城北区建设路 18 号 3 幢 502".to_owned(),
        address_en: "Flat 502, Building 3, 18 Jianshe Road, North District".to_owned(),
        zone: ZONE.name().to_owned(),
        ..ServicePoint::default()
    };
    let ago = |minutes| Some(timestamp(now - TimeDelta::minutes(minutes)));
    let open = Interruption {
        off_at: ago(52),
        etr_at: match case {
            "lapsed" => ago(5),
            "unknown" => None,
            _ => Some(timestamp(now + TimeDelta::minutes(70))),
        },
        cause_code: "tree".to_owned(),
        order_state: "en_route".to_owned(),
        confirmed: case != "unknown",
        ..Interruption::default()
    };
    let past = Interruption {
        off_at: ago(60 * 24 * 9),
        on_at: ago(60 * 24 * 9 - 95),
        cause_code: "lightning".to_owned(),
        ..Interruption::default()
    };
    let report = Report {
        number: "F-20261122-0042".to_owned(),
        accepted_at: ago(50),
        urge_count: u32::from(case == "urged"),
        ..Report::default()
    };
    let known = Known {
        customer: Some(Customer {
            account: "330100001".to_owned(),
            service_points: vec![point],
            ..Customer::default()
        }),
        open: (case != "on").then_some(open),
        reports: (case != "partly").then(|| if case == "on" { vec![] } else { vec![report] }),
        history: Some(vec![past]),
    };
    Status::new(language, known, &areas(), now, ZONE)
}

fn near(n: u32) -> Point {
    Point {
        lon: 120.0 + f64::from(n) / 100.0,
        lat: 30.0,
    }
}

fn outages(language: Language, case: &str, now: DateTime<Utc>) -> OutageList {
    let ago = |minutes| Some(timestamp(now - TimeDelta::minutes(minutes)));
    let outage = |n: u32, area: &str, status: &str, cause: &str, eta_min: i64| PublicOutage {
        number: format!("I-20261122-{n:04}"),
        area: area.to_owned(),
        status: status.to_owned(),
        cause_code: cause.to_owned(),
        customers_off: n * 37 % 500 + 4,
        customers_restored: if status == "partly_restored" { 120 } else { 0 },
        off_at: ago(i64::from(n) * 11),
        etr_at: (eta_min != 0).then(|| timestamp(now + TimeDelta::minutes(eta_min))),
        position: Some(near(n)),
        ..PublicOutage::default()
    };
    let mut list = match case {
        "none" => vec![],
        "many" => (1..150)
            .map(|n| outage(n, &format!("Feeder {n}"), "reported", "", 0))
            .collect(),
        _ => vec![
            outage(3, "North", "crew_on_the_way", "tree", 95),
            outage(5, "West", "reported", "", 0),
            outage(7, "South, County", "partly_restored", "equipment", -10),
        ],
    };
    if case != "none" {
        list.push(PublicOutage {
            restored_at: ago(12),
            ..outage(9, "East", "restored", "wind", 0)
        });
    }
    let reply = PublicOutagesReply {
        customers_off: list.iter().map(|outage| outage.customers_off).sum(),
        outages: list,
        as_of: Some(timestamp(now)),
    };
    let (areas, streets) = (areas(), Streets::default());
    for (n, zh, en) in [(3, "建设路", "Construction Road"), (5, "人民路", "People's Road")] {
        streets.put(
            near(n),
            Names {
                zh: vec![zh.to_owned()],
                en: vec![en.to_owned()],
            },
        );
    }
    let places = Places {
        areas: &areas,
        streets: &streets,
    };
    OutageList::new(language, &reply, places, now, ZONE)
}

fn announcements(language: Language, case: &str, now: DateTime<Utc>) -> Announcements {
    let one = |n: i64, state: &str, plan_no: u32, class: &str| {
        let off_at = now + TimeDelta::hours(n * 30 - 10);
        Announcement {
            number: format!("P-20261122-{n:04}"),
            plan_no,
            class: class.to_owned(),
            state: state.to_owned(),
            words: Some(Words {
                area_zh: "示范市西城区湖滨路、南山路等另3处".to_owned(),
                area_en: "Lake Road, South Hill Road and 3 more".to_owned(),
                line: "10 kV F12".to_owned(),
                reason_zh: "更换开关".to_owned(),
                reason_en: "a new switch".to_owned(),
            }),
            window: Some(Window {
                off_at: Some(timestamp(off_at)),
                on_at: Some(timestamp(off_at + TimeDelta::hours(6))),
            }),
            zone: ZONE.to_string(),
            published_at: Some(timestamp(now - TimeDelta::days(8))),
        }
    };
    let list = match case {
        "none" => Vec::new(),
        _ => vec![
            one(0, "working", 1, "PLANNED"),
            one(1, "noticed", 2, "PLANNED"),
            one(2, "cancelled", 1, "PLANNED"),
            one(6, "noticed", 1, "TEMPORARY"),
        ],
    };
    Announcements::new(language, &list, now, ZONE)
}

/// As `pages::notice` fills it; `served` shows the proof, `void` that it does not stand.
fn notice(case: &str) -> Value {
    let bill = |period: &str, amount: &str| json!({"period": period, "amount": amount, "late_fee": "CNY 1.20", "due": "2026-10-15"});
    let served = json!({
        "method": "posted with a witness", "at": "16 November 2026 09:30 (CST)", "server": "Officer Li",
        "received_by": "nobody opened", "witness": "Zhou, neighbour", "photo": "ab".repeat(32), "photo_at": "/photos", "record": "", "filing": "",
        "place": "30.27408, 120.15507",
    });
    json!({
        "number": "T-20261115-0001", "valid": case != "void", "issued": "15 November 2026 10:00 (CST)",
        "unit": "West District Station", "issuer": "officer", "approver": "manager", "name": "Ann Smith",
        "account": "330100001", "address": "12 Lake Road, West District", "amount": "CNY 502.40", "due": "2026-10-15",
        "bills": [bill("2026-08", "CNY 250.00"), bill("2026-09", "CNY 250.00")],
        "reminders": ["1 November 2026 09:00 (CST) (text)"],
        "basis": ["Regulation on Electricity Supply and Use Art. 39", "Power Supply Business Rules Art. 67"],
        "stop": "24 November 2026 10:00 (CST)", "serve_by": "17 November 2026 10:00 (CST)", "reconnect_h": 24,
        "policy": "CN-SGCC 2024-06-01", "regulator": "12398", "check_at": "https://relight.example/check-notice",
        "code": "<svg viewBox=\"0 0 8 8\"><path d=\"M0 0h8v8H0z\" fill=\"#000\"/></svg>",
        "served": if case == "served" { served } else { Value::Null },
    })
}

fn board(language: Language, case: &str, now: DateTime<Utc>) -> Board {
    let states = [
        "triaged",
        "unit_taken",
        "en_route",
        "repairing",
        "taken",
        "dispatched",
        "arrived",
        "surveyed",
    ];
    let orders: Vec<Order> = match case {
        "empty" => vec![],
        "many" => (0..100)
            .map(|n| order(n, states[n % states.len()], now))
            .collect(),
        _ => (0..9).map(|n| order(n, states[n % states.len()], now)).collect(),
    };
    let incidents = orders.iter().enumerate().map(|(n, order)| Incident {
        incident_id: order.incident_id.clone(),
        number: order.number.clone(),
        affected_count: order.affected_count,
        position: Some(place(n)),
        ..Incident::default()
    });
    let crews = (0..12).map(|n| Crew {
        name: format!("Crew {}", n + 1),
        position: Some(place(n + 40)),
        position_at: Some(timestamp(now - TimeDelta::minutes(if n == 4 { 17 } else { 0 }))),
        heading_deg: 37.0 * n as f64,
        active_order_id: if n % 3 == 0 { "x".to_owned() } else { String::new() },
        order_state: "en_route".to_owned(),
        ..Crew::default()
    });
    let known = BoardKnown {
        incidents: Some(incidents.collect()),
        crews: (case != "partly").then(|| crews.collect()),
        more: case == "many",
        alarms: Some(vec![Alarm {
            number: "P-20261127-0001".to_owned(),
            what: "not_begun".to_owned(),
            because: "announced for 09:00".to_owned(),
            raised_at: Some(timestamp(now)),
            ..Alarm::default()
        }]),
        arrears_alarms: Some(vec![]),
        calls: Some(vec![CallWanted {
            number: "F-20261127-0042".to_owned(),
            since: Some(timestamp(now)),
            climbs_at: Some(timestamp(now)),
            ..CallWanted::default()
        }]),
        conflicts: Some(vec![Telemetry {
            device_id: "F1-LBS3".to_owned(),
            closed: false,
            at: Some(timestamp(now)),
        }]),
        exceptions: Some(vec![Exception {
            kind: "relay".to_owned(),
            customers: 1,
            off_at: Some(timestamp(now)),
            ..Exception::default()
        }]),
        may_call: true,
        orders: Some(orders),
        may_acknowledge: true,
    };
    Board::new(language, known, &areas(), now, ZONE)
}

fn order(n: usize, state: &str, now: DateTime<Utc>) -> Order {
    let left_min = n as i64 * 6 - 8;
    let level = match left_min {
        ..0 => "breach",
        0..5 => "at_risk",
        5..14 => "watch",
        _ => "none",
    };
    let clock = Clock {
        name: if n % 4 == 1 { "unit_take" } else { "arrival" }.to_owned(),
        due_at: Some(timestamp(now + TimeDelta::minutes(left_min))),
        level: level.to_owned(),
        acknowledged_by: if n == 1 {
            "Wang Li".to_owned()
        } else {
            String::new()
        },
        rule: "CN-SGCC fault.arrival urban 45 min".to_owned(),
        ..Clock::default()
    };
    Order {
        order_id: format!("o{n}"),
        incident_id: format!("i{n}"),
        number: format!("W-20261122-{:04}", n + 17),
        state: state.to_owned(),
        version: 1,
        crew_name: if n.is_multiple_of(2) && n > 0 {
            format!("Crew {n}")
        } else {
            String::new()
        },
        unit_name: if n % 4 == 3 {
            "North unit".to_owned()
        } else {
            String::new()
        },
        affected_count: (n as u32 * 53) % 240 + 3,
        restored_count: if n == 3 { 60 } else { 0 },
        device_id: format!("F12-T{:03}", n * 7 + 4),
        confirmed: n.is_multiple_of(2),
        clocks: vec![clock],
        etr_at: (n > 1).then(|| timestamp(now + TimeDelta::minutes(n as i64 * 25 - 60))),
        urge_count: if n == 2 { 3 } else { 0 },
        danger: n == 0,
        life_support: n == 2,
        important: n == 3,
        ..Order::default()
    }
}

/// Somewhere in a made-up town.
fn place(n: usize) -> Point {
    let n = n as f64;
    Point {
        lon: 120.15 + 0.04 * (n * 2.4).sin() * (n * 0.37).cos(),
        lat: 30.27 + 0.025 * (n * 1.7).cos(),
    }
}
