//! Every field out of its bounds is named, and nothing is stored.

use chrono::{DateTime, TimeDelta, Utc};
use relight_common::{Claims, Code, wire::timestamp};
use relight_proto::{common::v1::Point, intake::v1 as pb};

use crate::{
    given::{House, by_address, house, now},
    then,
};

fn point(lon: f64, lat: f64) -> Option<Point> {
    Some(Point { lon, lat })
}

fn at(at: DateTime<Utc>) -> Option<prost_types::Timestamp> {
    Some(timestamp(at))
}

type Change = fn(&mut pb::AcceptReportRequest);

/// What is wrong with one field, and its name.
const CASES: [(Change, &str); 32] = [
    (|m| m.command_id = String::new(), "command_id"),
    (|m| m.command_id = "42".to_owned(), "command_id"),
    (|m| m.account = "9".repeat(65), "account"),
    (|m| m.account = "A\u{0}B".to_owned(), "account"),
    (|m| m.reporter_name = String::new(), "reporter_name"),
    (|m| m.reporter_name = "\u{202e}\u{7}".to_owned(), "reporter_name"),
    (|m| m.reporter_name = "x".repeat(101), "reporter_name"),
    (|m| m.reporter_phone = String::new(), "reporter_phone"),
    (|m| m.reporter_phone = "hello".to_owned(), "reporter_phone"),
    (|m| m.reporter_phone = "12".to_owned(), "reporter_phone"),
    (|m| m.reporter_phone = "1".repeat(1_000_000), "reporter_phone"),
    (|m| m.reporter_phone = "+999 0".to_owned(), "reporter_phone"),
    (|m| m.address = "  ".to_owned(), "address"),
    (|m| m.address = "x".repeat(301), "address"),
    (|m| m.danger_note = "x".repeat(501), "danger_note"),
    (|m| m.note = "x".repeat(2_001), "note"),
    (|m| m.note = "x".repeat(10_000_000), "note"),
    (|m| m.note = "a\u{1b}[31m".to_owned(), "note"),
    (|m| m.position = point(181.0, 0.0), "position"),
    (|m| m.position = point(0.0, -90.1), "position"),
    (|m| m.position = point(f64::NAN, 0.0), "position"),
    (|m| m.position = point(0.0, f64::INFINITY), "position"),
    (|m| m.channel = String::new(), "channel"),
    (|m| m.channel = "fax".to_owned(), "channel"),
    (|m| m.channel = "Web".to_owned(), "channel"),
    (|m| m.language = 99, "language"),
    (|m| m.language = -1, "language"),
    (
        |m| m.reported_at = at(now() + TimeDelta::minutes(3)),
        "reported_at",
    ),
    (|m| m.reported_at = at(now() - TimeDelta::days(8)), "reported_at"),
    (
        |m| {
            m.reported_at = Some(prost_types::Timestamp {
                seconds: i64::MAX,
                nanos: 0,
            })
        },
        "reported_at",
    ),
    (
        |m| {
            m.reported_at = Some(prost_types::Timestamp {
                seconds: 0,
                nanos: -1,
            })
        },
        "reported_at",
    ),
    (
        |m| (m.channel, m.reported_at) = ("paper".to_owned(), at(now() - TimeDelta::days(91))),
        "reported_at",
    ),
];

#[tokio::test]
async fn every_field_out_of_its_bounds_is_named_and_nothing_is_stored() -> anyhow::Result<()> {
    let house = house().await?;
    for (n, (change, field)) in CASES.into_iter().enumerate() {
        let mut message = by_address();
        change(&mut message);
        let refused = house
            .accept(message)
            .await
            .expect_err(&format!("case {n}, {field}"));
        assert_eq!(
            (refused.code(), then::field(&refused)),
            (Code::InvalidArgument, field),
            "case {n}: {refused}"
        );
        assert!(
            refused.message().len() < 300,
            "case {n}: an answer does not repeat the input"
        );
    }
    for table in ["report", "report_waiting", "urge", "command_seen", "outbox"] {
        assert_eq!(then::count(&house.db, table).await?, 0, "{table}");
    }
    Ok(())
}

/// What the registry may hold can be reported, to the last character.
#[tokio::test]
async fn every_field_at_its_bound_is_taken() -> anyhow::Result<()> {
    let house = house().await?;
    let longest = pb::AcceptReportRequest {
        account: "9".repeat(64),
        reporter_name: "x".repeat(100),
        address: "x".repeat(300),
        note: "x".repeat(2_000),
        danger_note: "x".repeat(500),
        ..by_address()
    };
    house.accept(longest.clone()).await?;
    assert_eq!(accounts(&house).await?, [Some(longest.account)]);
    Ok(())
}

async fn accounts(house: &House) -> anyhow::Result<Vec<Option<String>>> {
    let accounts = sqlx::query_scalar("select account from report order by id");
    Ok(accounts.fetch_all(house.db.pool()).await?)
}

/// The beginning of a number is the number of somebody else.
#[tokio::test]
async fn an_account_that_is_too_long_is_never_cut_to_another_one() -> anyhow::Result<()> {
    let house = house().await?;
    let message = pb::AcceptReportRequest {
        danger: true,
        account: "9".repeat(65),
        ..by_address()
    };
    house.accept(message).await?;
    assert_eq!(accounts(&house).await?, [None]);
    Ok(())
}

#[tokio::test]
async fn danger_is_accepted_whatever_else_is_wrong() -> anyhow::Result<()> {
    let house = house().await?;
    for (n, (change, field)) in CASES
        .into_iter()
        .enumerate()
        .filter(|(_, case)| case.1 != "command_id")
    {
        let mut message = by_address();
        message.danger = true;
        change(&mut message);
        let report = house
            .accept(message)
            .await
            .unwrap_or_else(|e| panic!("case {n}, {field}: {e}"));
        assert!(report.danger, "case {n}");
    }
    let nothing = pb::AcceptReportRequest {
        command_id: uuid::Uuid::now_v7().to_string(),
        danger: true,
        ..Default::default()
    };
    assert_eq!(
        house.accept_as(Claims::anybody(), nothing).await?.triage,
        "undetermined"
    );
    Ok(())
}

#[tokio::test]
async fn the_public_cannot_set_the_clock_back() -> anyhow::Result<()> {
    let house = house().await?;
    let early = pb::AcceptReportRequest {
        reported_at: at(now() - TimeDelta::hours(1)),
        ..by_address()
    };
    let refused = house
        .accept_as(Claims::anybody(), early.clone())
        .await
        .unwrap_err();
    assert_eq!(then::field(&refused), "reported_at");
    let danger = pb::AcceptReportRequest {
        danger: true,
        ..early
    };
    assert_eq!(
        house.accept_as(Claims::anybody(), danger).await?.accepted_at,
        at(now())
    );
    Ok(())
}
