//! `relight grid`, `relight infer` and `relight simulate storm` as an engineer and a script meet them.

use std::{
    collections::BTreeSet,
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use anyhow::Context;
use flate2::{Compression, write::GzEncoder};
use serde_json::{Value, json};
use tempfile::TempDir;

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

/// The JSON it answered with exit code 0.
fn answer(arguments: &[&str]) -> anyhow::Result<Value> {
    let output = relight(arguments)?;
    let said = String::from_utf8_lossy(&output.stderr);
    anyhow::ensure!(output.status.success(), "{arguments:?}: {said}");
    serde_json::from_slice(&output.stdout).with_context(|| format!("{arguments:?}"))
}

/// What it said with exit code 1.
fn refusal(arguments: &[&str]) -> anyhow::Result<String> {
    let output = relight(arguments)?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    anyhow::ensure!(
        output.status.code() == Some(1),
        "{arguments:?}: {:?} {said}",
        output.status
    );
    anyhow::ensure!(!said.contains("panicked"), "{arguments:?}: {said}");
    Ok(said)
}

/// A breaker, two fused transformers with ten loads each, and a normally open tie to a second source.
fn feeder() -> Value {
    let three = json!([1, 2, 3]);
    let edge = |id: &str, kind: &str, from: &str, to: &str, open: bool| json!({"id": id, "kind": kind, "from": from, "fp": three, "to": to, "tp": three, "en": true, "open": open});
    let trafo = |id: &str, from: &str, to: &str| json!({"id": id, "kind": "transformer", "wdg": [{"bus": from, "ph": three}, {"bus": to, "ph": three}], "en": true, "open": false});
    let loads: Vec<Value> = (0..20)
        .map(|k| json!({"id": format!("Load.{k}"), "bus": if k < 10 { "low1" } else { "low2" }, "ph": [k % 3 + 1], "cust": 1, "en": true}))
        .collect();
    json!({
        "sources": ["src", "other"],
        "buses": {},
        "edges": [
            edge("CB", "switch", "src", "a", false),
            edge("F1", "switch", "a", "h1", false),
            edge("F2", "switch", "a", "h2", false),
            trafo("T1", "h1", "low1"),
            trafo("T2", "h2", "low2"),
            edge("Tie", "switch", "other", "a", true),
        ],
        "loads": loads,
    })
}

fn write(folder: &TempDir, name: &str, text: &str) -> anyhow::Result<String> {
    let path: PathBuf = folder.path().join(name);
    fs::write(&path, text)?;
    Ok(path.display().to_string())
}

fn keys(of: &Value) -> BTreeSet<&str> {
    of.as_object()
        .into_iter()
        .flatten()
        .map(|(key, _)| key.as_str())
        .collect()
}

/// What was assumed is said beside every answer, and never on the side a program reads.
#[test]
fn what_a_reader_passed_over_is_said_on_the_side() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let text = "new circuit.c bus1=s\nnew line.a s.1 b.1 linecode=nix\nnew load.l phases=1 bus1=b.1\n";
    let network = write(&folder, "n.dss", text)?;
    let reports = write(
        &folder,
        "r.jsonl",
        r#"{"at_s": 1, "load": "load.l", "kind": "call"}"#,
    )?;
    for arguments in [
        &["grid", "trace", &network, "--open", "line.a", "--json"][..],
        &["grid", "upstream", &network, "--load", "load.l", "--json"],
        &["infer", &network, "--reports", &reports, "--json"],
    ] {
        let output = relight(arguments)?;
        serde_json::from_slice::<Value>(&output.stdout).with_context(|| format!("{arguments:?}"))?;
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(
            said.contains("note: the linecode \"nix\" is not defined"),
            "{arguments:?}: {said}"
        );
    }
    Ok(())
}

