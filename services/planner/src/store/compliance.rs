//! Who was told of a plan, how and when: counted from recipients and proofs, and kept when the outage is archived.

use serde::{Deserialize, Serialize};
use sqlx::PgConnection;

use super::outage::Stored;
use crate::{
    domain::{ids::OutageId, window::Instant},
    error::Error,
};

/// What the law says of the notices given.
#[derive(Debug, Clone)]
pub struct Ruling {
    /// The last moment at which a notice carries the window.
    pub latest: Option<Instant>,
    /// Whether the window is carried.
    pub lead_kept: bool,
    /// The arithmetic in words.
    pub law: String,
    /// The version of the policy pack that holds.
    pub pack_version: String,
}

/// Customers of one class.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OfClass {
    /// important, life_support, dedicated_line, own_generation, high_voltage, other.
    pub class: String,
    /// How many.
    pub customers: i64,
    /// Of those, told.
    pub told: i64,
    /// Of those, in time, or too late to be told in time because they moved in later.
    pub in_time: i64,
    /// Acknowledged, or their silence taken on.
    pub acknowledged: i64,
}

/// Effective proofs of one kind and channel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proofs {
    /// notice, reminder, ...
    pub kind: String,
    /// sms, visit, ...
    pub channel: String,
    /// How many.
    pub count: i64,
}

/// How the notice of a plan was given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Compliance {
    /// Which plan.
    pub plan_no: u32,
    /// By class.
    pub classes: Vec<OfClass>,
    /// By kind and channel.
    pub proofs: Vec<Proofs>,
    /// When it was announced.
    pub published_at: Option<Instant>,
    /// First effective notice.
    pub first_told_at: Option<Instant>,
    /// The last of the first effective notices.
    pub last_told_at: Option<Instant>,
    /// Whether the law carries the window.
    pub lead_kept: bool,
    /// Its arithmetic.
    pub law: String,
    /// The version of the pack.
    pub pack_version: String,
    /// Told later than the lead asks for.
    pub told_late: i64,
    /// Moved in after the announcement.
    pub late_joiners: i64,
    /// Reached by nobody.
    pub not_told: i64,
    /// Proofs that were somebody else's.
    pub proofs_void: i64,
    /// Everybody affected.
    pub customers: i64,
    /// When it was archived.
    pub archived_at: Option<Instant>,
}

/// Counts for the present plan of `one`.
///
/// # Errors
/// [`Error::Common`].
pub async fn find(conn: &mut PgConnection, one: &Stored, ruling: Ruling) -> Result<Compliance, Error> {
    let plan_no = i32::try_from(one.life.plan_no).unwrap_or(i32::MAX);
    let all = sqlx::query!(
        r#"select count(*) as "customers!", count(*) filter (where served_at is null) as "not_told!",
             count(*) filter (where joined_at is not null) as "late_joiners!",
             count(*) filter (where joined_at is null and ($2::timestamptz is null or served_at > $2)
                 and served_at is not null) as "told_late!",
             min(served_at) as first_told_at, max(served_at) as last_told_at,
             (select count(*) from planner.evidence e join planner.evidence_void v on v.evidence_id = e.id
              where e.outage_id = $1 and e.plan_no = $3) as "proofs_void!"
         from planner.recipient where outage_id = $1 and released_at is null"#,
        one.id.uuid(),
        ruling.latest,
        plan_no
    )
    .fetch_one(&mut *conn)
    .await
    .map_err(Error::db("count who was told"))?;
    Ok(Compliance {
        plan_no: one.life.plan_no,
        classes: classes(conn, one.id, ruling.latest).await?,
        proofs: proofs(conn, one.id, plan_no).await?,
        published_at: one.life.announced_at,
        first_told_at: all.first_told_at,
        last_told_at: all.last_told_at,
        lead_kept: ruling.lead_kept,
        law: ruling.law,
        pack_version: ruling.pack_version,
        told_late: all.told_late,
        late_joiners: all.late_joiners,
        not_told: all.not_told,
        proofs_void: all.proofs_void,
        customers: all.customers,
        archived_at: None,
    })
}

async fn classes(
    conn: &mut PgConnection,
    id: OutageId,
    latest: Option<Instant>,
) -> Result<Vec<OfClass>, Error> {
    sqlx::query_as!(
        OfClass,
        r#"select c.class as "class!", count(*) as "customers!", count(r.served_at) as "told!",
             count(*) filter (where r.served_at <= $2 or (r.served_at is not null and r.joined_at is not null)) as "in_time!",
             count(r.settled_at) as "acknowledged!"
         from planner.recipient r, lateral (values ('important', r.important), ('life_support', r.life_support),
             ('dedicated_line', r.dedicated_line), ('own_generation', r.own_generation),
             ('high_voltage', coalesce(r.voltage_v, 0) > 1000),
             ('other', not (r.important or r.life_support or r.dedicated_line or r.own_generation or coalesce(r.voltage_v, 0) > 1000)))
             as c (class, holds)
         where r.outage_id = $1 and r.released_at is null and c.holds group by c.class order by c.class"#,
        id.uuid(),
        latest
    )
    .fetch_all(conn)
    .await
    .map_err(Error::db("count who was told by class"))
}

async fn proofs(conn: &mut PgConnection, id: OutageId, plan_no: i32) -> Result<Vec<Proofs>, Error> {
    sqlx::query_as!(
        Proofs,
        r#"select kind, channel, count(*) as "count!" from planner.evidence e
         where outage_id = $1 and plan_no = $2
           and not exists (select from planner.evidence_void v where v.evidence_id = e.id)
         group by kind, channel order by kind, channel"#,
        id.uuid(),
        plan_no
    )
    .fetch_all(conn)
    .await
    .map_err(Error::db("count proofs"))
}

/// What was kept when it was archived.
///
/// # Errors
/// [`Error::Common`], [`Error::Stored`].
pub async fn kept(conn: &mut PgConnection, id: OutageId) -> Result<Option<Compliance>, Error> {
    let found = sqlx::query_scalar!(
        "select compliance from planner.archived where outage_id = $1",
        id.uuid()
    )
    .fetch_optional(conn)
    .await
    .map_err(Error::db("read an archived outage"))?;
    let read = |value| serde_json::from_value(value).map_err(|_| Error::Stored("compliance of an outage"));
    found.map(read).transpose()
}

/// Keeps it for good.
///
/// # Errors
/// [`Error::Common`].
pub async fn keep(
    conn: &mut PgConnection,
    id: OutageId,
    found: &Compliance,
    at: Instant,
) -> Result<(), Error> {
    let kept = Compliance {
        archived_at: Some(at),
        ..found.clone()
    };
    let value = serde_json::to_value(&kept).map_err(|_| Error::Stored("compliance of an outage"))?;
    sqlx::query!(
        "insert into planner.archived (outage_id, at, compliance) values ($1, $2, $3)",
        id.uuid(),
        at,
        value
    )
    .execute(conn)
    .await
    .map(drop)
    .map_err(Error::db("archive an outage"))
}
