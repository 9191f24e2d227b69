//! Affected sets and their members.

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use crate::{
    domain::affected::{Member, Summary},
    error::Error,
};

/// A set as it is stored.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct SetRow {
    pub(crate) id: Uuid,
    pub(crate) grid_version: Uuid,
    pub(crate) device_ids: Vec<String>,
    pub(crate) within_set_id: Option<Uuid>,
    pub(crate) count: i32,
    pub(crate) important: i32,
    pub(crate) life_support: i32,
    pub(crate) own_generation: i32,
    pub(crate) partly_dead: i32,
    /// How the network was switched: the number of that state, and its deviations from the normal one.
    pub(crate) state_no: i64,
    pub(crate) opened: Vec<String>,
    pub(crate) closed: Vec<String>,
    pub(crate) lon: Option<f64>,
    pub(crate) lat: Option<f64>,
    pub(crate) area_class: Option<String>,
    pub(crate) org_path: String,
    pub(crate) zone: String,
    pub(crate) zones: Vec<String>,
    /// The uppermost switching devices above what was opened.
    pub(crate) feeders: Vec<String>,
}

impl SetRow {
    /// A set of these members, without devices and place.
    pub(crate) fn new(id: Uuid, grid_version: Uuid, summary: &Summary) -> SetRow {
        SetRow {
            id,
            grid_version,
            device_ids: Vec::new(),
            within_set_id: None,
            count: summary.count,
            important: summary.important,
            life_support: summary.life_support,
            own_generation: summary.own_generation,
            partly_dead: 0,
            state_no: 0,
            opened: Vec::new(),
            closed: Vec::new(),
            lon: summary.centre.map(|centre| centre.0),
            lat: summary.centre.map(|centre| centre.1),
            area_class: summary.area_class.map(|class| class.as_str().to_owned()),
            org_path: summary.org_path.clone(),
            zone: summary.zone.clone(),
            zones: summary.zones.clone(),
            feeders: Vec::new(),
        }
    }
}

/// The set with this id.
pub(crate) async fn find<'e>(db: impl sqlx::PgExecutor<'e>, id: Uuid) -> Result<Option<SetRow>, Error> {
    sqlx::query_as!(
        SetRow,
        "select id, grid_version, device_ids, within_set_id, count, important, life_support, own_generation, partly_dead,
            state_no, opened, closed, lon, lat, area_class, org_path, zone, zones, feeders
         from registry.affected_set where id = $1",
        id
    )
    .fetch_optional(db)
    .await
    .map_err(Error::db("look for an affected set"))
}

/// The service points with these folded external ids that are in the network, and in `within` when given; by id, so that
/// members are written in the order of their key.
pub(crate) async fn pick<'e>(
    db: impl sqlx::PgExecutor<'e>,
    keys: &[String],
    within: Option<Uuid>,
) -> Result<Vec<Member>, Error> {
    let rows = sqlx::query!(
        r#"select p.id, p.customer_id, c.class = 'important' as "important!", c.life_support,
            p.own_generation <> 'none' as "own_generation!", p.lon, p.lat, p.area_class, p.org_path, p.zone
        from unnest($1::text[]) as wanted (key)
        join registry.service_point p on p.external_key = wanted.key
        join registry.customer c on c.id = p.customer_id
        where p.retired_at is null and ($2::uuid is null or exists (
            select 1 from registry.affected_set_member m where m.set_id = $2 and m.service_point_id = p.id))"#,
        keys,
        within
    )
    .fetch_all(db)
    .await
    .map_err(Error::db("pick the members of a set"))?;
    let members = rows.into_iter().map(|row| {
        Ok(Member {
            service_point_id: row.id,
            customer_id: row.customer_id,
            important: row.important,
            life_support: row.life_support,
            own_generation: row.own_generation,
            lon: row.lon,
            lat: row.lat,
            area_class: row.area_class.parse().map_err(|()| Error::Stored("area class"))?,
            org_path: row.org_path,
            zone: row.zone,
        })
    });
    let mut members = members.collect::<Result<Vec<_>, Error>>()?;
    members.sort_unstable_by_key(|member| member.service_point_id);
    Ok(members)
}

/// How many service points and customers these folded external ids are, and how many of them are special.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Toll {
    pub(crate) service_points: i64,
    pub(crate) customers: i64,
    pub(crate) important: i64,
    pub(crate) life_support: i64,
    pub(crate) own_generation: i64,
}

