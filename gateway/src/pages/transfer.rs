//! `/transfer-sheets/ID`: the transfer sheet of a planned outage (停电信息传递表) to print or to read out at the hotline.

use axum::{Router, extract::State, response::Response, routing::get};
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use relight_common::edge::{Problem, Segment};
use serde::Serialize;

use super::{Visit, login::sign_in_first, notice::full};
use crate::{
    api::{
        Language,
        outages_record::{TransferSheet, sheet},
    },
    app::App,
    config::Areas,
    words,
};

pub(super) fn routes() -> Router<App> {
    Router::new().route("/transfer-sheets/{id}", get(show))
}

/// For those who plan, decide, switch or tell people; to others there is no such sheet.
async fn show(State(app): State<App>, visit: Visit, Segment(id): Segment) -> Result<Response, Problem> {
    visit.sure()?;
    if !visit.is_signed_in() {
        return Ok(sign_in_first(&format!("/transfer-sheets/{id}")));
    }
    let sheet = sheet(&app, &visit.claims, &id).await?;
    let page = Page::new(visit.language, sheet, app.areas());
    visit.page(&app, "transfer.html", page)
}

/// A line of the sheet: what it is, and its words.
#[derive(Debug, Serialize)]
struct Line {
    name: String,
    value: String,
}

#[derive(Debug, Serialize)]
struct OfClass {
    class: String,
    customers: u32,
    told: u32,
    in_time: u32,
    acknowledged: u32,
}

/// The sheet in the reader's language.
#[derive(Debug, Serialize)]
struct Page {
    number: String,
    made: String,
    lines: Vec<Line>,
    classes: Vec<OfClass>,
    proofs: Vec<Line>,
    transfers: Vec<Line>,
}

impl Page {
    fn new(language: Language, sheet: TransferSheet, areas: &Areas) -> Self {
        let zone: Tz = sheet.outage.zone.parse().unwrap_or(chrono_tz::UTC);
        let say = |key: &str| words::say(language, &format!("transfer.{key}"), &[]);
        let time = |at: Option<DateTime<Utc>>| at.map(|at| full(language, at, zone)).unwrap_or_default();
        let line = |(key, value): (&str, String)| Line {
            name: say(key),
            value,
        };
        let classes = sheet.compliance.classes.iter().map(|of| OfClass {
            class: say(&format!("class_{}", of.class)),
            customers: of.customers,
            told: of.told,
            in_time: of.in_time,
            acknowledged: of.acknowledged,
        });
        let proofs = sheet.compliance.proofs.iter().map(|of| Line {
            name: format!(
                "{} · {}",
                say(&format!("kind_{}", of.kind)),
                say(&format!("channel_{}", of.channel))
            ),
            value: of.count.to_string(),
        });
        let transfers = sheet.transfers.iter().map(|of| Line {
            name: format!(
                "{} → {}",
                of.sent_by,
                say(&format!("department_{}", of.department))
            ),
            value: format!("{} → {}", time(of.sent_at), time(of.received_at)),
        });
        Self {
            number: sheet.outage.number.clone(),
            made: time(sheet.made_at),
            classes: classes.collect(),
            proofs: proofs.collect(),
            transfers: transfers.collect(),
            lines: fields(language, &sheet, areas, &time)
                .into_iter()
                .map(line)
                .collect(),
        }
    }
}

/// What the sheet says of the outage, in its order; what is not known yet stays blank.
fn fields(
    language: Language,
    sheet: &TransferSheet,
    areas: &Areas,
    time: &impl Fn(Option<DateTime<Utc>>) -> String,
) -> Vec<(&'static str, String)> {
    let (one, told) = (&sheet.outage, &sheet.compliance);
    let (area, reason) = match language {
        Language::ZhCn => (&one.words.area_zh, &one.words.reason_zh),
        Language::En => (&one.words.area_en, &one.words.reason_en),
    };
    let unit = areas.name(language, &one.org_path).unwrap_or(&one.org_path);
    let say = |key: String| words::say(language, &key, &[]);
    let window = one.window.as_ref();
    let ends: Vec<_> = sheet.ends_told.iter().map(|end| time(Some(*end))).collect();
    let kept = if told.lead_kept { "kept" } else { "not_kept" };
    vec![
        ("plan", one.plan_no.to_string()),
        ("class", say(format!("transfer.of_{}", one.class.to_lowercase()))),
        ("state", say(format!("transfer.state_{}", one.state))),
        ("unit", unit.to_owned()),
        ("line", one.words.line.clone()),
        ("devices", one.device_ids.join(", ")),
        ("area", area.clone()),
        ("reason", reason.clone()),
        ("off_planned", time(window.map(|window| window.off_at))),
        ("on_planned", time(window.map(|window| window.on_at))),
        ("ends", ends.join("; ")),
        ("off_actual", time(one.switched_off_at)),
        ("on_actual", time(one.restored_at)),
        ("customers", sheet.customers.to_string()),
        ("dedicated", one.coverage.dedicated_open.to_string()),
        ("author", one.author.clone()),
        ("approver", one.approver.clone()),
        ("published", time(told.published_at)),
        ("first_told", time(told.first_told_at)),
        ("last_told", time(told.last_told_at)),
        (
            "lead",
            format!("{} {}", say(format!("transfer.{kept}")), told.law),
        ),
        ("told_late", told.told_late.to_string()),
        ("not_told", told.not_told.to_string()),
        ("note", told.note.clone()),
    ]
}

#[cfg(test)]
mod tests {
    use relight_common::wire::timestamp;
    use relight_proto::planner::v1 as w;

    use super::*;

    #[test]
    fn the_sheet_says_each_field_in_both_languages() {
        let off_at: DateTime<Utc> = "2026-03-09T01:00:00Z".parse().unwrap();
        let outage = w::Outage {
            number: "P-20260301-0001".to_owned(),
            class: "PLANNED".to_owned(),
            state: "noticed".to_owned(),
            zone: "Asia/Shanghai".to_owned(),
            window: Some(w::Window {
                off_at: Some(timestamp(off_at)),
                on_at: Some(timestamp(off_at)),
            }),
            ..w::Outage::default()
        };
        let compliance = w::NoticeCompliance {
            classes: vec![w::ClassCoverage {
                class: "important".to_owned(),
                customers: 1,
                ..w::ClassCoverage::default()
            }],
            proofs: vec![w::ProofCount {
                kind: "notice".to_owned(),
                channel: "visit".to_owned(),
                count: 2,
            }],
            ..w::NoticeCompliance::default()
        };
        let areas = Areas::load().unwrap();
        for (language, off, class, proof) in [
            (
                Language::ZhCn,
                "2026年3月9日 09:00",
                "重要用户",
                "停电通知 · 上门",
            ),
            (
                Language::En,
                "9 March 2026 09:00 (CST)",
                "important",
                "notice · visit",
            ),
        ] {
            let sheet = w::TransferSheet {
                outage: Some(outage.clone()),
                compliance: Some(compliance.clone()),
                ..w::TransferSheet::default()
            };
            let page = Page::new(language, TransferSheet::of(sheet, Vec::new()), &areas);
            let said: Vec<_> = page.lines.iter().map(|line| line.value.as_str()).collect();
            assert!(said.contains(&off), "{said:?}");
            assert_eq!(
                (page.classes[0].class.as_str(), page.proofs[0].name.as_str()),
                (class, proof)
            );
            let missing = page
                .lines
                .iter()
                .find(|line| line.name.contains("transfer.") || line.value.contains("transfer."));
            assert!(missing.is_none(), "{missing:?}");
        }
    }
}
