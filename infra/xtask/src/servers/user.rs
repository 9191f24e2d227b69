//! Who the servers run as: Postgres refuses root, so root hands them to the `postgres` system user.

use std::fs::{self, DirBuilder};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result};
use nix::unistd::{Uid, User};

use crate::cargo::on_path;
use crate::usage::usage;

/// The user that owns the servers' processes and files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ServerUser {
    /// Whoever runs this program.
    Myself,
    /// A system user; only root can hand over to it.
    System { name: String, uid: u32, gid: u32 },
}

impl ServerUser {
    /// Chooses: ourselves, or `postgres` when we are root.
    pub(crate) fn choose() -> Result<Self> {
        if !Uid::effective().is_root() {
            return Ok(Self::Myself);
        }
        let user = User::from_name("postgres").context("look the system user postgres up")?;
        let user = user.ok_or_else(|| {
            usage("Postgres does not run as root and there is no system user `postgres`; install the postgresql package")
        })?;
        Ok(Self::System {
            name: user.name,
            uid: user.uid.as_raw(),
            gid: user.gid.as_raw(),
        })
    }

    /// `program` as this user, in a process group of its own so that Ctrl-C reaches us alone, told by the kernel
    /// to stop with `parting` (a signal's name without SIG) should we die without stopping it.
    pub(crate) fn server(&self, program: &Path, parting: &str) -> Command {
        let mut command = self.command(program, Some(parting));
        command.process_group(0);
        command
    }

    /// `program` as this user, for a task that ends by itself.
    pub(crate) fn task(&self, program: &Path) -> Command {
        self.command(program, None)
    }

    fn command(&self, program: &Path, parting: Option<&str>) -> Command {
        let options = self.setpriv_options(parting);
        if options.is_empty() || (*self == Self::Myself && !on_path("setpriv")) {
            return Command::new(program);
        }
        let mut command = Command::new("setpriv");
        command.args(options).arg("--").arg(program);
        command
    }

    fn setpriv_options(&self, parting: Option<&str>) -> Vec<String> {
        let mut options = Vec::new();
        if let Self::System { uid, gid, .. } = self {
            options.extend([
                format!("--reuid={uid}"),
                format!("--regid={gid}"),
                "--init-groups".to_owned(),
            ]);
        }
        options.extend(parting.map(|signal| format!("--pdeathsig={signal}")));
        options
    }

    /// Makes `dir` (its parent exists) with mode 0700 and gives it to this user. An existing one is kept.
    pub(crate) fn own_dir(&self, dir: &Path) -> Result<()> {
        if !dir.exists() {
            DirBuilder::new()
                .mode(0o700)
                .create(dir)
                .with_context(|| format!("make {}", dir.display()))?;
        }
        self.own(dir)
    }

    /// Gives one file or folder to this user.
    pub(crate) fn own(&self, path: &Path) -> Result<()> {
        match self {
            Self::Myself => Ok(()),
            Self::System { uid, gid, name } => chown(path, Some(*uid), Some(*gid))
                .with_context(|| format!("give {} to {name}", path.display())),
        }
    }

    /// Whether this user can enter `dir`: every folder on the way lets it through.
    pub(crate) fn can_enter(&self, dir: &Path) -> bool {
        match self {
            Self::Myself => true,
            Self::System { uid, gid, .. } => dir.ancestors().all(|one| lets_through(one, *uid, *gid)),
        }
    }
}

fn lets_through(dir: &Path, uid: u32, gid: u32) -> bool {
    fs::metadata(dir).is_ok_and(|meta| {
        let bit = if meta.uid() == uid {
            0o100
        } else if meta.gid() == gid {
            0o010
        } else {
            0o001
        };
        meta.mode() & bit != 0
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    fn stranger() -> ServerUser {
        ServerUser::System {
            name: "stranger".to_owned(),
            uid: 60_001,
            gid: 60_001,
        }
    }

    #[test]
    fn a_private_folder_on_the_way_keeps_another_user_out() -> Result<()> {
        let dir = tempfile::tempdir()?;
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o700))?;
        let inner = dir.path().join("inner");
        fs::create_dir(&inner)?;
        assert!(!stranger().can_enter(&inner));
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755))?;
        assert!(stranger().can_enter(&inner));
        Ok(())
    }

    #[test]
    fn root_hands_over_and_others_do_not() {
        assert_eq!(
            stranger().setpriv_options(Some("INT")),
            [
                "--reuid=60001",
                "--regid=60001",
                "--init-groups",
                "--pdeathsig=INT"
            ]
        );
        assert!(ServerUser::Myself.setpriv_options(None).is_empty());
    }
}