/// Counts without storing anything.
pub(crate) async fn toll(pool: &PgPool, keys: &[String]) -> Result<Toll, Error> {
    sqlx::query_as!(
        Toll,
        r#"select count(*) as "service_points!", count(distinct p.customer_id) as "customers!",
            count(*) filter (where c.class = 'important') as "important!",
            count(*) filter (where c.life_support) as "life_support!",
            count(*) filter (where p.own_generation <> 'none') as "own_generation!"
        from unnest($1::text[]) as wanted (key)
        join registry.service_point p on p.external_key = wanted.key
        join registry.customer c on c.id = p.customer_id
        where p.retired_at is null"#,
        keys
    )
    .fetch_one(pool)
    .await
    .map_err(Error::db("count who would be off"))
}

/// One of these folded external ids that is no service point in the network.
pub(crate) async fn first_unknown(pool: &PgPool, keys: &[String]) -> Result<Option<String>, Error> {
    sqlx::query_scalar!(
        r#"select wanted.key as "key!" from unnest($1::text[]) as wanted (key)
        where not exists (select 1 from registry.service_point p where p.external_key = wanted.key and p.retired_at is null)
        order by 1 limit 1"#,
        keys
    )
    .fetch_optional(pool)
    .await
    .map_err(Error::db("look for unknown service points"))
}

/// Stores a set with its members. False when somebody else just stored the same one.
pub(crate) async fn insert(
    conn: &mut PgConnection,
    set: &SetRow,
    members: &[Member],
    at: DateTime<Utc>,
) -> Result<bool, Error> {
    let stored = sqlx::query!(
        "insert into registry.affected_set (id, grid_version, device_ids, within_set_id, count, important, life_support,
            own_generation, partly_dead, lon, lat, area_class, org_path, zone, made_at, state_no, opened, closed, zones, feeders)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20)
         on conflict (id) do nothing",
        set.id,
        set.grid_version,
        &set.device_ids,
        set.within_set_id,
        set.count,
        set.important,
        set.life_support,
        set.own_generation,
        set.partly_dead,
        set.lon,
        set.lat,
        set.area_class,
        set.org_path,
        set.zone,
        at,
        set.state_no,
        &set.opened,
        &set.closed,
        &set.zones,
        &set.feeders
    )
    .execute(&mut *conn)
    .await
    .map_err(Error::db("store an affected set"))?;
    if stored.rows_affected() == 0 {
        return Ok(false);
    }
    let points: Vec<Uuid> = members.iter().map(|member| member.service_point_id).collect();
    let customers: Vec<Uuid> = members.iter().map(|member| member.customer_id).collect();
    sqlx::query!(
        "insert into registry.affected_set_member (set_id, service_point_id, customer_id)
         select $1, m.point, m.customer from unnest($2::uuid[], $3::uuid[]) as m (point, customer)",
        set.id,
        &points,
        &customers
    )
    .execute(conn)
    .await
    .map_err(Error::db("store the members of a set"))?;
    Ok(true)
}

/// One member of a stored set, with what makes it special for notices and for work on the line.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Listed {
    pub(crate) service_point_id: Uuid,
    pub(crate) customer_id: Uuid,
    pub(crate) important: bool,
    pub(crate) life_support: bool,
    pub(crate) dedicated_line: bool,
    pub(crate) own_generation: bool,
    pub(crate) dual_supply: bool,
    pub(crate) address_zh: String,
    pub(crate) address_en: String,
    /// Nominal, volts.
    pub(crate) voltage_v: Option<i32>,
}

/// Which members of a set are asked for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Which {
    pub(crate) set: Uuid,
    /// Above this service point.
    pub(crate) after: Uuid,
    pub(crate) limit: i64,
    /// Only those with generation, storage or a second supply of their own.
    pub(crate) own_generation: bool,
}

