//! Payments of accounts nobody knows: kept and shown, and counted as soon as somebody does.

use relight_common::{Claims, Code};
use relight_proto::arrears::v1::{
    ListUnplacedRequest, UnplacedPayment, unplaced_payments_server::UnplacedPayments,
};
use tonic::Status;

use crate::given::{DEBT, Room, asked, balance, billing, boss, crew, elsewhere, li, payment, room};

async fn listed(room: &Room, claims: &Claims) -> Result<Vec<UnplacedPayment>, Status> {
    let ask = ListUnplacedRequest { page: None };
    Ok(room.api.list(asked(ask, claims)).await?.into_inner().payments)
}

/// 9999 pays before anybody knows the account.
async fn paid(room: &Room, cents: i64) -> anyhow::Result<()> {
    let told = room
        .feed(vec![payment("p1", "9999", cents, "07-01 01:00")])
        .await?;
    assert_eq!(told[0].outcome, "kept", "{told:?}");
    assert!(told[0].reason.contains("not known"), "{told:?}");
    Ok(())
}

#[tokio::test]
async fn a_payment_of_an_account_nobody_knows_is_kept_and_shown_to_who_answers_for_billing()
-> anyhow::Result<()> {
    let room = room().await?;
    paid(&room, 300).await?;
    paid(&room, 300).await?;
    let kept = listed(&room, &billing()).await?;
    let told: Vec<(&str, &str, i64)> = kept
        .iter()
        .map(|one| (one.external_id.as_str(), one.account.as_str(), one.amount_cents))
        .collect();
    assert_eq!(told, [("p1", "9999", 300)], "once, however often it comes");
    assert_eq!(listed(&room, &boss()).await?.len(), 1);
    for claims in [li(), crew(), elsewhere()] {
        let refused = listed(&room, &claims).await.unwrap_err();
        assert_eq!(refused.code(), Code::PermissionDenied);
    }
    let owes = balance("b1", "9999", DEBT, "07-01 00:00");
    assert_eq!(
        room.feed(vec![owes]).await?[0].outcome,
        "refused",
        "it comes again"
    );
    Ok(())
}

/// Billing speaks of the account before anybody looked: what was kept counts in the same moment.
#[tokio::test]
async fn a_kept_payment_counts_with_the_first_line_of_its_account() -> anyhow::Result<()> {
    let room = room().await?;
    paid(&room, DEBT - 100).await?;
    room.joined("9999");
    let told = room
        .feed(vec![balance("b1", "9999", DEBT, "07-01 00:30")])
        .await?;
    assert_eq!((told[0].outcome.as_str(), told[0].balance_cents), ("taken", 100));
    assert_eq!(told[0].case_id, "", "a case for a hundred is none");
    assert!(listed(&room, &billing()).await?.is_empty());
    let again = room
        .feed(vec![payment("p1", "9999", DEBT - 100, "07-01 01:00")])
        .await?;
    assert_eq!(
        (again[0].outcome.as_str(), again[0].balance_cents),
        ("repeated", 100)
    );
    Ok(())
}

/// Nobody says anything: registry is asked again, and an account that stays unknown loses nothing.
#[tokio::test]
async fn a_kept_payment_counts_when_registry_knows_its_account() -> anyhow::Result<()> {
    let room = room().await?;
    paid(&room, 300).await?;
    room.feed(vec![payment("p2", "8888", 500, "07-01 01:00")]).await?;
    room.mend().await?;
    assert_eq!(listed(&room, &billing()).await?.len(), 2);
    room.joined("9999");
    room.mend().await?;
    let kept = listed(&room, &billing()).await?;
    assert_eq!(kept.len(), 1);
    assert_eq!(kept[0].account, "8888");
    let owed: i64 = sqlx::query_scalar("select balance_cents from account where account_key = '9999'")
        .fetch_one(room.db.pool())
        .await?;
    assert_eq!(owed, -300);
    let audited: i64 =
        sqlx::query_scalar("select count(*) from audit where action = 'arrears.payment_placed'")
            .fetch_one(room.db.pool())
            .await?;
    assert_eq!(audited, 1);
    Ok(())
}

/// A wrong account number is put right by the same line with another one; nothing counts twice.
#[tokio::test]
async fn the_same_line_with_another_account_puts_it_right() -> anyhow::Result<()> {
    let room = room().await?;
    paid(&room, DEBT).await?;
    room.feed(vec![balance("b1", "1001", DEBT, "07-01 00:30")])
        .await?;
    let right = room
        .feed(vec![payment("p1", "1001", DEBT, "07-01 01:00")])
        .await?;
    assert_eq!((right[0].outcome.as_str(), right[0].balance_cents), ("taken", 0));
    assert!(listed(&room, &billing()).await?.is_empty());
    let back = room
        .feed(vec![payment("p1", "9999", DEBT, "07-01 01:00")])
        .await?;
    assert_eq!(back[0].outcome, "refused", "it counts already");
    room.joined("9999");
    room.mend().await?;
    let known: i64 = sqlx::query_scalar("select count(*) from account where account_key = '9999'")
        .fetch_one(room.db.pool())
        .await?;
    assert_eq!(known, 0, "nothing is kept for it");
    Ok(())
}
