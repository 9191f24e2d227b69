//! Crews with their members, qualifications and shifts.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use super::{db, unit::Scope};
use crate::{
    domain::ids::{CrewId, UnitId},
    error::Error,
};

/// Somebody in a crew.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Person id of access.
    pub person_id: String,
    /// Name on the board.
    pub name: String,
    /// Leads the crew.
    pub leader: bool,
    /// Skill and until when it holds.
    pub qualifications: Vec<(String, DateTime<Utc>)>,
}

/// A crew as it is put and shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Crew {
    /// Id.
    pub id: CrewId,
    /// Name on the board.
    pub name: String,
    /// Its unit.
    pub unit: UnitId,
    /// Place in the organisation.
    pub org_path: String,
    /// Skills it is sent out for.
    pub skills: Vec<String>,
    /// Members.
    pub members: Vec<Member>,
    /// Shift as (start, end): the running one, else the next, else the last.
    pub shift: Option<(DateTime<Utc>, DateTime<Utc>)>,
    /// Duty phone.
    pub phone: String,
}

/// A crew with the order it is on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// The crew.
    pub crew: Crew,
    /// Order and its state's word.
    pub active: Option<(Uuid, String)>,
}

/// Makes or replaces a crew; returns its version. A shift that overlaps replaces what it overlaps.
pub async fn put(conn: &mut PgConnection, crew: &Crew) -> Result<i64, Error> {
    let version = sqlx::query_scalar!(
        "insert into dispatch.crew as c (id, name, unit_id, org_path, skills, phone) values ($1, $2, $3, $4, $5, $6)
         on conflict (id) do update set name = excluded.name, unit_id = excluded.unit_id, org_path = excluded.org_path,
             skills = excluded.skills, phone = excluded.phone, version = c.version + 1, changed_at = clock_timestamp()
         returning version",
        crew.id.uuid(),
        crew.name,
        crew.unit.uuid(),
        crew.org_path,
        &crew.skills,
        crew.phone,
    )
    .fetch_one(&mut *conn)
    .await
    .map_err(db("save a crew"))?;
    put_members(conn, crew).await?;
    if let Some(shift) = crew.shift {
        put_shift(conn, crew.id, shift).await?;
    }
    Ok(version)
}

async fn put_members(conn: &mut PgConnection, crew: &Crew) -> Result<(), Error> {
    sqlx::query!(
        "delete from dispatch.crew_member where crew_id = $1",
        crew.id.uuid()
    )
    .execute(&mut *conn)
    .await
    .map_err(db("replace a crew's members"))?;
    for member in &crew.members {
        let (skills, until): (Vec<_>, Vec<_>) = member.qualifications.iter().cloned().unzip();
        sqlx::query!(
            "with member as (
                 insert into dispatch.crew_member (crew_id, person_id, name, leader) values ($1, $2, $3, $4)
             )
             insert into dispatch.qualification (crew_id, person_id, skill, valid_until)
             select $1, $2, skill, max(until) from unnest($5::text[], $6::timestamptz[]) q (skill, until) group by skill",
            crew.id.uuid(),
            member.person_id,
            member.name,
            member.leader,
            &skills,
            &until,
        )
        .execute(&mut *conn)
        .await
        .map_err(db("save a member of a crew"))?;
    }
    Ok(())
}

async fn put_shift(
    conn: &mut PgConnection,
    crew: CrewId,
    (starts_at, ends_at): (DateTime<Utc>, DateTime<Utc>),
) -> Result<(), Error> {
    sqlx::query!(
        "delete from dispatch.shift where crew_id = $1 and starts_at < $3 and ends_at > $2",
        crew.uuid(),
        starts_at,
        ends_at
    )
    .execute(&mut *conn)
    .await
    .map_err(db("replace a shift"))?;
    sqlx::query!(
        "insert into dispatch.shift (crew_id, starts_at, ends_at) values ($1, $2, $3)",
        crew.uuid(),
        starts_at,
        ends_at
    )
    .execute(conn)
    .await
    .map(drop)
    .map_err(db("save a shift"))
}

/// Locks crews in one order everywhere, so that two transactions never wait for each other. Unknown ids are left out.
pub async fn lock(conn: &mut PgConnection, crews: &[CrewId]) -> Result<usize, Error> {
    let ids: Vec<Uuid> = crews.iter().map(|crew| crew.uuid()).collect();
    sqlx::query_scalar!(
        "select id from dispatch.crew where id = any($1) order by id for update",
        &ids
    )
    .fetch_all(conn)
    .await
    .map(|found| found.len())
    .map_err(db("lock crews"))
}

