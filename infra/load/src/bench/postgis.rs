//! The peer of the recommendation: the nearest crews with a skill by PostGIS, from a GiST index.

use std::{fmt::Write as _, time::Duration};

use sqlx::{AssertSqlSafe, Connection, PgConnection};

use super::{pgbench, recommend::Spot};
use crate::server::Given;

const DATABASE: &str = "bench_postgis";
/// They keep two processors busy; with 32 it answers a tenth less.
const CLIENTS: &str = "16";
const BATCH: usize = 1_000;

/// A database with the crews, or why there is none.
pub(super) enum Peer {
    /// Ready.
    Ready(Given),
    /// The extension is not installed.
    Absent(String),
}

impl Peer {
    /// Loads the crews.
    pub(super) async fn load(given: &Given, crews: &[Spot], area: [f64; 4]) -> anyhow::Result<Self> {
        given.make_database(DATABASE).await?;
        let mut conn = PgConnection::connect_with(&given.database(DATABASE)?).await?;
        if let Err(error) = sqlx::query("create extension postgis").execute(&mut conn).await {
            return Ok(Peer::Absent(error.to_string()));
        }
        let table = "create table crew (id integer primary key, skills text[] not null, geom geometry(Point, 4326) not null)";
        sqlx::query(table).execute(&mut conn).await?;
        for (n, batch) in crews.chunks(BATCH).enumerate() {
            sqlx::query(AssertSqlSafe(insert(n * BATCH, batch)))
                .execute(&mut conn)
                .await?;
        }
        sqlx::query("create index crew_geom on crew using gist (geom)")
            .execute(&mut conn)
            .await?;
        sqlx::query("vacuum analyze crew").execute(&mut conn).await?;
        tokio::fs::write(given.dir.join("knn.sql"), script(area)).await?;
        Ok(Peer::Ready(given.clone()))
    }

    /// Queries per second.
    pub(super) async fn queries_per_s(&self, time: Duration) -> anyhow::Result<Option<f64>> {
        match self {
            Peer::Absent(_) => Ok(None),
            Peer::Ready(given) => {
                let script = given.dir.join("knn.sql");
                pgbench::script_per_s(given, DATABASE, &script, CLIENTS, time)
                    .await
                    .map(Some)
            }
        }
    }

    /// What stands in the table.
    pub(super) fn words(&self, rate: f64) -> String {
        match self {
            Peer::Ready(_) => format!("PostGIS KNN, GiST, {CLIENTS} clients: {rate:.0}/s"),
            Peer::Absent(why) => format!("absent: {why}"),
        }
    }
}

fn insert(from: usize, crews: &[Spot]) -> String {
    let mut text = String::from("insert into crew values ");
    for (n, crew) in crews.iter().enumerate() {
        let comma = if n > 0 { "," } else { "" };
        let skills: Vec<_> = crew.skills.iter().map(|skill| format!("'{skill}'")).collect();
        write!(
            text,
            "{comma}({}, array[{}]::text[], st_setsrid(st_makepoint({}, {}), 4326))",
            from + n,
            skills.join(","),
            crew.lon,
            crew.lat
        )
        .expect("writing to a string");
    }
    text
}

/// Whole millionths of a degree: pgbench draws integers.
fn script([west, south, east, north]: [f64; 4]) -> String {
    let micro = |degrees: f64| format!("{:.0}", degrees * 1e6);
    format!(
        "\\set lon random({}, {})\n\\set lat random({}, {})\n\
         select id from crew where skills @> array['fault_repair'] \
         order by geom <-> st_setsrid(st_makepoint(:lon / 1e6, :lat / 1e6), 4326) limit 10;\n",
        micro(west),
        micro(east),
        micro(south),
        micro(north)
    )
}
