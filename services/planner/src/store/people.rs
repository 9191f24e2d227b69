//! Who is affected, and what is recorded of each of them: answers, talks, isolation.

use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    domain::{
        ids::OutageId,
        window::{Instant, Window},
    },
    error::Error,
};

/// Rows of one insert.
const CHUNK: usize = 5_000;

/// An affected customer, with what makes them special.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Affected {
    /// Who.
    pub customer: Uuid,
    /// Important customer.
    pub important: bool,
    /// Somebody's life hangs on supply.
    pub life_support: bool,
    /// On a line of their own.
    pub dedicated_line: bool,
    /// Generation, storage or a second supply.
    pub own_generation: bool,
    /// Nominal voltage of the supply, volts; of several the highest; none where the registry does not know.
    pub voltage_v: Option<i32>,
    /// Keeps another supply while this one is off, or is fed by two. Own generation is none.
    pub several_supplies: bool,
}

/// 1 kV is where high voltage begins (GB/T 2900.50).
const LOW_VOLTAGE_MAX_V: i32 = 1_000;

impl Affected {
    /// Whether somebody calls them before supply returns (operations.md O2).
    pub fn is_called_before(&self) -> bool {
        self.is_high_voltage() || self.own_generation || self.several_supplies
    }

    fn is_high_voltage(&self) -> bool {
        self.voltage_v.is_some_and(|volts| volts > LOW_VOLTAGE_MAX_V)
    }

    /// Whether nothing makes them special: a notice on a board may reach them, an individual one is not asked for.
    pub fn is_ordinary(&self) -> bool {
        let listed = self.important || self.life_support || self.dedicated_line || self.own_generation;
        !listed && !self.is_high_voltage()
    }
}

/// Adds customers; those who were released and are affected again count as added now.
///
/// # Errors
/// [`Error::Common`].
pub async fn add(conn: &mut PgConnection, id: OutageId, all: &[Affected], at: Instant) -> Result<(), Error> {
    for chunk in all.chunks(CHUNK) {
        sqlx::query!(
            "insert into planner.recipient as r (outage_id, customer_id, important, life_support, dedicated_line, own_generation,
                 voltage_v, several_supplies, call_before, added_at, individually)
             select $1, n.*, $10, planner.is_told_individually(
                 (select individually from planner.outage where id = $1), n.important, n.life_support, n.dedicated_line,
                 n.own_generation, n.voltage_v)
             from unnest($2::uuid[], $3::bool[], $4::bool[], $5::bool[], $6::bool[], $7::int4[], $8::bool[], $9::bool[])
                 n (customer, important, life_support, dedicated_line, own_generation, voltage_v, several_supplies, call_before)
             on conflict (outage_id, customer_id) do update set important = excluded.important,
                 life_support = excluded.life_support, dedicated_line = excluded.dedicated_line,
                 own_generation = excluded.own_generation, voltage_v = excluded.voltage_v,
                 several_supplies = excluded.several_supplies, call_before = excluded.call_before, released_at = null,
                 individually = excluded.individually, own_lead = r.own_lead and r.released_at is null,
                 added_at = case when r.released_at is null then r.added_at else excluded.added_at end",
            id.uuid(),
            &column(chunk, |one| one.customer),
            &column(chunk, |one| one.important),
            &column(chunk, |one| one.life_support),
            &column(chunk, |one| one.dedicated_line),
            &column(chunk, |one| one.own_generation),
            &column(chunk, |one| one.voltage_v) as &[Option<i32>],
            &column(chunk, |one| one.several_supplies),
            &column(chunk, |one| one.is_called_before()),
            at
        )
        .execute(&mut *conn)
        .await
        .map_err(Error::db("add affected customers"))?;
    }
    Ok(())
}

fn column<T: Copy, V>(rows: &[T], value: impl Fn(T) -> V) -> Vec<V> {
    rows.iter().copied().map(value).collect()
}

/// The customers affected now.
///
/// # Errors
/// [`Error::Common`].
pub async fn customers(conn: &mut PgConnection, id: OutageId) -> Result<Vec<Uuid>, Error> {
    sqlx::query_scalar!(
        "select customer_id from planner.recipient where outage_id = $1 and released_at is null order by customer_id",
        id.uuid()
    )
    .fetch_all(conn)
    .await
    .map_err(Error::db("read affected customers"))
}