#[test]
fn trace_answers_three_fields_whatever_the_case_and_packing() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let network = write(&folder, "feeder.json", &feeder().to_string())?;
    let packed = Command::new("gzip").args(["-k", &network]).status()?;
    anyhow::ensure!(packed.success());
    for network in [network.clone(), format!("{network}.gz")] {
        let dead = answer(&["grid", "trace", &network, "--open", "f1", "--json"])?;
        assert_eq!(
            keys(&dead),
            BTreeSet::from(["customers", "dead_loads", "partly_dead_loads"])
        );
        assert_eq!(dead["customers"], 10);
        assert_eq!(dead["dead_loads"][0], "Load.0");
    }
    let all = answer(&[
        "grid", "trace", &network, "--open", "cb", "--open", "F2", "--json",
    ])?;
    assert_eq!(all["customers"], 20);
    let back = answer(&[
        "grid", "trace", &network, "--open", "CB", "--open", "f2", "--close", "TIE", "--json",
    ])?;
    assert_eq!(back["customers"], 10);
    let said = refusal(&["grid", "trace", &network, "--open", "F3"])?;
    assert!(said.contains("--open") && said.contains("F1"), "{said}");
    Ok(())
}

#[test]
fn upstream_names_single_points_of_failure_from_the_source() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let network = write(&folder, "feeder.json", &feeder().to_string())?;
    let way = answer(&["grid", "upstream", &network, "--load", "LOAD.12", "--json"])?;
    assert_eq!(way["single_points_of_failure"], json!(["CB", "F2", "T2"]));
    let said = refusal(&["grid", "upstream", &network, "--load", "Load.99"])?;
    assert!(said.contains("Load.99"), "{said}");
    Ok(())
}

#[test]
fn bad_networks_are_told_plainly_and_doubtful_ones_reported() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let mut bad = feeder();
    let edges = bad["edges"].as_array_mut().context("edges")?;
    edges.push(json!({"id": "f1", "kind": "switch", "from": "a", "fp": [1], "to": "h1", "tp": [1]}));
    edges.push(json!({"id": "L9", "kind": "line", "from": "a", "fp": [1]}));
    bad["loads"]
        .as_array_mut()
        .context("loads")?
        .push(json!({"id": "lost", "bus": "nowhere", "ph": [1]}));
    let bad = write(&folder, "bad.json", &bad.to_string())?;
    let said = refusal(&["grid", "trace", &bad, "--open", "CB"])?;
    for word in ["\"f1\" is defined twice", "L9", "nowhere"] {
        assert!(said.contains(word), "{word}: {said}");
    }
    assert_eq!(relight(&["grid", "report", &bad])?.status.code(), Some(1));

    let mut doubtful = feeder();
    let edges = doubtful["edges"].as_array_mut().context("edges")?;
    edges.push(
        json!({"id": "loop", "kind": "line", "from": "h1", "fp": [1, 2, 3], "to": "h2", "tp": [1, 2, 3]}),
    );
    edges.push(json!({"id": "island", "kind": "line", "from": "x", "fp": [1], "to": "y", "tp": [1]}));
    doubtful["loads"]
        .as_array_mut()
        .context("loads")?
        .push(json!({"id": "far", "bus": "y", "ph": [1], "cust": 4}));
    let doubtful = write(&folder, "doubtful.json", &doubtful.to_string())?;
    let report = answer(&["grid", "report", &doubtful, "--json"])?;
    assert_eq!(report["faults"], json!([]));
    assert_eq!(report["findings"]["loads_without_path_to_source"], json!(["far"]));
    assert!(
        report["findings"]["devices_closing_a_loop"]
            .as_array()
            .is_some_and(|ids| !ids.is_empty()),
        "{report}"
    );
    assert_eq!(report["islands"][0]["loads"], 1);
    Ok(())
}

#[test]
fn a_report_against_the_version_in_use_tells_what_would_change() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let old = write(&folder, "old.json", &feeder().to_string())?;
    let mut new = feeder();
    new["edges"][2]["open"] = json!(true);
    new["loads"].as_array_mut().context("loads")?.remove(0);
    let new = write(&folder, "new.json", &new.to_string())?;
    let report = answer(&["grid", "report", &new, "--against", &old, "--json"])?;
    let diff = &report["against"];
    assert_eq!(diff["loads"]["removed"], json!(["Load.0"]));
    assert_eq!(keys(&diff["devices"]["changed"]), BTreeSet::from(["F2"]));
    assert_eq!(diff["loads_losing_supply"].as_array().map(Vec::len), Some(10));
    assert_eq!(diff["customers"], -1);
    Ok(())
}

