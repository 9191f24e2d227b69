//! Servers for load: durable as in earnest, their data on a disk and not in memory, gone afterwards.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use tempfile::TempDir;

use crate::servers::install;
use crate::servers::postgres::{Postgres, Purpose, find_bin};
use crate::servers::redis::{self, Redis};
use crate::servers::user::ServerUser;
use crate::stop::Stop;

/// The database of the administrator.
const DATABASE: &str = "postgres";

/// A Postgres and a Redis that live as long as this value.
pub(super) struct Servers {
    // The order of the fields is the order of stopping; the folder goes last.
    pub(super) redis: Redis,
    pub(super) postgres: Postgres,
    data: TempDir,
    logs: PathBuf,
    disk: String,
}

impl Servers {
    /// Starts both with the settings of `infra/`.
    pub(super) fn start(root: &Path, stop: &Stop) -> Result<Self> {
        let user = ServerUser::choose()?;
        let data = folder(root, &user)?;
        let disk = kind_of_disk(data.path())?;
        ensure!(
            disk != "tmpfs",
            "{} is in memory, where a commit costs nothing",
            data.path().display()
        );
        let dirs = ["postgres", "redis"].map(|name| data.path().join(name));
        for dir in &dirs {
            user.own_dir(dir)?;
        }
        let settings = root.join("infra/postgres/relight.conf");
        let postgres = Postgres::start(&dirs[0], &user, Purpose::Keep, Some(&settings), stop)?;
        let redis = Redis::start(&dirs[1], &user, &redis::settings(root)?, stop)?;
        Ok(Self {
            redis,
            postgres,
            data,
            logs: logs(root)?,
            disk,
        })
    }

    /// Folder of the servers' data.
    pub(super) fn data(&self) -> &Path {
        self.data.path()
    }

    /// Kind of file system it is on.
    pub(super) fn disk(&self) -> &str {
        &self.disk
    }

    /// Folder of what stays: logs, and the list of what was acknowledged.
    pub(super) fn logs(&self) -> &Path {
        &self.logs
    }

    /// What `relight-load` reads; passwords do not belong into arguments.
    pub(super) fn environment(&self) -> [(&'static str, String); 3] {
        [
            ("RELIGHT_TEST_DATABASE_URL", self.postgres.url(DATABASE)),
            ("RELIGHT_TEST_REDIS_URL", self.redis.url()),
            ("RELIGHT_TEST_PG_BIN", self.postgres.bin().display().to_string()),
        ]
    }

    /// Stops both, then removes their data.
    pub(super) fn stop(self) -> Result<()> {
        self.redis.stop()?;
        self.postgres.stop()?;
        self.data.close().context("remove the servers' data")
    }
}

/// In the clone's build folder, or where the servers' user gets to: /var/tmp outlives a restart, so it is on a disk.
fn folder(root: &Path, user: &ServerUser) -> Result<TempDir> {
    let near = root.join("target");
    let place = if user.can_enter(&near) {
        near
    } else {
        PathBuf::from("/var/tmp")
    };
    let dir = tempfile::Builder::new()
        .prefix("relight-load-")
        .permissions(Permissions::from_mode(0o700))
        .tempdir_in(&place)
        .with_context(|| format!("make a folder in {}", place.display()))?;
    user.own(dir.path())?;
    Ok(dir)
}

/// Emptied at the start, kept at the end.
fn logs(root: &Path) -> Result<PathBuf> {
    let dir = root.join("target/load");
    if dir.exists() {
        std::fs::remove_dir_all(&dir).with_context(|| format!("empty {}", dir.display()))?;
    }
    std::fs::create_dir_all(&dir).with_context(|| format!("make {}", dir.display()))?;
    Ok(dir)
}

fn kind_of_disk(dir: &Path) -> Result<String> {
    let output = Command::new("stat")
        .args(["--file-system", "--format=%T"])
        .arg(dir)
        .output()
        .context("start stat")?;
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// The peer of the recommendation. Without it that row says why it is empty.
pub(super) fn add_postgis() {
    let Ok(bin) = find_bin(Path::new("")) else { return };
    let Some(version) = bin
        .parent()
        .and_then(Path::file_name)
        .and_then(|name| name.to_str())
    else {
        return;
    };
    let control = Path::new("/usr/share/postgresql")
        .join(version)
        .join("extension/postgis.control");
    if !control.exists() {
        install::extra(&format!("postgresql-{version}-postgis-3"));
    }
}