/// Everybody affected now, as they are known.
///
/// # Errors
/// [`Error::Common`].
pub async fn all(conn: &mut PgConnection, id: OutageId) -> Result<Vec<Affected>, Error> {
    sqlx::query_as!(
        Affected,
        "select customer_id as customer, important, life_support, dedicated_line, own_generation, voltage_v, several_supplies
         from planner.recipient where outage_id = $1 and released_at is null order by customer_id",
        id.uuid()
    )
    .fetch_all(conn)
    .await
    .map_err(Error::db("read affected customers"))
}

/// The customers affected now, with the voltage of each.
///
/// # Errors
/// [`Error::Common`].
pub async fn supplied(conn: &mut PgConnection, id: OutageId) -> Result<Vec<(Uuid, Option<i32>)>, Error> {
    let rows = sqlx::query!(
        "select customer_id, voltage_v from planner.recipient where outage_id = $1 and released_at is null order by customer_id",
        id.uuid()
    )
    .fetch_all(conn)
    .await
    .map_err(Error::db("read at which voltage customers are supplied"))?;
    Ok(rows
        .into_iter()
        .map(|row| (row.customer_id, row.voltage_v))
        .collect())
}

/// How many affected customers are supplied at more than `most_v` volts.
///
/// # Errors
/// [`Error::Common`].
pub async fn above_voltage(conn: &mut PgConnection, id: OutageId, most_v: i32) -> Result<u32, Error> {
    let count = sqlx::query_scalar!(
        r#"select count(*) as "count!" from planner.recipient where outage_id = $1 and released_at is null and voltage_v > $2"#,
        id.uuid(),
        most_v
    )
    .fetch_one(conn)
    .await
    .map_err(Error::db("count who is supplied at a higher voltage"))?;
    Ok(u32::try_from(count).unwrap_or(u32::MAX))
}

/// Somebody moved in after the announcement: they are told, and the lead of the plan is not theirs.
///
/// # Errors
/// [`Error::Common`].
pub async fn join(conn: &mut PgConnection, id: OutageId, one: Affected, at: Instant) -> Result<(), Error> {
    add(conn, id, &[one], at).await?;
    sqlx::query!(
        "update planner.recipient set joined_at = $3 where outage_id = $1 and customer_id = $2",
        id.uuid(),
        one.customer,
        at
    )
    .execute(conn)
    .await
    .map(drop)
    .map_err(Error::db("add who moved in"))
}

/// The network changed after the announcement and these are affected by it: they have the whole lead from their own notice on,
/// whatever they were told before they were released.
///
/// # Errors
/// [`Error::Common`].
pub async fn need_own_lead(conn: &mut PgConnection, id: OutageId, customers: &[Uuid]) -> Result<(), Error> {
    sqlx::query!(
        "update planner.recipient set own_lead = true, joined_at = null, served_at = null, served_channel = null, settled_at = null
         where outage_id = $1 and customer_id = any($2)",
        id.uuid(),
        customers
    )
    .execute(conn)
    .await
    .map(drop)
    .map_err(Error::db("note whose lead begins anew"))
}

/// Releases customers: they stay supplied.
///
/// # Errors
/// [`Error::Common`].
pub async fn release(
    conn: &mut PgConnection,
    id: OutageId,
    customers: &[Uuid],
    at: Instant,
) -> Result<(), Error> {
    sqlx::query!(
        "update planner.recipient set released_at = $3 where outage_id = $1 and customer_id = any($2) and released_at is null",
        id.uuid(),
        customers,
        at
    )
    .execute(conn)
    .await
    .map(drop)
    .map_err(Error::db("release customers"))
}

/// A new plan: what was told, answered and agreed of the old one counts for nothing.
///
/// # Errors
/// [`Error::Common`].
pub async fn begin_plan(conn: &mut PgConnection, id: OutageId) -> Result<(), Error> {
    sqlx::query!(
        "update planner.recipient set served_at = null, served_channel = null, late_told_at = null, settled_at = null, joined_at = null,
             own_lead = false
         where outage_id = $1",
        id.uuid()
    )
    .execute(conn)
    .await
    .map(drop)
    .map_err(Error::db("begin a plan"))
}

