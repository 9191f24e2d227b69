//! Spoken numbers such as F-20261122-0042, in blocks per process so that reports do not queue up behind one row.
//! Numbers of a block that a process did not use stay unused.

use std::{collections::HashMap, ops::Range};

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;
use relight_common::Db;
use tokio::sync::Mutex;

use crate::error::Error;

const BLOCK: i64 = 100;
/// Days kept in memory; late entries use old days rarely.
const DAYS_MAX: usize = 16;

/// What is numbered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// F-...
    Report,
    /// I-...
    Incident,
}

impl Kind {
    fn word(self) -> &'static str {
        match self {
            Kind::Report => "report",
            Kind::Incident => "incident",
        }
    }

    fn letter(self) -> char {
        match self {
            Kind::Report => 'F',
            Kind::Incident => 'I',
        }
    }
}

/// Gives out numbers.
#[derive(Debug)]
pub struct Numbers {
    db: Db,
    blocks: Mutex<HashMap<(Kind, NaiveDate), Range<i64>>>,
}

impl Numbers {
    /// Over the tables of `db`.
    pub fn new(db: &Db) -> Self {
        Self {
            db: db.clone(),
            blocks: Mutex::default(),
        }
    }

    /// The next number of the day it is at `at` in `zone` (UTC when the zone is unknown).
    ///
    /// # Errors
    /// [`Error::Common`] when Postgres is away.
    pub async fn next(&self, kind: Kind, at: DateTime<Utc>, zone: &str) -> Result<String, Error> {
        let day = at
            .with_timezone(&zone.parse::<Tz>().unwrap_or(Tz::UTC))
            .date_naive();
        let mut blocks = self.blocks.lock().await;
        if blocks.len() >= DAYS_MAX {
            blocks.retain(|key, _| *key == (kind, day));
        }
        let block = blocks.entry((kind, day)).or_insert(0..0);
        let number = match block.next() {
            Some(number) => number,
            None => {
                *block = self.block(kind, day).await?;
                block.next().expect("a new block has numbers")
            }
        };
        Ok(format!("{}-{}-{number:04}", kind.letter(), day.format("%Y%m%d")))
    }

    async fn block(&self, kind: Kind, day: NaiveDate) -> Result<Range<i64>, Error> {
        let end = sqlx::query_scalar!(
            "insert into intake.number_block as b (kind, day, next) values ($1, $2, 1 + $3::bigint)
             on conflict (kind, day) do update set next = b.next + $3::bigint returning next",
            kind.word(),
            day,
            BLOCK
        )
        .fetch_one(self.db.pool())
        .await
        .map_err(Error::db("take a block of numbers"))?;
        Ok(end - BLOCK..end)
    }
}
