//! `relight policy` as a person and a machine at a terminal meet it.

use std::process::{Command, Output, Stdio};

use anyhow::Context;
use serde_json::Value;

/// Runs the binary with no setting of ours.
fn relight(arguments: &[&str]) -> anyhow::Result<Output> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_relight"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("RELIGHT_")) {
        command.env_remove(name);
    }
    command
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .context("run the binary")
}

fn explain(pack: &str, question: &str, facts: &[&str]) -> anyhow::Result<Value> {
    let mut arguments = vec!["policy", "explain", pack, question, "--json"];
    for fact in facts {
        arguments.extend(["--set", fact]);
    }
    let output = relight(&arguments)?;
    let said = String::from_utf8_lossy(&output.stderr);
    anyhow::ensure!(output.status.success(), "{pack} {question} {facts:?}: {said}");
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// The example of the brief: half an hour short of 168 h.
#[test]
fn the_example_answers_no_with_its_arithmetic() -> anyhow::Result<()> {
    let facts = [
        "published_at=2026-03-01T09:00:00+08:00",
        "off_at=2026-03-08T08:30:00+08:00",
    ];
    let answer = explain("CN-SGCC", "planned.start", &facts)?;
    let mut keys: Vec<_> = answer
        .as_object()
        .context("an object")?
        .keys()
        .map(String::as_str)
        .collect();
    keys.sort_unstable();
    assert_eq!(
        keys,
        [
            "allowed", "because", "by", "earliest", "latest", "rule", "source", "verdict"
        ]
    );
    assert_eq!(answer["verdict"], "no");
    assert_eq!(answer["allowed"], false);
    assert_eq!(answer["earliest"], "2026-03-08T09:00:00+08:00");
    assert!(answer["latest"].is_null() && answer["by"].is_null());
    assert!(
        answer["because"]
            .as_str()
            .context("text")?
            .contains("167.5 h of 168 h")
    );

    let text = relight(&[
        "policy",
        "explain",
        "CN-SGCC",
        "planned.start",
        "--set",
        facts[0],
        "--set",
        facts[1],
    ])?;
    let said = String::from_utf8(text.stdout)?;
    assert!(text.status.success() && said.starts_with("no: "), "{said}");
    assert!(
        said.contains("CN-SGCC planned.lead.promise 7 strict_days"),
        "{said}"
    );
    Ok(())
}

/// Every question answers with no fact at all: what is not known is not an error, and never switches anybody off.
#[test]
fn a_missing_fact_is_not_an_error() -> anyhow::Result<()> {
    for (question, verdict) in [
        ("planned.start", "no"),
        ("planned.change", "new_notice"),
        ("planned.talks", "no"),
        ("temporary.start", "no"),
        ("arrears.disconnect", "no"),
        ("arrears.reconnect", "yes"),
        ("fault.arrival", "yes"),
        ("complaint.answer", "yes"),
    ] {
        for pack in ["CN-SGCC", "CN-CSG", "AU-NERR", "CN-CSG+CN-LOCAL-1H"] {
            let answer = explain(pack, question, &[])?;
            assert_eq!(answer["verdict"], verdict, "{pack} {question}: {answer}");
            assert!(
                answer["earliest"].is_null() && answer["by"].is_null(),
                "{pack} {question}: {answer}"
            );
        }
    }
    Ok(())
}

/// The zone of the supply point counts the dates and shows the times.
#[test]
fn the_zone_overrides_the_pack() -> anyhow::Result<()> {
    let facts = [
        "published_at=2026-03-30T00:30:00+11:00",
        "off_at=2026-04-05T23:30:00+10:00",
        "zone=Australia/Sydney",
    ];
    let answer = explain("CN-SGCC", "planned.start", &facts)?;
    assert_eq!(answer["verdict"], "no", "{answer}");
    assert_eq!(answer["earliest"], "2026-04-06T00:00:00+10:00");
    Ok(())
}

/// Arguments after `policy`, exit code, a word of what is said.
#[test]
fn what_is_wrong_is_named() -> anyhow::Result<()> {
    let table: &[(&[&str], i32, &str)] = &[
        (&[], 2, "explain"),
        (&["explain"], 2, "<PACK>"),
        (&["explain", "CN-SGCC"], 2, "<QUESTION>"),
        (&["explain", "CN-MOON", "planned.start"], 2, "CN-CSG"),
        (&["explain", "CN-SGCC+MOON", "planned.start"], 2, "CN-LOCAL-1H"),
        (
            &["explain", "AU-NERR+CN-LOCAL-1H", "planned.start"],
            1,
            "written over",
        ),
        (&["explain", "CN-SGCC", "planned.stop"], 2, "planned.change"),
        (
            &[
                "explain",
                "CN-SGCC",
                "planned.start",
                "--set",
                "of_at=2026-03-08T08:30:00+08:00",
            ],
            2,
            "off_at",
        ),
        (
            &["explain", "CN-SGCC", "planned.start", "--set", "off_at"],
            2,
            "KEY=VALUE",
        ),
        (
            &[
                "explain",
                "CN-SGCC",
                "planned.start",
                "--set",
                "now=2026-03-08T08:30:00Z",
                "--set",
                "now=2026-03-08T08:30:00Z",
            ],
            2,
            "twice",
        ),
        (
            &["explain", "CN-SGCC", "planned.start", "--set", "off_at=tomorrow"],
            1,
            "off_at",
        ),
        (
            &[
                "explain",
                "CN-SGCC",
                "planned.start",
                "--set",
                "off_at=2026-03-08T08:30:00",
            ],
            1,
            "+08:00",
        ),
        (
            &["explain", "CN-SGCC", "planned.start", "--set", "off_at="],
            1,
            "off_at",
        ),
        (
            &[
                "explain",
                "CN-SGCC",
                "planned.start",
                "--set",
                "off_at=2026-02-30T08:30:00Z",
            ],
            1,
            "off_at",
        ),
        (
            &["explain", "CN-SGCC", "planned.start", "--set", "zone=Peking"],
            1,
            "zone",
        ),
        (
            &[
                "explain",
                "CN-SGCC",
                "arrears.disconnect",
                "--set",
                "due_on=2026-13-01",
            ],
            1,
            "due_on",
        ),
        (
            &[
                "explain",
                "CN-SGCC",
                "arrears.disconnect",
                "--set",
                "balance=much",
            ],
            1,
            "120.50",
        ),
        (
            &["explain", "CN-SGCC", "arrears.disconnect", "--set", "class=vip"],
            1,
            "life_support",
        ),
        (
            &[
                "explain",
                "CN-SGCC",
                "arrears.disconnect",
                "--set",
                "holds=dispute,rain",
            ],
            1,
            "rain",
        ),
        (
            &["explain", "CN-SGCC", "fault.arrival", "--set", "area=town"],
            1,
            "urban",
        ),
        (
            &["explain", "CN-SGCC", "complaint.answer", "--set", "kind=rant"],
            1,
            "report",
        ),
        (&["check", "CN-MOON"], 2, "CN-SGCC"),
        (&["check", "--all"], 2, "--all"),
    ];
    for (arguments, code, word) in table {
        let all: Vec<_> = ["policy"].iter().chain(arguments.iter()).copied().collect();
        let output = relight(&all)?;
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(*code), "{arguments:?}: {said}");
        assert!(
            said.contains(word) && !said.contains("panicked"),
            "{arguments:?} does not say {word}: {said}"
        );
        assert!(output.stdout.is_empty(), "{arguments:?}");
    }
    Ok(())
}

