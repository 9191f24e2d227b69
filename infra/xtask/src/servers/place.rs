//! Where the kept data of this clone lies: `.relight/` in the clone, or `/var/lib/relight/HASH` when the servers'
//! user cannot reach the clone (root working in its home folder).

use std::fs;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result};
use nix::sys::signal::kill;
use nix::unistd::Pid;
use sha2::{Digest as _, Sha256};

use super::user::ServerUser;
use crate::stop::{Stop, Stopped};
use crate::usage::usage;

/// Names the clone a folder of server data belongs to.
const MARK: &str = "clone";

/// The folders `cargo xtask up` writes to.
#[derive(Debug)]
pub(crate) struct Place {
    root: PathBuf,
    servers: PathBuf,
}

impl Place {
    /// Chooses by what `user` can reach; makes nothing yet.
    pub(crate) fn choose(root: &Path, user: &ServerUser) -> Self {
        let servers = if user.can_enter(root) {
            root.join(".relight/servers")
        } else {
            Path::new("/var/lib/relight").join(hash(root))
        };
        Self {
            root: root.to_owned(),
            servers,
        }
    }

    /// Folder for everything that is not the servers': lock, secrets, files, log.
    pub(crate) fn state(&self) -> PathBuf {
        self.root.join(".relight")
    }

    /// File of the messages Relight sent.
    pub(crate) fn messages(&self) -> PathBuf {
        self.state().join("messages.jsonl")
    }

    /// Folder of the servers' data.
    pub(crate) fn servers(&self) -> &Path {
        &self.servers
    }

    /// Whether the servers' data had to go outside the clone.
    pub(crate) fn is_outside(&self) -> bool {
        !self.servers.starts_with(&self.root)
    }

    /// Makes the folders. They let the servers' user through and show nobody what is inside.
    pub(crate) fn make(&self, user: &ServerUser) -> Result<()> {
        make_passable(&self.state())?;
        make_passable(self.servers.parent().expect("both places have a parent"))?;
        self.refuse_strangers()?;
        user.own_dir(&self.servers)?;
        let mark = self.servers.join(MARK);
        fs::write(&mark, self.root.as_os_str().as_encoded_bytes())
            .with_context(|| format!("write {}", mark.display()))
    }

    /// Removes everything this clone has made: the servers' data, secrets, files and messages.
    ///
    /// # Errors
    /// Exit 2 when the data is not this clone's. Nothing may run on it any more: see [`Place::wait_for_leftover`].
    pub(crate) fn remove(&self) -> Result<()> {
        self.refuse_strangers()?;
        remove_dir(&self.servers)?;
        for name in ["secrets", "data"] {
            remove_dir(&self.state().join(name))?;
        }
        match fs::remove_file(self.messages()) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(error).context("remove the messages")
            }
            _ => Ok(()),
        }
    }

    fn refuse_strangers(&self) -> Result<()> {
        if !self.servers.exists() || self.is_empty() {
            return Ok(());
        }
        let mark = fs::read(self.servers.join(MARK)).unwrap_or_default();
        if mark == self.root.as_os_str().as_encoded_bytes() {
            return Ok(());
        }
        Err(usage(format!(
            "{} was not made by this clone; move it away if it is of no use to anybody",
            self.servers.display()
        )))
    }

    fn is_empty(&self) -> bool {
        fs::read_dir(&self.servers).is_ok_and(|mut entries| entries.next().is_none())
    }

    /// Waits until the Postgres of a killed run has stopped; the kernel told it to. The caller holds the clone's lock.
    ///
    /// # Errors
    /// Exit 2 when it does not stop.
    pub(crate) fn wait_for_leftover(&self, limit: Duration, stop: &Stop) -> Result<()> {
        let file = self.servers.join("postgres/data/postmaster.pid");
        let leftover = || running(&fs::read_to_string(&file).unwrap_or_default());
        let Some(pid) = leftover() else { return Ok(()) };
        println!("waiting for the Postgres of a run that was killed (process {pid})");
        match stop.wait_for("its end", limit, || Ok(leftover().is_none())) {
            Err(error) if !error.is::<Stopped>() => Err(usage(format!(
                "a Postgres server (process {pid}) still runs on this data; stop it first"
            ))),
            other => other,
        }
    }
}

/// The process named in the first line of a `postmaster.pid`, if it lives and is no other program that got its number.
fn running(pid_file: &str) -> Option<i32> {
    let pid = pid_file.lines().next()?.trim().parse().ok()?;
    let name = fs::read_to_string(format!("/proc/{pid}/comm"));
    let is_other = name.is_ok_and(|name| name.trim() != "postgres");
    (!is_other && kill(Pid::from_raw(pid), None).is_ok()).then_some(pid)
}

fn make_passable(dir: &Path) -> Result<()> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o755)
        .create(dir)
        .with_context(|| format!("make {}", dir.display()))
}

fn remove_dir(dir: &Path) -> Result<()> {
    if !dir.exists() {
        return Ok(());
    }
    fs::remove_dir_all(dir).with_context(|| format!("remove {}", dir.display()))
}

fn hash(root: &Path) -> String {
    let digest = Sha256::digest(root.as_os_str().as_encoded_bytes());
    digest.iter().take(6).map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unreachable_clone_keeps_its_data_outside() -> Result<()> {
        let root = tempfile::tempdir()?;
        assert!(!Place::choose(root.path(), &ServerUser::Myself).is_outside());
        let stranger = ServerUser::System {
            name: "stranger".to_owned(),
            uid: 60_001,
            gid: 60_001,
        };
        let outside = Place::choose(Path::new("/no/such/clone"), &stranger);
        assert!(outside.is_outside());
        assert_eq!(outside.servers().parent(), Some(Path::new("/var/lib/relight")));
        Ok(())
    }

    #[test]
    fn data_of_another_clone_is_not_removed() -> Result<()> {
        let root = tempfile::tempdir()?;
        let place = Place::choose(root.path(), &ServerUser::Myself);
        fs::create_dir_all(place.servers())?;
        fs::write(place.servers().join(MARK), "/another/clone")?;
        let error = place.remove().expect_err("not ours");
        assert!(error.to_string().contains("was not made by this clone"));
        assert!(place.servers().exists());
        Ok(())
    }

    #[test]
    fn own_data_is_removed() -> Result<()> {
        let root = tempfile::tempdir()?;
        let place = Place::choose(root.path(), &ServerUser::Myself);
        place.make(&ServerUser::Myself)?;
        place.remove()?;
        assert!(!place.servers().exists());
        Ok(())
    }

    #[test]
    fn a_leftover_postgres_is_waited_for_and_a_number_that_went_to_another_program_is_not() -> Result<()> {
        let root = tempfile::tempdir()?;
        let place = Place::choose(root.path(), &ServerUser::Myself);
        place.make(&ServerUser::Myself)?;
        let data = place.servers().join("postgres/data");
        fs::create_dir_all(&data)?;
        let note = |pid: u32| fs::write(data.join("postmaster.pid"), format!("{pid}\n"));
        note(std::process::id())?;
        place.wait_for_leftover(Duration::ZERO, &Stop::default())?;

        let program = root.path().join("postgres");
        fs::copy("/bin/sleep", &program)?;
        let mut server = std::process::Command::new(&program).arg("60").spawn()?;
        note(server.id())?;
        let refused = place.wait_for_leftover(Duration::ZERO, &Stop::default());
        server.kill()?;
        server.wait()?;
        assert!(
            refused
                .expect_err("it runs")
                .to_string()
                .contains("still runs on this data")
        );
        place.wait_for_leftover(Duration::ZERO, &Stop::default())
    }
}
