//! What can be seen afterwards.

use prost::Message;
use relight_common::Db;
use relight_proto::intake::v1::intake_server::Intake;
use relight_proto::{
    events::v1::{IncidentChanged, ReportAccepted},
    intake::v1 as pb,
};
use tonic::Status;

use crate::given::{House, dispatcher, from};

pub async fn told<M: Message + Default>(db: &Db, kind: &str) -> anyhow::Result<Vec<M>> {
    let rows: Vec<Vec<u8>> = sqlx::query_scalar("select data from outbox where type = $1 order by id")
        .bind(kind)
        .fetch_all(db.pool())
        .await?;
    Ok(rows
        .iter()
        .map(|data| M::decode(data.as_slice()))
        .collect::<Result<_, _>>()?)
}

/// Everything told of incidents, oldest first.
pub async fn incidents_told(db: &Db) -> anyhow::Result<Vec<IncidentChanged>> {
    told(db, "incident.changed").await
}

pub async fn reports_told(db: &Db) -> anyhow::Result<Vec<ReportAccepted>> {
    told(db, "report.accepted").await
}

pub async fn count(db: &Db, table: &str) -> anyhow::Result<i64> {
    let sql = sqlx::AssertSqlSafe(format!("select count(*) from intake.{table}"));
    Ok(sqlx::query_scalar(sql).fetch_one(db.pool()).await?)
}

/// Open incidents, newest first.
pub async fn open(house: &House) -> anyhow::Result<Vec<pb::Incident>> {
    in_state(house, "open").await
}

pub async fn in_state(house: &House, state: &str) -> anyhow::Result<Vec<pb::Incident>> {
    let request = pb::ListIncidentsRequest {
        state: state.to_owned(),
        page: None,
    };
    Ok(house
        .api
        .list_incidents(from(dispatcher(), request))
        .await?
        .into_inner()
        .incidents)
}

/// The field a refusal names.
pub fn field(status: &Status) -> &str {
    status
        .metadata()
        .get("relight-field")
        .map_or("", |value| value.to_str().expect("field names are ASCII"))
}
