//! One private Redis server. It keeps nothing: Postgres knows, Redis wakes.

use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use nix::sys::signal::Signal;

use super::free_port;
use super::guard::Guard;
use super::user::ServerUser;
use crate::secret;
use crate::stop::Stop;

const START_LIMIT: Duration = Duration::from_secs(20);
const STOP_PATIENCE: Duration = Duration::from_secs(20);
/// Somebody may take the free port between our asking and our binding it.
const TRIES: usize = 3;

/// A running server.
pub(crate) struct Redis {
    guard: Guard,
    dir: PathBuf,
    user: ServerUser,
    port: u16,
    password: String,
}

impl Redis {
    /// Starts a server that writes into `dir` (owned by `user`) only. `settings` is the text of `infra/redis`.
    pub(crate) fn start(dir: &Path, user: &ServerUser, settings: &str, stop: &Stop) -> Result<Self> {
        let password = secret::random()?;
        for _ in 0..TRIES {
            let port = free_port()?;
            write_settings(dir, user, settings, port, &password)?;
            let guard = spawn(dir, user)?;
            let mut server = Self {
                guard,
                dir: dir.to_owned(),
                user: user.clone(),
                port,
                password: password.clone(),
            };
            if server.came_up(stop)? {
                return Ok(server);
            }
        }
        bail!("Redis did not start; its log is {}", dir.join("log").display())
    }

    /// Its address.
    pub(crate) fn url(&self) -> String {
        format!("redis://default:{}@127.0.0.1:{}", self.password, self.port)
    }

    /// Kills it; everything in it is gone.
    pub(crate) fn kill(&mut self) -> Result<()> {
        self.guard.stop_by(Signal::SIGKILL).map(drop)
    }

    /// Starts it again on the same port, empty.
    pub(crate) fn start_again(&mut self, stop: &Stop) -> Result<()> {
        self.guard = spawn(&self.dir, &self.user)?;
        if !self.came_up(stop)? {
            bail!(
                "Redis did not start again; its log is {}",
                self.dir.join("log").display()
            );
        }
        Ok(())
    }

    /// Stops it.
    pub(crate) fn stop(mut self) -> Result<()> {
        self.guard.stop().map(drop)
    }

    /// Waits until it answers; `false` when it ended instead.
    fn came_up(&mut self, stop: &Stop) -> Result<bool> {
        let mut ended = false;
        stop.wait_for("Redis", START_LIMIT, || {
            ended = self.guard.ended()?.is_some();
            Ok(ended || answers(self.port, &self.password))
        })?;
        Ok(!ended)
    }
}

/// The settings every Relight Redis has, from `infra/redis`.
pub(crate) fn settings(root: &Path) -> Result<String> {
    let path = root.join("infra/redis/relight.conf");
    fs::read_to_string(&path).with_context(|| format!("read {}", path.display()))
}

/// In a file and not in the arguments: those every user of the machine can read.
fn write_settings(dir: &Path, user: &ServerUser, settings: &str, port: u16, password: &str) -> Result<()> {
    let path = dir.join("redis.conf");
    let own = format!(
        "bind 127.0.0.1\nport {port}\nrequirepass {password}\ndir \"{}\"\ndaemonize no\nlogfile \"\"\n",
        dir.display()
    );
    fs::write(&path, format!("{settings}\n{own}")).with_context(|| format!("write {}", path.display()))?;
    user.own(&path)
}

fn spawn(dir: &Path, user: &ServerUser) -> Result<Guard> {
    let log = File::options()
        .create(true)
        .append(true)
        .open(dir.join("log"))
        .context("make Redis's log")?;
    let mut command = user.server(Path::new("redis-server"), "TERM");
    command.current_dir(dir).arg(dir.join("redis.conf"));
    command
        .stdin(Stdio::null())
        .stdout(log.try_clone().context("share the log")?)
        .stderr(log);
    Guard::start("Redis", &mut command, Signal::SIGTERM, STOP_PATIENCE)
}

/// Whether the server on this port takes our password, which only ours does.
fn answers(port: u16, password: &str) -> bool {
    let ask = || -> std::io::Result<bool> {
        let mut stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_read_timeout(Some(Duration::from_secs(1)))?;
        stream.write_all(format!("AUTH {password}\r\n").as_bytes())?;
        let mut reply = [0_u8; 3];
        stream.read_exact(&mut reply)?;
        Ok(&reply == b"+OK")
    };
    ask().unwrap_or(false)
}
