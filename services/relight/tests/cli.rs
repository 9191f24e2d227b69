//! The verbs as a person at a terminal meets them: what is wrong is said in words, with the exit code that fits.
//! 2: wrong usage, nothing was tried. 1: what was given is bad. Nothing here needs a server.

use std::{
    fs,
    path::Path,
    process::{Command, Output, Stdio},
};

use anyhow::Context;

/// Runs the binary; only `environment` is set of ours.
fn relight(arguments: &[&str], environment: &[(&str, &str)]) -> anyhow::Result<Output> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_relight"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("RELIGHT_")) {
        command.env_remove(name);
    }
    command
        .args(arguments)
        .envs(environment.iter().copied())
        .env("RUST_BACKTRACE", "0")
        .stdin(Stdio::null())
        .output()
        .context("run the binary")
}

/// What it said, and its exit code.
fn said(arguments: &[&str], environment: &[(&str, &str)]) -> anyhow::Result<(i32, String)> {
    let output = relight(arguments, environment)?;
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    let code = output.status.code().with_context(|| format!("killed: {text}"))?;
    anyhow::ensure!(!text.contains("panicked"), "{arguments:?}: {text}");
    Ok((code, text))
}

/// Every line: the arguments, and a word the answer must have.
#[test]
fn wrong_usage_ends_with_2_and_says_what_is_right() -> anyhow::Result<()> {
    let table: &[(&[&str], &str)] = &[
        (&[], "Usage"),
        (&["fly"], "unrecognized subcommand"),
        (&["up", "--http", "nonsense"], "--http"),
        (&["up", "--http", "127.0.0.1:99999"], "--http"),
        (&["up", "--mobile", ""], "--mobile"),
        (&["up", "now"], "unexpected argument"),
        (&["serve"], "--role"),
        (&["serve", "--role", "king"], "access"),
        (&["serve", "--role", "access,"], "access"),
        (&["import"], "--pack"),
        (
            &["import", "--pack", "a", "--opendss", "b"],
            "cannot be used with",
        ),
        (&["import", "--pack"], "value is required"),
        (&["account", "put"], "--login"),
        (
            &["account", "put", "--login", "a", "--role", "king"],
            "dispatcher",
        ),
        (
            &["account", "put", "--login", "a", "--role", "service"],
            "dispatcher",
        ),
        (
            &["account", "put", "--login", "a", "--role", "crew", "--crew", "7"],
            "--crew",
        ),
        (&["account", "remove"], "unrecognized subcommand"),
        (&["events", "dead"], "Usage"),
        (&["events", "dead", "show"], "<SUBJECT>"),
        (&["demo", "town", "--seed=-1"], "--seed"),
        (&["demo", "town", "--seed", "99999999999999999999"], "--seed"),
        (&["demo", "storm", "--faults", "many"], "--faults"),
        (&["demo", "storm", "--minutes", "soon"], "--minutes"),
        (&["demo", "storm", "--minutes=-1"], "--minutes"),
        (&["demo", "storm", "--minutes", "NaN"], "--minutes"),
        (&["demo", "storm", "--minutes", "inf"], "--minutes"),
        (&["demo", "storm", "--faults", "0"], "--faults"),
        (&["demo", "storm", "--faults", "1000000"], "--faults"),
        (&["migrate", "--now"], "--now"),
        (&["doctor", "--make-secrets"], "value is required"),
    ];
    for (arguments, word) in table {
        let (code, text) = said(arguments, &[])?;
        assert_eq!(code, 2, "{arguments:?}: {text}");
        assert!(text.contains(word), "{arguments:?} does not say {word}: {text}");
    }
    Ok(())
}