/// What others are told of a crew.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// Name.
    pub name: String,
    /// Its unit.
    pub unit_id: Uuid,
    /// Place in the organisation.
    pub org_path: String,
    /// Grows with every change told.
    pub version: i64,
}

/// Marks crews as changed (an order, a shift): replicas read them again, others are told. Unknown ids are left out.
pub async fn touch(conn: &mut PgConnection, crews: &[CrewId]) -> Result<BTreeMap<CrewId, Told>, Error> {
    let ids: Vec<Uuid> = crews.iter().map(|crew| crew.uuid()).collect();
    let rows = sqlx::query!(
        "update dispatch.crew set version = version + 1, changed_at = clock_timestamp() where id = any($1)
         returning id, name, unit_id, org_path, version",
        &ids
    )
    .fetch_all(conn)
    .await
    .map_err(db("mark crews as changed"))?;
    let told = rows.into_iter().map(|row| {
        let told = Told {
            name: row.name,
            unit_id: row.unit_id,
            org_path: row.org_path,
            version: row.version,
        };
        (CrewId::from_uuid(row.id), told)
    });
    Ok(told.collect())
}

/// A page of crews by name after (name, id), without members.
pub async fn page(
    pool: &PgPool,
    scope: &Scope,
    unit: Option<Uuid>,
    after: (&str, Uuid),
    limit: i64,
) -> Result<Vec<CrewId>, Error> {
    sqlx::query_scalar!(
        "select id from dispatch.crew
         where (org_path like any($1) or unit_id = $2 or id = $3) and ($4::uuid is null or unit_id = $4) and (name, id) > ($5, $6)
         order by name, id limit $7",
        &scope.org_patterns,
        scope.unit,
        scope.crew,
        unit,
        after.0,
        after.1,
        limit
    )
    .fetch_all(pool)
    .await
    .map(|ids| ids.into_iter().map(CrewId::from_uuid).collect())
    .map_err(db("list crews"))
}

/// Crews by id, by name.
pub async fn load(conn: &mut PgConnection, ids: &[Uuid], now: DateTime<Utc>) -> Result<Vec<Listed>, Error> {
    let rows = sqlx::query!(
        "select c.id, c.name, c.unit_id, c.org_path, c.skills, c.phone, f.shift_starts_at, f.shift_ends_at,
             o.id as \"active_order_id?\", o.state as \"order_state?\"
         from dispatch.crew c join dispatch.crew_fact($2) f on f.id = c.id
         left join dispatch.work_order o on o.id = f.active_order_id where c.id = any($1) order by c.name, c.id",
        ids,
        now
    )
    .fetch_all(&mut *conn)
    .await
    .map_err(db("load crews"))?;
    let mut members = members(conn, ids).await?;
    let crews = rows.into_iter().map(|row| {
        let own = members
            .extract_if(.., |(crew, _)| *crew == row.id)
            .map(|(_, member)| member)
            .collect();
        let crew = Crew {
            id: CrewId::from_uuid(row.id),
            name: row.name,
            unit: UnitId::from_uuid(row.unit_id),
            org_path: row.org_path,
            skills: row.skills,
            members: own,
            shift: row.shift_starts_at.zip(row.shift_ends_at),
            phone: row.phone,
        };
        Listed {
            crew,
            active: row.active_order_id.zip(row.order_state),
        }
    });
    Ok(crews.collect())
}

async fn members(conn: &mut PgConnection, crews: &[Uuid]) -> Result<Vec<(Uuid, Member)>, Error> {
    let rows = sqlx::query!(
        "select m.crew_id, m.person_id, m.name, m.leader,
             array_agg(q.skill order by q.skill) filter (where q.skill is not null) as skills,
             array_agg(q.valid_until order by q.skill) filter (where q.skill is not null) as until
         from dispatch.crew_member m
         left join dispatch.qualification q on q.crew_id = m.crew_id and q.person_id = m.person_id
         where m.crew_id = any($1) group by m.crew_id, m.person_id order by m.leader desc, m.person_id",
        crews
    )
    .fetch_all(conn)
    .await
    .map_err(db("load members of crews"))?;
    let members = rows.into_iter().map(|row| {
        let qualifications = row
            .skills
            .unwrap_or_default()
            .into_iter()
            .zip(row.until.unwrap_or_default())
            .collect();
        (
            row.crew_id,
            Member {
                person_id: row.person_id,
                name: row.name,
                leader: row.leader,
                qualifications,
            },
        )
    });
    Ok(members.collect())
}