/// The members above `after`, by service point, with the customers the set was made of.
pub(crate) async fn members(pool: &PgPool, which: Which) -> Result<Vec<Listed>, Error> {
    sqlx::query_as!(
        Listed,
        r#"select m.service_point_id, m.customer_id, c.class = 'important' as "important!", c.life_support, c.dedicated_line,
            p.own_generation <> 'none' as "own_generation!",
            p.own_generation = 'dual_supply' as "dual_supply!", p.address_zh, p.address_en,
            p.voltage_v
         from registry.affected_set_member m
         join registry.customer c on c.id = m.customer_id
         join registry.service_point p on p.id = m.service_point_id
         where m.set_id = $1 and m.service_point_id > $2
            and (not $4 or p.own_generation <> 'none')
         order by m.service_point_id limit $3"#,
        which.set,
        which.after,
        which.limit,
        which.own_generation
    )
    .fetch_all(pool)
    .await
    .map_err(Error::db("read the members of a set"))
}

/// The same with whoever had each service point at `at`: the first who left it later, else who has it.
pub(crate) async fn members_at(pool: &PgPool, which: Which, at: DateTime<Utc>) -> Result<Vec<Listed>, Error> {
    sqlx::query_as!(
        Listed,
        r#"select m.service_point_id, c.id as customer_id, c.class = 'important' as "important!", c.life_support,
            c.dedicated_line, p.own_generation <> 'none' as "own_generation!",
            p.own_generation = 'dual_supply' as "dual_supply!", p.address_zh, p.address_en,
            p.voltage_v
         from registry.affected_set_member m
         join registry.service_point p on p.id = m.service_point_id
         join registry.customer c on c.id = coalesce((
            select f.customer_id from registry.former_customer f
            where f.service_point_id = p.id and f.until_at > $5 order by f.until_at limit 1), p.customer_id)
         where m.set_id = $1 and m.service_point_id > $2 and (p.retired_at is null or p.retired_at > $5)
            and (not $4 or p.own_generation <> 'none')
         order by m.service_point_id limit $3"#,
        which.set,
        which.after,
        which.limit,
        which.own_generation,
        at
    )
    .fetch_all(pool)
    .await
    .map_err(Error::db("read who is below a set"))
}

/// The members whose service point one of these customers had at `at`, by service point: found by the customers, so that
/// a few named ones do not cost the whole of a large set.
pub(crate) async fn among(
    pool: &PgPool,
    set: Uuid,
    customers: &[Uuid],
    at: DateTime<Utc>,
) -> Result<Vec<Listed>, Error> {
    sqlx::query_as!(
        Listed,
        r#"select m.service_point_id, c.id as customer_id, c.class = 'important' as "important!", c.life_support,
            c.dedicated_line, p.own_generation <> 'none' as "own_generation!",
            p.own_generation = 'dual_supply' as "dual_supply!", p.address_zh, p.address_en,
            p.voltage_v
         from (
            select s.id from registry.service_point s where s.customer_id = any($2)
            union select f.service_point_id from registry.former_customer f where f.customer_id = any($2)
         ) theirs
         join registry.affected_set_member m on m.set_id = $1 and m.service_point_id = theirs.id
         join registry.service_point p on p.id = theirs.id
         join registry.customer c on c.id = coalesce((
            select f.customer_id from registry.former_customer f
            where f.service_point_id = p.id and f.until_at > $3 order by f.until_at limit 1), p.customer_id)
         where c.id = any($2) and (p.retired_at is null or p.retired_at > $3)
         order by m.service_point_id"#,
        set,
        customers,
        at
    )
    .fetch_all(pool)
    .await
    .map_err(Error::db("read who of these is in a set"))
}

/// How many sets of other versions were made since `since`.
pub(crate) async fn before(
    conn: &mut PgConnection,
    version: Uuid,
    since: DateTime<Utc>,
) -> Result<i64, Error> {
    sqlx::query_scalar!(
        r#"select count(*) as "count!" from registry.affected_set where grid_version <> $1 and made_at >= $2"#,
        version,
        since
    )
    .fetch_one(conn)
    .await
    .map_err(Error::db("count the sets of earlier versions"))
}

/// The important customers who have a service point of these sets now.
pub(crate) async fn important_of(pool: &PgPool, sets: &[Uuid]) -> Result<Vec<Uuid>, Error> {
    sqlx::query_scalar!(
        "select distinct p.customer_id from registry.affected_set_member m
         join registry.service_point p on p.id = m.service_point_id
         join registry.customer c on c.id = p.customer_id
         where m.set_id = any($1) and p.retired_at is null and c.class = 'important'",
        sets
    )
    .fetch_all(pool)
    .await
    .map_err(Error::db("read the important customers of a set"))
}