/// A wrong setting is named as the person wrote it, before anything starts.
#[test]
fn a_wrong_setting_ends_with_1_and_is_named() -> anyhow::Result<()> {
    type Row<'a> = (&'a [&'a str], &'a [(&'a str, &'a str)], &'a str);
    let table: &[Row<'_>] = &[
        (&["migrate"], &[], "database.url"),
        (
            &["migrate"],
            &[("RELIGHT_DATABASE_URL", "not a url")],
            "database.url",
        ),
        (
            &["migrate"],
            &[
                ("RELIGHT_DATABASE_URL", "postgres://a@127.0.0.1:1/b"),
                ("RELIGHT_DATABASE__POOL_SIZE", "0"),
            ],
            "pool_size",
        ),
        (
            &["migrate"],
            &[("RELIGHT_DATABASE__POOL_SIZE", "many")],
            "pool_size",
        ),
        (
            &["migrate"],
            &[
                ("RELIGHT_DATABASE_URL", "postgres://a@127.0.0.1:1/b"),
                ("RELIGHT_REDIS_URL", "nothing"),
            ],
            "redis.url",
        ),
        (&["migrate"], &[("RELIGHT_TELEMETRY__FORMAT", "xml")], "format"),
        (
            &["migrate"],
            &[("RELIGHT_CONFIG", "/no/such/file.toml")],
            "file.toml",
        ),
        (
            &["demo", "logins"],
            &[("RELIGHT_SECRETS_DIR", "/no/such/folder")],
            "demo town",
        ),
    ];
    for (arguments, environment, word) in table {
        let (code, text) = said(arguments, environment)?;
        assert_eq!(code, 1, "{arguments:?} {environment:?}: {text}");
        assert!(
            text.to_lowercase().contains(word),
            "{arguments:?} {environment:?} does not say {word}: {text}"
        );
    }
    Ok(())
}

/// Files that are not there or not what they should be, before any database is asked.
#[test]
fn a_file_that_cannot_be_read_ends_with_1_and_is_named() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let path = |name: &str| folder.path().join(name).display().to_string();
    fs::write(
        folder.path().join("bad.dss"),
        "New Circuit.\u{0} bus1=\nNew Line.1 bus1= bus2=(((\n",
    )?;
    fs::write(folder.path().join("bad.json"), "{\"nodes\": [")?;
    fs::write(folder.path().join("zip.json"), [0x1f, 0x8b, 8, 0, 1, 2, 3])?;
    let loops = path("loop.dss");
    fs::write(&loops, "Redirect loop.dss\n")?;
    for (option, name, word) in [
        ("--pack", "none", "bus.csv"),
        ("--pack", "bad.json", "bus.csv"),
        ("--opendss", "none.dss", "none.dss"),
        ("--opendss", "bad.dss", "bad.dss"),
        ("--opendss", "loop.dss", "loop.dss"),
        ("--graph", "none.json", "none.json"),
        ("--graph", "bad.json", "bad.json"),
        ("--graph", "zip.json", "zip.json"),
        ("--graph", "", ""),
    ] {
        let (code, text) = said(&["import", option, &path(name)], &[])?;
        assert_eq!(code, 1, "{option} {name}: {text}");
        assert!(
            text.contains(word) && !text.contains("database"),
            "{option} {name}: {text}"
        );
    }
    Ok(())
}

/// What asks for nothing wrong ends well, so that the tables above prove something.
#[test]
fn help_and_the_manual_end_with_0() -> anyhow::Result<()> {
    for arguments in [
        &["--help"][..],
        &["--version"],
        &["import", "--help"],
        &["doctor", "--config"],
    ] {
        let output = relight(arguments, &[])?;
        assert!(output.status.success(), "{arguments:?}");
        assert!(!output.stdout.is_empty(), "{arguments:?}");
    }
    let folder = tempfile::tempdir()?;
    let secrets = folder.path().join("secrets");
    let made = relight(&["doctor", "--make-secrets", &secrets.display().to_string()], &[])?;
    assert!(made.status.success() && Path::new(&secrets).join("token.secret").exists());
    Ok(())
}
