//! The servers of one `up`: its own, or those it was given.

use std::path::Path;

use anyhow::{Result, bail};

use super::environment::{Environment, given};
use crate::servers::install::Needs;
use crate::servers::place::Place;
use crate::servers::postgres::{Postgres, Purpose};
use crate::servers::redis::{self, Redis};
use crate::servers::user::ServerUser;
use crate::stop::Stop;
use crate::usage::usage;

/// Database of the private server.
const DATABASE: &str = "relight";
const DATABASE_URL: &str = "RELIGHT_DATABASE_URL";
const REDIS_URL: &str = "RELIGHT_REDIS_URL";

/// Addresses of servers that are not ours to start or stop.
pub(super) struct Given {
    database: Option<String>,
    redis: Option<String>,
}

impl Given {
    /// What the caller's shell says.
    pub(super) fn from_environment() -> Self {
        Self {
            database: given(DATABASE_URL),
            redis: given(REDIS_URL),
        }
    }

    /// What has to be there to start the others.
    pub(super) fn needs(&self) -> Needs {
        Needs {
            postgres: self.database.is_none(),
            redis: self.redis.is_none(),
        }
    }

    /// `--reset` empties our own servers only.
    ///
    /// # Errors
    /// Exit 2 when a server was given.
    pub(super) fn refuse_reset(&self) -> Result<()> {
        if self.database.is_none() && self.redis.is_none() {
            return Ok(());
        }
        Err(usage(
            "--reset only touches servers this clone started; unset RELIGHT_DATABASE_URL and RELIGHT_REDIS_URL, \
             or empty those servers yourself",
        ))
    }
}

/// Those running. Dropping it stops Redis first, then Postgres.
pub(super) struct Servers {
    redis: Option<Redis>,
    postgres: Option<Postgres>,
    database_url: String,
    redis_url: String,
}

impl Servers {
    /// Starts what was not given.
    pub(super) fn start(
        root: &Path,
        place: &Place,
        user: &ServerUser,
        given: Given,
        stop: &Stop,
    ) -> Result<Self> {
        let postgres = match given.database {
            Some(_) => None,
            None => Some(start_postgres(root, place, user, stop)?),
        };
        let redis = match given.redis {
            Some(_) => None,
            None => Some(start_redis(root, place, user, stop)?),
        };
        let own = postgres.as_ref().map(|server| server.url(DATABASE));
        let database_url = given.database.or(own);
        let redis_url = given.redis.or_else(|| redis.as_ref().map(Redis::url));
        Ok(Self {
            database_url: database_url.expect("given or started"),
            redis_url: redis_url.expect("given or started"),
            redis,
            postgres,
        })
    }

    /// What `relight` is told about them.
    pub(super) fn environment(&self) -> Environment {
        let mut environment = Environment::default();
        environment.set(DATABASE_URL, self.database_url.as_str());
        environment.set(REDIS_URL, self.redis_url.as_str());
        environment
    }

    /// Stops what was started.
    pub(super) fn stop(self) -> Result<()> {
        let redis = self.redis.map_or(Ok(()), Redis::stop);
        let postgres = self.postgres.map_or(Ok(()), Postgres::stop);
        match (redis, postgres) {
            (Ok(()), Ok(())) => Ok(()),
            (Err(one), Err(other)) => bail!("{one:#}; {other:#}"),
            (Err(error), _) | (_, Err(error)) => Err(error),
        }
    }
}

fn start_postgres(root: &Path, place: &Place, user: &ServerUser, stop: &Stop) -> Result<Postgres> {
    let dir = place.servers().join("postgres");
    user.own_dir(&dir)?;
    let settings = root.join("infra/postgres/relight.conf");
    let server = Postgres::start(&dir, user, Purpose::Keep, Some(&settings), stop)?;
    server.ensure_database(DATABASE)?;
    Ok(server)
}

fn start_redis(root: &Path, place: &Place, user: &ServerUser, stop: &Stop) -> Result<Redis> {
    let dir = place.servers().join("redis");
    user.own_dir(&dir)?;
    Redis::start(&dir, user, &redis::settings(root)?, stop)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(database: Option<&str>, redis: Option<&str>) -> Given {
        Given {
            database: database.map(str::to_owned),
            redis: redis.map(str::to_owned),
        }
    }

    #[test]
    fn reset_does_not_touch_servers_that_were_given() {
        assert!(given(None, Some("redis://somewhere")).refuse_reset().is_err());
        assert!(
            given(Some("postgres://somewhere/x"), None)
                .refuse_reset()
                .is_err()
        );
        assert!(given(None, None).refuse_reset().is_ok());
    }

    #[test]
    fn only_servers_that_were_not_given_are_needed() {
        let needs = given(Some("postgres://somewhere/x"), None).needs();
        assert!(!needs.postgres && needs.redis);
    }
}