/// Three calls below the first fuse and one about nothing, as lines of a file.
const REPORTS: [&str; 5] = [
    r#"{"at_s": 0, "load": "load.0", "kind": "call"}"#,
    r#"{"at_s": 60.5, "load": "Load.3", "kind": "call", "note": "fields we do not know are no fault"}"#,
    r#"{"at_s": 130, "load": "Load.7", "kind": "call"}"#,
    r#"{"at_s": 140, "load": "Load.8", "kind": "last_gasp"}"#,
    r#"{"at_s": 9000, "load": "Load.14", "kind": "ping_on"}"#,
];

#[test]
fn infer_reads_lines_in_any_order_and_answers_in_time() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let network = write(&folder, "feeder.json", &feeder().to_string())?;
    let forth = write(&folder, "forth.jsonl", &REPORTS.join("\n"))?;
    let mut lines = REPORTS.to_vec();
    lines.reverse();
    let back = write(
        &folder,
        "back.jsonl",
        &format!("\n{}\r\n", lines.join("\r\n\r\n")),
    )?;
    let told = answer(&["infer", &network, "--reports", &forth, "--json"])?;
    assert_eq!(told, answer(&["infer", &network, "--reports", &back, "--json"])?);
    let incident = &told[0];
    for key in [
        "opened_at_s",
        "device",
        "candidates",
        "loads",
        "confidence",
        "explanation",
        "updates",
    ] {
        assert!(keys(incident).contains(key), "{key}: {incident}");
    }
    assert_eq!(incident["opened_at_s"], 0.0);
    assert!(
        ["F1", "T1"].contains(&incident["device"].as_str().context("a device")?),
        "{incident}"
    );
    assert_eq!(incident["loads"].as_array().map(Vec::len), Some(10));
    assert_eq!(
        keys(&incident["updates"][0]),
        BTreeSet::from(["at_s", "device", "p"])
    );
    let first = &incident["candidates"][0];
    assert!(first["device"].is_string() && first["p"].as_f64().is_some_and(|p| (0.0..=1.0).contains(&p)));
    let trip = write(
        &folder,
        "trip.jsonl",
        r#"{"at_s": 5, "kind": "scada_open", "device": "cb"}"#,
    )?;
    let told = answer(&["infer", &network, "--reports", &trip, "--json"])?;
    assert_eq!(
        (&told[0]["device"], told[0]["loads"].as_array().map(Vec::len)),
        (&json!("CB"), Some(20))
    );
    let nothing = write(&folder, "nothing.jsonl", "")?;
    assert_eq!(
        answer(&["infer", &network, "--reports", &nothing, "--json"])?,
        json!([])
    );
    Ok(())
}