#[test]
fn what_ships_has_no_faults_and_a_bad_file_tells_all_of_them() -> anyhow::Result<()> {
    let all = relight(&["policy", "check"])?;
    let said = String::from_utf8(all.stdout)?;
    assert!(all.status.success(), "{said}");
    for name in [
        "CN-SGCC: no faults",
        "CN-CSG: no faults",
        "AU-NERR: no faults",
        "CN-SGCC+CN-LOCAL-1H: no faults",
    ] {
        assert!(said.contains(name), "{said}");
    }

    let folder = tempfile::tempdir()?;
    let path = |name: &str| folder.path().join(name).display().to_string();
    let good = include_str!("../../policy/packs/CN-CSG.toml");
    let bad = good.replacen("unit = \"min\"\n", "", 1) + "\n[extra]\ntake = 3\n";
    std::fs::write(path("good.toml"), good)?;
    std::fs::write(path("bad.toml"), bad)?;
    std::fs::write(path("no.toml"), "value = = 3")?;
    assert!(
        relight(&["policy", "check", &path("good.toml")])?
            .status
            .success()
    );
    for (name, words) in [
        (
            "bad.toml",
            &["fault.arrival.urban", "extra.take", "a bare integer"][..],
        ),
        ("no.toml", &["not TOML"]),
        ("none.toml", &["cannot be read"]),
    ] {
        let output = relight(&["policy", "check", &path(name)])?;
        let said = String::from_utf8(output.stdout)?;
        assert_eq!(output.status.code(), Some(1), "{name}: {said}");
        assert!(words.iter().all(|word| said.contains(word)), "{name}: {said}");
    }
    let json = relight(&["policy", "check", "--json", &path("bad.toml")])?;
    for line in String::from_utf8(json.stdout)?.lines() {
        let fault: Value = serde_json::from_str(line)?;
        assert!(
            fault["place"].is_string() && fault["problem"].is_string(),
            "{line}"
        );
    }
    Ok(())
}