/// The same window but later: important and life-support customers answer anew.
///
/// # Errors
/// [`Error::Common`].
pub async fn ask_again(conn: &mut PgConnection, id: OutageId) -> Result<(), Error> {
    sqlx::query!(
        "update planner.recipient set settled_at = null where outage_id = $1 and (important or life_support)",
        id.uuid()
    )
    .execute(conn)
    .await
    .map(drop)
    .map_err(Error::db("ask important customers again"))
}

/// A late start: nobody is told of it yet.
///
/// # Errors
/// [`Error::Common`].
pub async fn begin_late_start(conn: &mut PgConnection, id: OutageId) -> Result<(), Error> {
    sqlx::query!(
        "update planner.recipient set late_told_at = null where outage_id = $1",
        id.uuid()
    )
    .execute(conn)
    .await
    .map(drop)
    .map_err(Error::db("begin a late start"))
}

/// What a customer is to an outage; none when they are not affected.
///
/// # Errors
/// [`Error::NotAffected`], [`Error::Common`].
pub async fn affected(conn: &mut PgConnection, id: OutageId, customer: Uuid) -> Result<Affected, Error> {
    sqlx::query_as!(
        Affected,
        "select customer_id as customer, important, life_support, dedicated_line, own_generation, voltage_v,
             several_supplies
         from planner.recipient where outage_id = $1 and customer_id = $2 and released_at is null",
        id.uuid(),
        customer
    )
    .fetch_optional(conn)
    .await
    .map_err(Error::db("look for an affected customer"))?
    .ok_or(Error::NotAffected(customer))
}

/// Those of `customers` without an effective notice of the present plan.
///
/// # Errors
/// [`Error::Common`].
pub async fn untold(conn: &mut PgConnection, id: OutageId, customers: &[Uuid]) -> Result<Vec<Uuid>, Error> {
    sqlx::query_scalar!(
        "select customer_id from planner.recipient
         where outage_id = $1 and customer_id = any($2) and released_at is null and served_at is null",
        id.uuid(),
        customers
    )
    .fetch_all(conn)
    .await
    .map_err(Error::db("look for who was not told"))
}

/// Stores what an important or life-support customer said, verbatim; `call`: on the telephone.
///
/// # Errors
/// [`Error::Common`].
pub async fn acknowledge(
    conn: &mut PgConnection,
    (id, plan_no, customer): (OutageId, u32, Uuid),
    (text, call): (&str, Option<Uuid>),
    by: &str,
    at: Instant,
) -> Result<(), Error> {
    sqlx::query!(
        "insert into planner.acknowledgement (outage_id, plan_no, customer_id, text, acknowledged_at, acknowledged_by, call_id,
             call_outcome)
         values ($1, $2, $3, $4, $5, $6, $7, case when $7::uuid is not null then 'reached' end)
         on conflict (outage_id, plan_no, customer_id) do update
             set text = excluded.text, acknowledged_at = excluded.acknowledged_at, acknowledged_by = excluded.acknowledged_by,
                 call_id = excluded.call_id, call_outcome = excluded.call_outcome",
        id.uuid(),
        i32::try_from(plan_no).unwrap_or(i32::MAX),
        customer,
        text,
        at,
        by,
        call
    )
    .execute(&mut *conn)
    .await
    .map_err(Error::db("store an acknowledgement"))?;
    settle(conn, id, customer, at).await
}

async fn settle(conn: &mut PgConnection, id: OutageId, customer: Uuid, at: Instant) -> Result<(), Error> {
    sqlx::query!(
        "update planner.recipient set settled_at = coalesce(settled_at, $3) where outage_id = $1 and customer_id = $2",
        id.uuid(),
        customer,
        at
    )
    .execute(conn)
    .await
    .map(drop)
    .map_err(Error::db("settle an important customer"))
}