#[test]
fn a_bad_report_is_named_by_its_line_and_nothing_is_inferred() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let network = write(&folder, "feeder.json", &feeder().to_string())?;
    for (line, word) in [
        (r#"{"at_s": 1, "load": "Load.1", "kind": "#, "EOF"),
        (r#"{"at_s": 1, "load": "Load.1", "kind": "shout"}"#, "shout"),
        (r#"{"at_s": 1, "kind": "call"}"#, "load is missing"),
        (r#"{"at_s": 1, "kind": "scada_open"}"#, "device is missing"),
        (r#"{"at_s": 1e300, "load": "Load.1", "kind": "call"}"#, "at_s"),
        (r#"{"load": "Load.1", "kind": "call"}"#, "at_s"),
        ("[1, 2]", "expected"),
    ] {
        let reports = write(
            &folder,
            "bad.jsonl",
            &format!("{}\n{line}\n{}\n", REPORTS[0], REPORTS[1]),
        )?;
        let said = refusal(&["infer", &network, "--reports", &reports])?;
        assert!(said.contains("line 2:") && said.contains(word), "{line}: {said}");
        let told = answer(&["infer", &network, "--reports", &reports, "--skip-bad", "--json"])?;
        assert_eq!(told.as_array().map(Vec::len), Some(1), "{line}");
    }
    assert!(refusal(&["infer", &network, "--reports", "/no/such.jsonl"])?.contains("/no/such.jsonl"));
    Ok(())
}

/// One in a thousand is nonsense (wrong account, prank): told by its line, and it keeps nobody else from being heard.
#[test]
fn who_the_network_does_not_know_is_told_and_left_out() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let network = write(&folder, "feeder.json", &feeder().to_string())?;
    let good = write(&folder, "good.jsonl", &REPORTS.join("\n"))?;
    let expected = answer(&["infer", &network, "--reports", &good, "--json"])?;
    for (line, word) in [
        (r#"{"at_s": 1, "load": "Load.99", "kind": "call"}"#, "Load.99"),
        (r#"{"at_s": 1, "kind": "scada_open", "device": "F9"}"#, "F9"),
    ] {
        let reports = write(&folder, "odd.jsonl", &format!("{line}\n{}\n", REPORTS.join("\n")))?;
        let output = relight(&["infer", &network, "--reports", &reports, "--json"])?;
        let said = String::from_utf8(output.stderr)?;
        assert!(output.status.success(), "{said}");
        assert!(said.contains("line 1: left out") && said.contains(word), "{said}");
        assert_eq!(serde_json::from_slice::<Value>(&output.stdout)?, expected);
    }
    Ok(())
}

#[test]
fn reports_may_be_gzipped() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let network = write(&folder, "feeder.json", &feeder().to_string())?;
    let good = write(&folder, "good.jsonl", &REPORTS.join("\n"))?;
    let packed = folder.path().join("good.jsonl.gz");
    let mut gzip = GzEncoder::new(fs::File::create(&packed)?, Compression::fast());
    gzip.write_all(&fs::read(&good)?)?;
    gzip.finish()?;
    let packed = packed.display().to_string();
    assert_eq!(
        answer(&["infer", &network, "--reports", &packed, "--json"])?,
        answer(&["infer", &network, "--reports", &good, "--json"])?
    );
    Ok(())
}

#[test]
fn a_simulated_storm_is_the_same_for_the_same_seed_and_can_be_inferred() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let network = write(&folder, "feeder.json", &feeder().to_string())?;
    let reports = folder.path().join("storm.jsonl").display().to_string();
    let storm = |seed: &str, more: &[&str]| {
        let mut arguments = vec![
            "simulate",
            "storm",
            "--network",
            &network,
            "--seed",
            seed,
            "--storms",
            "3",
            "--json",
        ];
        arguments.extend(["--call-share", "0.4", "--meters", "0.3", "--switchings", "0"]);
        arguments.extend(more);
        answer(&arguments)
    };
    let told = storm("7", &["--write", &reports])?;
    assert_eq!(told, storm("7", &[])?);
    assert_ne!(told, storm("8", &[])?);
    assert_eq!(
        told.as_array().map(Vec::len),
        Some(3),
        "no, 5 % and 10 % wrong links"
    );
    for key in [
        "faults",
        "right",
        "right_in_3",
        "customers_wrongly_in",
        "customers_wrongly_out",
        "minutes_to_right",
    ] {
        assert!(told[0][key].is_number(), "{key}: {told}");
    }
    assert!(Path::new(&format!("{reports}.truth.json")).exists());
    answer(&["infer", &network, "--reports", &reports, "--json"])?;
    let said = refusal(&[
        "simulate",
        "storm",
        "--network",
        &network,
        "--seed",
        "1",
        "--meters",
        "1.5",
    ])?;
    assert!(said.contains("meter_coverage is 1.5"), "{said}");
    Ok(())
}

/// A file of reports tells nothing of switching: its storm has none, or it is not written.
#[test]
fn a_storm_with_switching_is_not_written_as_reports() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let network = write(&folder, "feeder.json", &feeder().to_string())?;
    let reports = folder.path().join("storm.jsonl");
    let path = reports.display().to_string();
    let said = refusal(&[
        "simulate",
        "storm",
        "--network",
        &network,
        "--seed",
        "1",
        "--switchings",
        "1",
        "--write",
        &path,
    ])?;
    assert!(said.contains("--switchings 0"), "{said}");
    assert!(!reports.exists());
    Ok(())
}