/// A jurisdiction is a file: a pack by its path, an overlay by its path over one that ships, and a folder of them.
#[test]
fn a_file_is_asked_like_what_ships() -> anyhow::Result<()> {
    let packs = concat!(env!("CARGO_MANIFEST_DIR"), "/../policy/packs");
    let read = |file: &str| std::fs::read_to_string(format!("{packs}/{file}"));
    let folder = std::env::temp_dir().join(format!("relight-explain-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    let own = folder.join("own.toml");
    let city = folder.join("city.toml");
    std::fs::write(
        &own,
        read("CN-CSG.toml")?.replace("id = \"CN-CSG\"", "id = \"CN-OWN\""),
    )?;
    let overlay = read("overlays/CN-LOCAL-1H.toml")?.replace("id = \"CN-LOCAL-1H\"", "id = \"CN-CITY\"");
    std::fs::write(&city, overlay.replace("\"CN-CSG\"", "\"CN-OWN\""))?;
    let facts = ["accepted_at=2026-03-01T09:00:00+08:00", "area=urban"];
    let answer = explain(&own.display().to_string(), "fault.arrival", &facts)?;
    assert_eq!(answer["rule"], "CN-OWN fault.arrival.urban 45 min", "{answer}");
    let both = format!("{}+{}", own.display(), city.display());
    let answer = explain(&both, "fault.arrival", &facts)?;
    assert_eq!(
        answer["rule"], "CN-OWN+CN-CITY fault.arrival.urban 45 min",
        "{answer}"
    );
    let folder_text = folder.display().to_string();
    let checked = relight(&["policy", "check", "--folder", &folder_text])?;
    let said = String::from_utf8(checked.stdout)?;
    assert!(
        checked.status.success() && said.contains("CN-OWN+CN-CITY: no faults"),
        "{said}"
    );
    std::fs::write(&own, "id = \"CN-OWN\"")?;
    let broken = relight(&["policy", "explain", &own.display().to_string(), "fault.arrival"])?;
    let said = String::from_utf8(broken.stderr)?;
    assert!(
        broken.status.code() == Some(1) && said.contains("own.toml"),
        "{said}"
    );
    std::fs::remove_dir_all(&folder)?;
    Ok(())
}
