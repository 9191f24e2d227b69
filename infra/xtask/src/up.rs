//! `cargo xtask up`: a whole running Relight from a clone, with servers of its own.

mod lock;
mod logins;
mod relight;
mod url;

use std::path::Path;

use anyhow::{Result, bail};

use crate::servers::install::{self, Needs};
use crate::servers::place::Place;
use crate::servers::postgres::{Postgres, Purpose};
use crate::servers::redis::{self, Redis};
use crate::servers::user::ServerUser;
use crate::stop::Stop;
use crate::usage::usage;
use crate::workspace;
use relight::Relight;

/// Database of the private server.
const DATABASE: &str = "relight";
/// Tried first, so that the address stays the same from one day to the next.
const PORT_PREFERRED: u16 = 8080;

/// Options of `up`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Throw the data of this clone away and start over.
    #[arg(long)]
    reset: bool,
    /// Port of the web address on 127.0.0.1 [default: 8080 if free, otherwise a free one]
    #[arg(long)]
    port: Option<u16>,
    /// Build with optimisations.
    #[arg(long)]
    release: bool,
}

/// Addresses of servers that are not ours to start or stop.
struct Given {
    database: Option<String>,
    redis: Option<String>,
}

impl Given {
    fn from_environment() -> Self {
        let read = |name| std::env::var(name).ok().filter(|url| !url.is_empty());
        Self {
            database: read("RELIGHT_DATABASE_URL"),
            redis: read("RELIGHT_REDIS_URL"),
        }
    }

    fn needs(&self) -> Needs {
        Needs {
            postgres: self.database.is_none(),
            redis: self.redis.is_none(),
        }
    }
}

/// The servers of one `up`. Dropping it stops Redis first, then Postgres.
struct Servers {
    redis: Option<Redis>,
    postgres: Option<Postgres>,
    database_url: String,
    redis_url: String,
}

/// Starts everything, waits for Ctrl-C, stops everything.
pub(crate) fn run(args: &Args) -> Result<()> {
    let stop = Stop::on_signals()?;
    let root = workspace::root()?;
    let given = Given::from_environment();
    refuse_foreign_reset(args.reset, &given)?;
    let _lock = lock::take(&root.join(".relight"))?;
    install::missing(given.needs())?;
    let user = ServerUser::choose()?;
    let place = prepare_place(&root, &user, args.reset)?;
    let relight = relight::build(&root, args.release, &stop)?;
    let servers = start_servers(&root, &place, &user, given, &stop)?;
    let outcome = serve(&relight, &place, &servers, args.port, &stop);
    stop_servers(servers)?;
    // Being asked to stop is how this ends well, at whatever point it came.
    if stop.requested() {
        println!("stopped");
        Ok(())
    } else {
        outcome
    }
}

fn refuse_foreign_reset(reset: bool, given: &Given) -> Result<()> {
    if reset && (given.database.is_some() || given.redis.is_some()) {
        return Err(usage(
            "--reset only touches servers this clone started; unset RELIGHT_DATABASE_URL and RELIGHT_REDIS_URL, \
             or empty those servers yourself",
        ));
    }
    Ok(())
}

fn prepare_place(root: &Path, user: &ServerUser, reset: bool) -> Result<Place> {
    let place = Place::choose(root, user);
    if reset {
        place.remove()?;
        println!("removed the data of this clone");
    }
    place.make(user)?;
    if place.is_outside() {
        println!(
            "the servers' data is in {} (their user cannot reach this clone)",
            place.servers().display()
        );
    }
    Ok(place)
}

fn start_servers(
    root: &Path,
    place: &Place,
    user: &ServerUser,
    given: Given,
    stop: &Stop,
) -> Result<Servers> {
    let postgres = match given.database {
        Some(_) => None,
        None => Some(start_postgres(root, place, user, stop)?),
    };
    let redis = match given.redis {
        Some(_) => None,
        None => Some(start_redis(root, place, user, stop)?),
    };
    let database_url = given
        .database
        .or_else(|| postgres.as_ref().map(|server| server.url(DATABASE)));
    let redis_url = given.redis.or_else(|| redis.as_ref().map(Redis::url));
    Ok(Servers {
        database_url: database_url.expect("given or started"),
        redis_url: redis_url.expect("given or started"),
        redis,
        postgres,
    })
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

/// Fills the database where it is empty, runs `relight up` and waits for Ctrl-C.
fn serve(binary: &Path, place: &Place, servers: &Servers, port: Option<u16>, stop: &Stop) -> Result<()> {
    let relight = Relight::new(binary, place.state(), &servers.database_url, &servers.redis_url);
    relight.make_secrets(stop)?;
    relight.task(&["migrate"], stop)?;
    relight.task(&["demo", "town"], stop)?;
    let mut running = relight.up(url::port(port, PORT_PREFERRED)?, stop)?;
    println!("ready {}", running.address());
    print!(
        "{}",
        logins::table(&relight.answer(&["demo", "logins", "--json"])?)?
    );
    println!("Ctrl-C stops it; its log is {}", relight.log().display());
    running.wait(stop)?;
    running.stop()
}

fn stop_servers(servers: Servers) -> Result<()> {
    let redis = servers.redis.map_or(Ok(()), Redis::stop);
    let postgres = servers.postgres.map_or(Ok(()), Postgres::stop);
    match (redis, postgres) {
        (Ok(()), Ok(())) => Ok(()),
        (Err(one), Err(other)) => bail!("{one:#}; {other:#}"),
        (Err(error), _) | (_, Err(error)) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reset_does_not_touch_servers_that_were_given() {
        let given = Given {
            database: None,
            redis: Some("redis://somewhere".to_owned()),
        };
        assert!(refuse_foreign_reset(true, &given).is_err());
        assert!(refuse_foreign_reset(false, &given).is_ok());
        assert!(
            refuse_foreign_reset(
                true,
                &Given {
                    database: None,
                    redis: None
                }
            )
            .is_ok()
        );
    }

    #[test]
    fn only_servers_that_were_not_given_are_needed() {
        let given = Given {
            database: Some("postgres://somewhere/x".to_owned()),
            redis: None,
        };
        assert!(!given.needs().postgres);
        assert!(given.needs().redis);
    }
}