/// Hands a silent important customer to somebody; `closed_by`: the duty manager decided to go on.
///
/// # Errors
/// [`Error::Common`].
pub async fn escalate(
    conn: &mut PgConnection,
    (id, plan_no, customer): (OutageId, u32, Uuid),
    to: &str,
    (closed_by, note): (Option<&str>, &str),
    at: Instant,
) -> Result<(), Error> {
    sqlx::query!(
        "insert into planner.acknowledgement as a (outage_id, plan_no, customer_id, escalated_to, escalated_at, closed_by, note)
         values ($1, $2, $3, $4, $5, $6, $7)
         on conflict (outage_id, plan_no, customer_id) do update set escalated_to = excluded.escalated_to,
             escalated_at = excluded.escalated_at, closed_by = excluded.closed_by,
             note = case when excluded.note = '' then a.note else excluded.note end",
        id.uuid(),
        i32::try_from(plan_no).unwrap_or(i32::MAX),
        customer,
        to,
        at,
        closed_by,
        note
    )
    .execute(&mut *conn)
    .await
    .map_err(Error::db("escalate an important customer"))?;
    if closed_by.is_some() {
        settle(conn, id, customer, at).await?;
    }
    Ok(())
}

/// Important and life-support customers who have not answered.
///
/// # Errors
/// [`Error::Common`].
pub async fn silent(conn: &mut PgConnection, id: OutageId) -> Result<Vec<Uuid>, Error> {
    sqlx::query_scalar!(
        "select customer_id from planner.recipient
         where outage_id = $1 and released_at is null and (important or life_support) and settled_at is null order by customer_id",
        id.uuid()
    )
    .fetch_all(conn)
    .await
    .map_err(Error::db("look for silent important customers"))
}

/// Stores one step of the talks with a dedicated-line customer. What is agreed or decided is the window.
///
/// # Errors
/// [`Error::Common`].
pub async fn negotiate(
    conn: &mut PgConnection,
    (id, customer): (OutageId, Uuid),
    (step, window, note): (&str, Window, &str),
    by: &str,
    at: Instant,
) -> Result<(), Error> {
    sqlx::query!(
        "insert into planner.negotiation (id, outage_id, customer_id, step, off_at, on_at, note, at, by)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        Uuid::now_v7(),
        id.uuid(),
        customer,
        step,
        window.off_at,
        window.on_at,
        note,
        at,
        by
    )
    .execute(&mut *conn)
    .await
    .map_err(Error::db("store a step of the talks"))?;
    let settled = matches!(step, "agreed" | "decided").then_some(window);
    sqlx::query!(
        "update planner.recipient set agreed_off_at = $3, agreed_on_at = $4 where outage_id = $1 and customer_id = $2",
        id.uuid(),
        customer,
        settled.map(|window| window.off_at),
        settled.map(|window| window.on_at)
    )
    .execute(conn)
    .await
    .map(drop)
    .map_err(Error::db("store what was agreed"))
}

/// A step of the talks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Talk {
    /// proposed, countered, agreed, refused, decided.
    pub step: String,
    /// When.
    pub at: Instant,
}

/// The steps of the talks so far, the last one first.
///
/// # Errors
/// [`Error::Common`].
pub async fn talks(conn: &mut PgConnection, id: OutageId, customer: Uuid) -> Result<Vec<Talk>, Error> {
    sqlx::query_as!(
        Talk,
        "select step, at from planner.negotiation where outage_id = $1 and customer_id = $2 order by at desc, id desc",
        id.uuid(),
        customer
    )
    .fetch_all(conn)
    .await
    .map_err(Error::db("read the talks"))
}

/// Ticks own generation: as isolated (`told` false) or as called before supply returns.
///
/// # Errors
/// [`Error::Common`].
pub async fn tick(
    conn: &mut PgConnection,
    (id, customer): (OutageId, Uuid),
    told: bool,
    by: &str,
    at: Instant,
) -> Result<(), Error> {
    sqlx::query!(
        "update planner.recipient set
             isolated_at = case when $3 then isolated_at else coalesce(isolated_at, $5) end,
             isolated_by = case when $3 then isolated_by else coalesce(isolated_by, $4) end,
             told_at = case when $3 then coalesce(told_at, $5) else told_at end,
             told_by = case when $3 then coalesce(told_by, $4) else told_by end
         where outage_id = $1 and customer_id = $2",
        id.uuid(),
        customer,
        told,
        by,
        at
    )
    .execute(conn)
    .await
    .map(drop)
    .map_err(Error::db("tick own generation"))
}
