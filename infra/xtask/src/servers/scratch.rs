//! Servers for tests: fast, in memory where possible, gone afterwards.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};
use nix::errno::Errno;
use nix::sys::signal::kill;
use nix::sys::statvfs::statvfs;
use nix::unistd::Pid;
use tempfile::TempDir;

use super::postgres::{Postgres, Purpose};
use super::redis::Redis;
use super::user::ServerUser;
use crate::stop::Stop;

/// Below this much room in memory the data goes to disk: containers often have 64 MB there.
const ROOM_MIN_BYTES: u64 = 2 << 30;

/// The database the tests are given; they make their own beside it.
const DATABASE: &str = "relight_test";

/// Begins the folders' names; the maker's process number follows.
const PREFIX: &str = "relight-test-";

/// A Postgres and a Redis that live as long as this value.
pub(crate) struct Scratch {
    // The order of the fields is the order of stopping; the folder goes last.
    redis: Option<Redis>,
    postgres: Postgres,
    _dir: TempDir,
}

impl Scratch {
    /// Both servers.
    pub(crate) fn start(root: &Path, stop: &Stop) -> Result<Self> {
        let mut both = Self::start_postgres(stop)?;
        let user = ServerUser::choose()?;
        let dir = both._dir.path().join("redis");
        user.own_dir(&dir)?;
        both.redis = Some(Redis::start(&dir, &user, &super::redis::settings(root)?, stop)?);
        Ok(both)
    }

    /// Postgres alone.
    pub(crate) fn start_postgres(stop: &Stop) -> Result<Self> {
        let user = ServerUser::choose()?;
        sweep(&place());
        let dir = tempfile::Builder::new()
            .prefix(&format!("{PREFIX}{}-", std::process::id()))
            .permissions(Permissions::from_mode(0o700))
            .tempdir_in(place())
            .context("make a folder for the test servers")?;
        user.own(dir.path())?;
        let own = dir.path().join("postgres");
        user.own_dir(&own)?;
        let postgres = Postgres::start(&own, &user, Purpose::Throwaway, None, stop)?;
        postgres.ensure_database(DATABASE)?;
        Ok(Self {
            redis: None,
            postgres,
            _dir: dir,
        })
    }

    /// The Postgres server.
    pub(crate) fn postgres(&self) -> &Postgres {
        &self.postgres
    }

    /// What tests read from their environment, as (name, value).
    pub(crate) fn environment(&self) -> Vec<(&'static str, String)> {
        let mut all = vec![
            ("RELIGHT_TEST_DATABASE_URL", self.postgres.url(DATABASE)),
            ("RELIGHT_TEST_PG_BIN", self.postgres.bin().display().to_string()),
        ];
        all.extend(
            self.redis
                .as_ref()
                .map(|redis| ("RELIGHT_TEST_REDIS_URL", redis.url())),
        );
        all
    }

    /// Gives [`Scratch::environment`] to a command.
    pub(crate) fn lend_to<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        command.envs(self.environment())
    }

    /// Stops both, then removes their files.
    pub(crate) fn stop(self) -> Result<()> {
        let Self {
            redis,
            postgres,
            _dir: dir,
        } = self;
        redis.map_or(Ok(()), Redis::stop)?;
        postgres.stop()?;
        dir.close().context("remove the test servers' files")
    }
}

/// Memory if there is room, otherwise the folder for temporary files.
fn place() -> PathBuf {
    let memory = Path::new("/dev/shm");
    let room = statvfs(memory).map_or(0, |fs| fs.blocks_available().saturating_mul(fs.fragment_size()));
    if room >= ROOM_MIN_BYTES {
        memory.to_owned()
    } else {
        std::env::temp_dir()
    }
}

/// Removes the folders of makers that were killed: in memory they would cost room until the machine restarts.
fn sweep(place: &Path) {
    let Ok(entries) = fs::read_dir(place) else { return };
    for entry in entries.flatten() {
        if maker(&entry.file_name().to_string_lossy()).is_some_and(is_gone) {
            // Somebody else's, or just removed by another sweep: either way not ours to worry about.
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

/// The process number in a folder's name.
fn maker(name: &str) -> Option<Pid> {
    let (pid, _) = name.strip_prefix(PREFIX)?.split_once('-')?;
    pid.parse().ok().filter(|pid| *pid > 0).map(Pid::from_raw)
}

fn is_gone(pid: Pid) -> bool {
    kill(pid, None) == Err(Errno::ESRCH)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_folders_of_dead_makers_are_swept() -> Result<()> {
        let place = tempfile::tempdir()?;
        let mut dead = Command::new("true").spawn()?;
        dead.wait()?;
        let names = [
            format!("{PREFIX}{}-a", dead.id()),
            format!("{PREFIX}{}-b", std::process::id()),
            "else-1-c".to_owned(),
        ];
        for name in &names {
            fs::create_dir(place.path().join(name))?;
        }
        sweep(place.path());
        let left: Vec<_> = names
            .iter()
            .map(|name| place.path().join(name).exists())
            .collect();
        assert_eq!(left, [false, true, true]);
        Ok(())
    }
}
