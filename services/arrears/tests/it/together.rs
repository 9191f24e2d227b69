//! Feeds that come at one moment share a transaction; each is answered as if it had been alone.

use std::collections::BTreeMap;

use futures_util::future::join_all;
use relight_common::{Claims, Code};
use relight_proto::arrears::v1::{self as w, arrears_server::Arrears};
use sqlx::FromRow;
use tonic::Status;
use uuid::Uuid;

use crate::given::{DEBT, Room, asked, balance, billing, payment, room};

const ACCOUNTS: usize = 30;

fn account(n: usize) -> String {
    format!("1001{n:03}")
}

fn one(line: w::FeedLine) -> w::FeedRequest {
    w::FeedRequest {
        command_id: Uuid::now_v7().to_string(),
        source: "till".to_owned(),
        lines: vec![line],
    }
}

/// Every account owes and has its case.
async fn owing() -> anyhow::Result<Room> {
    let room = room().await?;
    let owes = |n| balance(&format!("b{n}"), &account(n), DEBT, "07-01 00:00");
    room.feed((0..ACCOUNTS).map(owes).collect()).await?;
    Ok(room)
}

/// All of them at one moment.
async fn at_once(room: &Room, asks: &[w::FeedRequest], claims: &Claims) -> Vec<Result<w::FeedReply, Status>> {
    let sent = asks.iter().map(|ask| room.api.feed(asked(ask.clone(), claims)));
    let replies = join_all(sent).await;
    replies
        .into_iter()
        .map(|reply| reply.map(tonic::Response::into_inner))
        .collect()
}

/// What an account's case and balance came to.
#[derive(Debug, PartialEq, FromRow)]
struct Stands {
    account: String,
    balance_cents: i64,
    state: String,
    version: i64,
}

async fn stands(room: &Room) -> anyhow::Result<Vec<Stands>> {
    Ok(sqlx::query_as(
        "select a.account, a.balance_cents, c.state, c.version from arrears.account a
         join arrears.debt_case c on c.account_id = a.id order by a.account, c.opened_at, c.id",
    )
    .fetch_all(room.db.pool())
    .await?)
}

/// A payment of every account, some in part, one twice, one of nobody, one that cannot be read.
fn payments() -> Vec<w::FeedRequest> {
    let paid = |n: usize| {
        let cents = if n.is_multiple_of(3) { DEBT / 2 } else { DEBT };
        one(payment(&format!("p{n}"), &account(n), cents, "07-01 01:00"))
    };
    let mut asks: Vec<w::FeedRequest> = (0..ACCOUNTS).map(paid).collect();
    asks.push(one(payment("p5", &account(5), DEBT, "07-01 01:00")));
    asks.push(one(payment("p6", &account(6), 1, "07-01 01:00")));
    asks.push(one(payment("bad", &account(7), 0, "07-01 01:00")));
    asks
}

fn outcomes(replies: &[Result<w::FeedReply, Status>]) -> Vec<(String, i64)> {
    let results = replies
        .iter()
        .flat_map(|reply| &reply.as_ref().expect("it was taken").results);
    results
        .map(|result| (result.outcome.clone(), result.balance_cents))
        .collect()
}

#[tokio::test]
async fn payments_at_one_moment_come_to_what_they_would_one_by_one() -> anyhow::Result<()> {
    let (together, alone) = (owing().await?, owing().await?);
    let asks = payments();
    let replies = at_once(&together, &asks, &billing()).await;
    let mut one_by_one = Vec::new();
    for ask in &asks {
        one_by_one.extend(at_once(&alone, std::slice::from_ref(ask), &billing()).await);
    }
    assert_eq!(outcomes(&replies), outcomes(&one_by_one));
    assert_eq!(stands(&together).await?, stands(&alone).await?);
    let transactions: i64 =
        sqlx::query_scalar("select count(distinct xmin::text) from arrears.feed_line where source = 'till'")
            .fetch_one(together.db.pool())
            .await?;
    assert!(transactions < 10, "{transactions} transactions are not together");
    Ok(())
}

/// Each case says which payment moved it, and each request is in the audit.
#[tokio::test]
async fn what_is_told_names_its_own_payment() -> anyhow::Result<()> {
    let room = owing().await?;
    let asks: Vec<w::FeedRequest> = (0..ACCOUNTS)
        .map(|n| one(payment(&format!("p{n}"), &account(n), DEBT, "07-01 01:00")))
        .collect();
    at_once(&room, &asks, &billing()).await;
    let told: Vec<(String, String)> = sqlx::query_as(
        "select c.account, o.cause from outbox o join arrears.debt_case c on c.id = o.subject
         where o.type = 'arrears.changed' and o.version = 2",
    )
    .fetch_all(room.db.pool())
    .await?;
    let sent = asks
        .iter()
        .map(|ask| (ask.lines[0].account.clone(), ask.command_id.clone()));
    assert_eq!(
        told.into_iter().collect::<BTreeMap<_, _>>(),
        sent.collect::<BTreeMap<_, _>>()
    );
    let audited: i64 = sqlx::query_scalar(
        "select count(*) from audit where action = 'arrears.feed' and subject = 'till' and actor = 'billing'",
    )
    .fetch_one(room.db.pool())
    .await?;
    assert_eq!(usize::try_from(audited)?, ACCOUNTS);
    Ok(())
}

/// A command sent twice at one moment is done once; its id with another body is refused; and an account that is new here, or
/// that nobody knows, keeps nobody else from being served.
#[tokio::test]
async fn nobody_suffers_from_another_one() -> anyhow::Result<()> {
    let room = owing().await?;
    let first = one(payment("p1", &account(1), DEBT, "07-01 01:00"));
    let mut other = first.clone();
    other.lines[0].external_id = "p1-other".to_owned();
    let asks = [
        first.clone(),
        first.clone(),
        other,
        one(payment("p2", &account(2), DEBT, "07-01 01:00")),
        one(payment("n1", &account(ACCOUNTS), DEBT, "07-01 01:00")),
        one(payment("u1", "9999", DEBT, "07-01 01:00")),
    ];
    let replies = at_once(&room, &asks, &billing()).await;
    assert_eq!(replies[0].as_ref().ok(), replies[1].as_ref().ok());
    let refused = replies[2].as_ref().expect_err("the id was used");
    assert_eq!(refused.code(), Code::InvalidArgument);
    let taken = [0, 3, 4, 5].map(|n| {
        replies[n].as_ref().expect("it was taken").results[0]
            .outcome
            .as_str()
    });
    assert_eq!(taken, ["taken", "taken", "taken", "kept"]);
    let states: Vec<String> = stands(&room).await?[1..3]
        .iter()
        .map(|one| one.state.clone())
        .collect();
    assert_eq!(states, ["settled_before", "settled_before"]);
    Ok(())
}
