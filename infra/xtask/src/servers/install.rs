//! Installing the servers where they are missing.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result};
use nix::unistd::Uid;

use super::postgres;
use crate::cargo::{must, on_path};
use crate::usage::usage;

/// Debian runs this before it starts a service of a package; exit 101 means: do not.
const POLICY: &str = "/usr/sbin/policy-rc.d";

/// Which servers the caller is going to start.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Needs {
    pub(crate) postgres: bool,
    pub(crate) redis: bool,
}

/// Installs what is missing with apt when we may, and says so.
///
/// # Errors
/// Exit 2 with the commands to type where we may not; apt failed.
pub(crate) fn missing(needs: Needs) -> Result<()> {
    let packages = packages(needs, postgres::is_installed(), on_path("redis-server"));
    if packages.is_empty() {
        return Ok(());
    }
    if !Uid::effective().is_root() || !on_path("apt-get") {
        return Err(usage(advice(&packages)));
    }
    println!("installing {} with apt-get", packages.join(" and "));
    without_starting_services(|| {
        must("apt-get update", apt().args(["update", "--quiet"]))?;
        must(
            "apt-get install",
            apt()
                .args(["install", "--quiet", "--yes", "--no-install-recommends"])
                .args(&packages),
        )
    })
}

/// Installs a package for a measurement that can also go without it; says so where that may not be.
pub(crate) fn extra(package: &str) {
    if !Uid::effective().is_root() || !on_path("apt-get") {
        println!(
            "{package} is not installed; `sudo apt-get install {package}` adds what is measured with it"
        );
        return;
    }
    println!("installing {package} with apt-get");
    let installed = without_starting_services(|| {
        must(
            "apt-get update",
            apt().args(["update", "--quiet"]).stdout(Stdio::null()),
        )?;
        let install = ["install", "--quiet", "--yes", "--no-install-recommends", package];
        must("apt-get install", apt().args(install).stdout(Stdio::null()))
    });
    if let Err(error) = &installed {
        println!("{package} could not be installed: {error:#}");
    }
}

fn packages(needs: Needs, has_postgres: bool, has_redis: bool) -> Vec<&'static str> {
    let mut packages = Vec::new();
    if needs.postgres && !has_postgres {
        packages.push("postgresql");
    }
    if needs.redis && !has_redis {
        packages.push("redis-server");
    }
    packages
}

fn advice(packages: &[&str]) -> String {
    format!(
        "missing here: {0}. On Debian or Ubuntu:\n    sudo apt-get update\n    sudo apt-get install {1}\nElsewhere install \
         PostgreSQL 15 or newer and Redis 7 or newer, or point RELIGHT_DATABASE_URL and RELIGHT_REDIS_URL at running servers.",
        packages.join(", "),
        packages.join(" ")
    )
}

fn apt() -> Command {
    let mut command = Command::new("apt-get");
    command.env("DEBIAN_FRONTEND", "noninteractive");
    command
}

/// Only the programs are wanted: the packages would start servers of their own, which nobody would stop.
fn without_starting_services(work: impl FnOnce() -> Result<()>) -> Result<()> {
    let policy = Path::new(POLICY);
    if policy.exists() {
        return work();
    }
    fs::write(policy, "#!/bin/sh\nexit 101\n").with_context(|| format!("write {POLICY}"))?;
    let done = fs::set_permissions(policy, fs::Permissions::from_mode(0o755))
        .map_err(Into::into)
        .and_then(|()| work());
    fs::remove_file(policy).with_context(|| format!("remove {POLICY}"))?;
    done
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOTH: Needs = Needs {
        postgres: true,
        redis: true,
    };

    #[test]
    fn only_what_is_needed_and_missing_is_installed() {
        assert_eq!(packages(BOTH, false, false), ["postgresql", "redis-server"]);
        assert_eq!(packages(BOTH, true, false), ["redis-server"]);
        assert!(packages(BOTH, true, true).is_empty());
        assert!(
            packages(
                Needs {
                    postgres: false,
                    redis: false
                },
                false,
                false
            )
            .is_empty()
        );
    }

    #[test]
    fn the_advice_names_the_command() {
        assert!(
            advice(&["postgresql", "redis-server"]).contains("sudo apt-get install postgresql redis-server")
        );
    }
}
