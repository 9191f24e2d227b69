//! Announcements as people read them. Rows are added and never changed: what was told stays, whoever wrote it and whoever read
//! it before.

use sqlx::{PgConnection, PgPool};

use super::outage::{Stored, Words};
use crate::{
    domain::{ids::OutageId, window::Instant},
    error::Error,
};

/// Keeps the announcement of the present plan of `one`, which `by` sends out.
///
/// # Errors
/// [`Error::Common`].
pub async fn add(conn: &mut PgConnection, one: &Stored, by: &str) -> Result<(), Error> {
    let (life, words) = (&one.life, &one.words);
    let written_by = life.worded.as_ref().map_or(&life.author, |worded| &worded.by);
    let approver = life.approval.as_ref().map(|approval| &approval.by);
    let read_by = life
        .worded
        .as_ref()
        .and_then(|worded| worded.approved_by.as_ref());
    sqlx::query!(
        "insert into planner.published (outage_id, plan_no, edition, class, off_at, on_at, area_zh, area_en, line, reason_zh,
             reason_en, written_by, approved_by, announced_by, published_at, pack_version)
         values ($1, $2, 1, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)",
        one.id.uuid(),
        i32::try_from(life.plan_no).unwrap_or(i32::MAX),
        life.class.word(),
        life.window.off_at,
        life.window.on_at,
        words.area_zh,
        words.area_en,
        words.line,
        words.reason_zh,
        words.reason_en,
        written_by,
        read_by.or(approver).map_or("", String::as_str),
        by,
        life.announced_at,
        life.ruled.as_ref().map_or("", |ruled| &ruled.version)
    )
    .execute(conn)
    .await
    .map(drop)
    .map_err(Error::db("keep an announcement"))
}

/// Keeps what the public reads of `one` from `at` on, where that is not what it read before; `by` made it so. An area that is another
/// one was made from the set by `made_by`, and `by` took that set.
///
/// # Errors
/// [`Error::Common`].
pub async fn follow(
    conn: &mut PgConnection,
    one: &Stored,
    (by, made_by): (&str, &str),
    at: Instant,
) -> Result<(), Error> {
    let (life, words) = (&one.life, &one.words);
    if life.announced_at.is_none() {
        return Ok(());
    }
    sqlx::query!(
        "insert into planner.published (outage_id, plan_no, edition, class, off_at, on_at, area_zh, area_en, line, reason_zh,
             reason_en, written_by, approved_by, announced_by, published_at, pack_version)
         select outage_id, plan_no, edition + 1, $3, $4, $5, $6, $7, line, reason_zh, reason_en,
             case when is_same then written_by else $9 end, case when is_same then approved_by else $8 end, $8, $10, pack_version
         from (select *, (area_zh, area_en) = ($6, $7) as is_same from planner.published
               where outage_id = $1 and plan_no = $2 order by edition desc limit 1) last
         where (class, off_at, on_at, area_zh, area_en) <> ($3, $4, $5, $6, $7)",
        one.id.uuid(),
        i32::try_from(life.plan_no).unwrap_or(i32::MAX),
        life.class.word(),
        life.starts_at(),
        life.window.on_at,
        words.area_zh,
        words.area_en,
        by,
        made_by,
        at
    )
    .execute(conn)
    .await
    .map(drop)
    .map_err(Error::db("keep what the public reads"))
}

/// An announcement as people read it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Published {
    /// Of which plan.
    pub plan_no: i32,
    /// 1: the announcement; then what the public read instead, from its moment on.
    pub edition: i32,
    /// As what it counted then.
    pub class: String,
    /// Supply was to end.
    pub off_at: Instant,
    /// Supply was to be back.
    pub on_at: Instant,
    /// What people read.
    pub words: Words,
    /// Who wrote it.
    pub written_by: String,
    /// Who else read and approved it.
    pub approved_by: String,
    /// Who sent it out.
    pub announced_by: String,
    /// When.
    pub published_at: Instant,
    /// The version of the policy pack that holds for it.
    pub pack_version: String,
    /// When it became void; none: it holds, or ended as it was told.
    pub void_at: Option<Instant>,
}

/// Every announcement of an outage with its editions, the first first.
///
/// # Errors
/// [`Error::Common`].
pub async fn list(pool: &PgPool, id: OutageId) -> Result<Vec<Published>, Error> {
    let rows = sqlx::query!(
        r#"select p.plan_no, p.edition, p.class, p.off_at, p.on_at, p.area_zh, p.area_en, p.line, p.reason_zh, p.reason_en, p.written_by,
             p.approved_by, p.announced_by, p.published_at, p.pack_version, e.ended_at as "void_at?"
         from planner.published p
         left join planner.ended_plan e on e.outage_id = p.outage_id and e.plan_no = p.plan_no
         where p.outage_id = $1 order by p.plan_no, p.edition"#,
        id.uuid()
    )
    .fetch_all(pool)
    .await
    .map_err(Error::db("list announcements of an outage"))?;
    let published = rows.into_iter().map(|row| Published {
        plan_no: row.plan_no,
        edition: row.edition,
        class: row.class,
        off_at: row.off_at,
        on_at: row.on_at,
        words: Words {
            area_zh: row.area_zh,
            area_en: row.area_en,
            line: row.line,
            reason_zh: row.reason_zh,
            reason_en: row.reason_en,
        },
        written_by: row.written_by,
        approved_by: row.approved_by,
        announced_by: row.announced_by,
        published_at: row.published_at,
        pack_version: row.pack_version,
        void_at: row.void_at,
    });
    Ok(published.collect())
}
