//! What is true around an outage, read for a decision.

use chrono::TimeDelta;
use sqlx::PgConnection;

use super::{form, outage::Stored};
use crate::{
    domain::{
        facts::{Balance, Coverage, Facts},
        window::Window,
    },
    error::Error,
};

/// Conflicts named at most.
const NAMED_MAX: i64 = 20;

/// Everything a decision about `one` may depend on, as it is. Its conflicts are those of the last time somebody compared it.
///
/// # Errors
/// [`Error::Common`].
pub async fn read(conn: &mut PgConnection, one: &Stored) -> Result<Facts, Error> {
    read_for(conn, one, one.life.window).await
}

/// The same for another window it may get.
///
/// # Errors
/// [`Error::Common`].
pub async fn read_for(conn: &mut PgConnection, one: &Stored, window: Window) -> Result<Facts, Error> {
    let mut facts = people(conn, one).await?;
    facts.balance.conflicts.clone_from(&one.conflicts);
    facts.balance.locks = locks(conn, one, window).await?;
    facts.form = form::lacks(conn, one).await?;
    (facts.leaders, facts.uncleared) = leaders(conn, one).await?;
    facts.uncalled = uncalled(conn, one).await?;
    Ok(facts)
}

/// How many need something of their own and have it, as the schema counts: a gate does not look at a hundred thousand.
async fn people(conn: &mut PgConnection, one: &Stored) -> Result<Facts, Error> {
    let row = sqlx::query!(
        r#"select required, served, late_joiners, unacknowledged, unreached, told_late_start, backfeed_open, backfeed_untold,
             single_source,
             (select served_at from planner.recipient
              where outage_id = $1 and served_at is not null and released_at is null and joined_at is null and (individually or own_lead)
              order by served_at desc limit 1) as individual_at,
             (select count(*) from planner.recipient
              where outage_id = $1 and released_at is null and dedicated_line
                and (agreed_off_at is distinct from $2 or agreed_on_at is distinct from $3)) as "dedicated_open!"
         from planner.reach where outage_id = $1"#,
        one.id.uuid(),
        one.life.window.off_at,
        one.life.window.on_at
    )
    .fetch_optional(conn)
    .await
    .map_err(Error::db("read who was told"))?;
    let count = |n: i64| u32::try_from(n).unwrap_or(u32::MAX);
    let around = Facts {
        balance: Balance {
            above_count: one.above_count.unsigned_abs(),
            above_hours: one.above_hours.unsigned_abs(),
            ..Balance::default()
        },
        network_added: one.network_added.unsigned_abs(),
        ..Facts::default()
    };
    // Where nobody was ever affected there is nothing to count.
    let Some(row) = row else { return Ok(around) };
    Ok(Facts {
        balance: Balance {
            single_source: count(row.single_source),
            ..around.balance
        },
        coverage: Coverage {
            required: count(row.required),
            served: count(row.served),
            individual_at: row.individual_at,
            late_joiners: count(row.late_joiners),
            unacknowledged: count(row.unacknowledged),
            unreached: count(row.unreached),
            told_late_start: count(row.told_late_start),
        },
        dedicated_open: count(row.dedicated_open),
        backfeed_open: count(row.backfeed_open),
        backfeed_untold: count(row.backfeed_untold),
        ..around
    })
}

/// Important and life-support customers nobody called although it takes much longer. Nobody is asked for while it does not.
async fn uncalled(conn: &mut PgConnection, one: &Stored) -> Result<u32, Error> {
    let Some(since) = one.life.call_since() else {
        return Ok(0);
    };
    let count = sqlx::query_scalar!(
        r#"select count(*) as "count!" from planner.recipient r
         where outage_id = $1 and released_at is null and (important or life_support) and not exists (
             select from planner.evidence e
             where e.outage_id = $1 and e.plan_no = $2 and e.kind = 'extended' and e.customer_id = r.customer_id
               and e.channel = 'call' and e.at >= $3 and e.at <= coalesce($4, 'infinity'::timestamptz)
               and not exists (select from planner.evidence_void v where v.evidence_id = e.id))"#,
        one.id.uuid(),
        i32::try_from(one.life.plan_no).unwrap_or(i32::MAX),
        since,
        // A call about a later end says nothing once supply is back.
        one.life.restored_at
    )
    .fetch_one(conn)
    .await
    .map_err(Error::db("count who was called about a later end"))?;
    Ok(u32::try_from(count).unwrap_or(u32::MAX))
}

/// Plans of the same feeder, or that interrupt some of the same customers, closer together than `apart`. Asked while plans are
/// compared only: it goes through everybody affected.
///
/// # Errors
/// [`Error::Common`].
pub async fn conflicts(
    conn: &mut PgConnection,
    one: &Stored,
    window: Window,
    apart: TimeDelta,
) -> Result<Vec<String>, Error> {
    sqlx::query_scalar!(
        "select o.number from planner.outage o
         where o.id <> $1 and o.state not in ('draft', 'cancelled', 'aborted') and o.off_at between $2 and $3
           and (o.feeders && $4 or exists (
             select 1 from planner.recipient a join planner.recipient b on b.customer_id = a.customer_id
             where a.outage_id = o.id and b.outage_id = $1 and a.released_at is null and b.released_at is null))
         order by o.number limit $5",
        one.id.uuid(),
        window.off_at - apart,
        window.on_at + apart,
        &one.place.feeders,
        NAMED_MAX
    )
    .fetch_all(conn)
    .await
    .map_err(Error::db("look for conflicts"))
}

/// Locks that stand in the window, at the place, above it or below it.
async fn locks(conn: &mut PgConnection, one: &Stored, window: Window) -> Result<Vec<String>, Error> {
    sqlx::query_scalar!(
        r#"select kind || ': ' || reason as "words!" from planner.work_lock
         where lifted_by is null and from_at < $3 and until_at > $2
           and (org_path = '' or $1 = org_path or starts_with($1, org_path || '/') or starts_with(org_path, $1 || '/'))
         order by from_at, id limit $4"#,
        one.place.org_path,
        window.off_at,
        window.on_at,
        NAMED_MAX
    )
    .fetch_all(conn)
    .await
    .map_err(Error::db("look for locks"))
}

async fn leaders(conn: &mut PgConnection, one: &Stored) -> Result<(u32, u32), Error> {
    let row = sqlx::query!(
        r#"select count(*) as "all!", count(*) filter (where cleared_at is null) as "open!"
         from planner.leader where outage_id = $1"#,
        one.id.uuid()
    )
    .fetch_one(conn)
    .await
    .map_err(Error::db("count the leaders"))?;
    let count = |n: i64| u32::try_from(n).unwrap_or(u32::MAX);
    Ok((count(row.all), count(row.open)))
}
