//! The notice as it is printed: every field of the served document, in both languages.

use super::*;
use crate::pages::{Frame, Templates};
use relight_common::wire::timestamp;
use relight_proto::{
    arrears::v1::{Bill, Reminder},
    common::v1::Point,
};

#[test]
fn money_is_written_with_its_currency_and_both_digits() {
    assert_eq!(money(Language::ZhCn, 50_005, "CNY"), "500.05 元");
    assert_eq!(money(Language::ZhCn, 50_005, "AUD"), "AUD 500.05");
    assert_eq!(money(Language::En, 50_000, "CNY"), "CNY 500.00");
    assert_eq!(money(Language::En, -7, "AUD"), "AUD -0.07");
}

#[test]
fn the_stop_is_written_out_with_its_zone() {
    let at = "2026-08-17T02:00:00Z".parse().unwrap();
    let zone = chrono_tz::Asia::Shanghai;
    assert_eq!(full(Language::ZhCn, at, zone), "2026年8月17日 10:00");
    assert_eq!(full(Language::En, at, zone), "17 August 2026 10:00 (CST)");
}

#[test]
fn the_code_is_one_drawing_and_nothing_else() {
    let drawn = code("http://127.0.0.1:8080/check-notice?number=T-20260810-0001").unwrap();
    assert!(drawn.starts_with("<svg") && drawn.trim_end().ends_with("</svg>"));
    assert!(code(&"x".repeat(5_000)).is_err());
}

#[test]
fn every_method_channel_and_answer_has_words() {
    for language in [Language::ZhCn, Language::En] {
        for key in [
            "method_e_signature",
            "method_signed_receipt",
            "method_recorded_call",
            "method_registered_mail",
            "method_posted_with_witness",
            "channel_phone",
            "channel_post",
            "channel_visit",
            "channel_sms",
            "channel_email",
            "check_stands",
            "check_void",
            "check_unknown",
        ] {
            let words = words::find(language, &format!("notice.{key}"), &[]);
            assert!(words.is_some(), "{key}");
        }
    }
}

#[test]
fn a_sheet_has_what_the_notice_has() {
    let wire = Notice {
        number: "T-20260810-0001".to_owned(),
        policy_version: "CN-SGCC 2026".to_owned(),
        zone: "Asia/Shanghai".to_owned(),
        served_method: "posted_with_witness".to_owned(),
        witness: "zhou".to_owned(),
        org_path: "demo/city".to_owned(),
        ..Notice::default()
    };
    let sheet = sheet(Language::En, wire.into(), &Areas::default());
    assert_eq!(sheet.unit, "demo/city");
    let served = sheet.served.unwrap();
    assert_eq!(
        (served.witness.as_str(), served.method.is_empty()),
        ("zhou", false)
    );
}

fn instant(text: &str) -> Option<prost_types::Timestamp> {
    Some(timestamp(text.parse().unwrap()))
}

/// Left at the door because the customer refused it.
fn served_notice() -> Notice {
    Notice {
        number: "T-20260810-0001".to_owned(),
        issued_at: instant("2026-08-06T02:00:00Z"),
        issuer: "李主任".to_owned(),
        approver: "胡经理".to_owned(),
        customer_name: "王小明".to_owned(),
        account: "330100001".to_owned(),
        address_zh: "文一路1号".to_owned(),
        address_en: "1 Wenyi Road".to_owned(),
        amount_cents: 50_240,
        bills: vec![Bill {
            period: "2026-05".to_owned(),
            amount_cents: 50_000,
            late_fee_cents: 240,
            due_on: "2026-06-15".to_owned(),
        }],
        due_on: "2026-06-30".to_owned(),
        reminders: vec![Reminder {
            at: instant("2026-07-10T02:00:00Z"),
            channel: "visit".to_owned(),
        }],
        legal_basis: vec!["National Energy Retail Rules 111".to_owned()],
        stop_at: instant("2026-08-17T02:00:00Z"),
        serve_by: instant("2026-08-10T02:00:00Z"),
        zone: "Asia/Shanghai".to_owned(),
        org_path: "demo/city".to_owned(),
        policy_version: "XX 2026-01-01".to_owned(),
        reconnect_h: 24,
        served_method: "posted_with_witness".to_owned(),
        served_at: instant("2026-08-10T01:00:00Z"),
        server: "陈工".to_owned(),
        received_by: "refused to take it".to_owned(),
        witness: "zhou".to_owned(),
        photo_sha256: "ab".repeat(32),
        valid: true,
        position: Some(Point {
            lon: 120.15,
            lat: 30.28,
        }),
        served_record: "slip 7".to_owned(),
        filing_receipt: "authority 5".to_owned(),
        currency: "CNY".to_owned(),
        ..Notice::default()
    }
}

