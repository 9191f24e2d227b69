//! What can be seen afterwards.

use prost::Message;
use relight_common::Db;
use relight_proto::events::v1::{ContactWrong, OutageAlarm, OutageChanged, OutageNotice, OutageStep};

async fn told<M: Message + Default>(db: &Db, kind: &str) -> anyhow::Result<Vec<M>> {
    let rows: Vec<Vec<u8>> =
        sqlx::query_scalar("select data from outbox where type = $1 order by subject, version, id")
            .bind(kind)
            .fetch_all(db.pool())
            .await?;
    Ok(rows
        .iter()
        .map(|data| M::decode(data.as_slice()))
        .collect::<Result<_, _>>()?)
}

/// States told, each once when it follows itself.
pub async fn states(db: &Db) -> anyhow::Result<Vec<String>> {
    let told: Vec<OutageChanged> = told(db, "outage.changed").await?;
    let mut states: Vec<String> = told.into_iter().map(|one| one.state).collect();
    states.dedup();
    Ok(states)
}

/// (kind, plan) of the notices ordered.
pub async fn notices(db: &Db) -> anyhow::Result<Vec<(String, u32)>> {
    let told: Vec<OutageNotice> = told(db, "outage.notice").await?;
    Ok(told.into_iter().map(|one| (one.kind, one.plan_no)).collect())
}

/// The notices ordered.
pub async fn whole_notices(db: &Db) -> anyhow::Result<Vec<OutageNotice>> {
    told(db, "outage.notice").await
}

/// Classes told.
pub async fn classes(db: &Db) -> anyhow::Result<Vec<String>> {
    let told: Vec<OutageChanged> = told(db, "outage.changed").await?;
    Ok(told.into_iter().map(|one| one.class).collect())
}

/// Steps back told.
pub async fn steps(db: &Db) -> anyhow::Result<Vec<String>> {
    let told: Vec<OutageStep> = told(db, "outage.step").await?;
    Ok(told.into_iter().map(|one| one.step).collect())
}

/// (customer, who called) of the numbers that are somebody else's.
pub async fn strangers(db: &Db) -> anyhow::Result<Vec<(String, String)>> {
    let told: Vec<ContactWrong> = told(db, "contact.wrong").await?;
    Ok(told
        .into_iter()
        .map(|one| (one.customer_id, one.called_by))
        .collect())
}

/// (what, why) of the alarms, each of which says why in Chinese too.
pub async fn alarms(db: &Db) -> anyhow::Result<Vec<(String, String)>> {
    let told: Vec<OutageAlarm> = told(db, "outage.alarm").await?;
    for one in &told {
        let chinese = one.because_zh.chars().filter(|c| *c > '\u{2e80}');
        assert!(chinese.count() > 3, "{}: {}", one.what, one.because_zh);
        assert_ne!(one.because_zh, one.because);
    }
    Ok(told.into_iter().map(|one| (one.what, one.because)).collect())
}

/// Whether this alarm was raised.
pub async fn alarmed(db: &Db, what: &str) -> anyhow::Result<bool> {
    Ok(alarms(db).await?.iter().any(|(one, _)| one == what))
}
