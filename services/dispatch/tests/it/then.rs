//! What can be seen afterwards.

use prost::Message;
use relight_common::{Db, error::FIELD_KEY};
use relight_proto::{
    dispatch::v1::{Clock, Order},
    events::v1::{EtrChanged, WorkOrderAlarm, WorkOrderStep},
};
use tonic::Status;

async fn told<M: Message + Default>(db: &Db, kind: &str) -> anyhow::Result<Vec<M>> {
    let rows: Vec<Vec<u8>> =
        sqlx::query_scalar("select data from outbox where type = $1 order by subject, version")
            .bind(kind)
            .fetch_all(db.pool())
            .await?;
    Ok(rows
        .iter()
        .map(|data| M::decode(data.as_slice()))
        .collect::<Result<_, _>>()?)
}

pub async fn steps(db: &Db) -> anyhow::Result<Vec<WorkOrderStep>> {
    told(db, "workorder.step").await
}

/// Words of the steps told.
pub async fn words(db: &Db) -> anyhow::Result<Vec<String>> {
    Ok(steps(db).await?.into_iter().map(|step| step.step).collect())
}

/// (clock, level, escalation, acknowledged by) of the alarms told.
pub async fn alarms(db: &Db) -> anyhow::Result<Vec<(String, String, u32, String)>> {
    let told: Vec<WorkOrderAlarm> = told(db, "workorder.alarm").await?;
    Ok(told
        .into_iter()
        .map(|a| (a.clock, a.level, a.escalation, a.acknowledged_by))
        .collect())
}

pub async fn etrs(db: &Db) -> anyhow::Result<Vec<EtrChanged>> {
    told(db, "etr.changed").await
}

pub async fn count(db: &Db, sql: &'static str) -> anyhow::Result<i64> {
    Ok(sqlx::query_scalar(sql).fetch_one(db.pool()).await?)
}

pub fn clock<'a>(order: &'a Order, name: &str) -> &'a Clock {
    order
        .clocks
        .iter()
        .find(|clock| clock.name == name)
        .unwrap_or_else(|| panic!("no clock {name}: {:?}", order.clocks))
}

/// The field a refusal names.
pub fn field(status: &Status) -> &str {
    status
        .metadata()
        .get(FIELD_KEY)
        .and_then(|field| field.to_str().ok())
        .unwrap_or_default()
}