fn printed(language: Language) -> String {
    let (_, notices) = crate::config::load().unwrap();
    let house = ("https://relight.example", "12398");
    let sheet = Sheet::new(language, served_notice(), &Areas::default(), house).unwrap();
    let frame = Frame::new(language, "/notices/T-20260810-0001", &notices);
    let html = frame
        .render(&Templates::new().unwrap(), "notice.html", sheet)
        .unwrap();
    assert!(
        html.contains(&notices.phone),
        "the phone of complaints and questions"
    );
    html
}

/// All that domain.md 4.1 asks of the served document and that is the same in every language.
const FACTS: [&str; 22] = [
    "T-20260810-0001",
    "demo/city",
    "王小明",
    "330100001",
    "2026-05",
    "2026-06-15",
    "2026-06-30",
    "502.40",
    "500.00",
    "2.40",
    "National Energy Retail Rules 111",
    "12398",
    "https://relight.example/check-notice",
    "<svg",
    "李主任",
    "胡经理",
    "陈工",
    "refused to take it",
    "zhou",
    "30.28000, 120.15000",
    "slip 7",
    "authority 5",
];

/// Words of a language: what it is, when it was issued, reminded and served, where and when supply stops, what follows, and
/// what the customer can do.
fn words_of(language: Language) -> [&'static str; 15] {
    match language {
        Language::En => [
            "Notice of disconnection",
            "6 August 2026 10:00 (CST)",
            "10 July 2026 10:00 (CST) (at a visit)",
            "Your supply will be stopped on 17 August 2026 10:00 (CST)",
            "At: 1 Wenyi Road",
            "Pay in any of our halls",
            "If the bill is wrong",
            "ask for a plan",
            "life or health depends on electricity",
            "supply is back within 24 hours",
            "Complaints:",
            "Left at the door before a witness",
            "10 August 2026 09:00 (CST)",
            "Received by, or why not",
            "Photo (SHA-256)",
        ],
        Language::ZhCn => [
            "停电通知书",
            "2026年8月6日 10:00",
            "2026年7月10日 10:00 (上门)",
            "将于 2026年8月17日 10:00 停止供电",
            "停电地址：文一路1号",
            "任一营业厅",
            "对账单有异议",
            "申请分期",
            "依靠电力维持生命",
            "缴清后 24 小时内恢复供电",
            "投诉电话",
            "留置送达（有见证人）",
            "2026年8月10日 09:00",
            "签收人（或拒收原因）",
            "照片校验码（SHA-256）",
        ],
    }
}

#[test]
fn the_served_document_has_every_field_in_both_languages() {
    for language in [Language::En, Language::ZhCn] {
        let html = printed(language);
        // Names with a slash are escaped in HTML.
        let html = html.replace("&#x2f;", "/");
        let photo = "ab".repeat(32);
        for part in FACTS
            .into_iter()
            .chain(words_of(language))
            .chain([photo.as_str()])
        {
            assert!(html.contains(part), "{part} is not in {html}");
        }
        let empty = html.split("<dt>").skip(1).find(|line| line.contains("<dd></dd>"));
        assert_eq!(empty, None, "a line of the service without a word");
    }
}
