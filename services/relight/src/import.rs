//! `relight import`: a network with its customers, all rows or none.

mod compare;

use std::{path::Path, process::ExitCode, time::Instant};

use chrono::Utc;
use relight_common::{Db, config, config::Settings, secrets::Secrets};
use relight_grid::{
    Fault, Network, OnBad, Position, Report,
    import::{self as grid, Imported},
    pack::{AreaClass, Language, Pack, PackDefaults, read_pack_telling},
};
use relight_registry::{ImportError, ImportOptions, ImportReport, Progress};
use uuid::Uuid;

use self::compare::Change;
use crate::cli;
use crate::say::{say, write};

/// Imports what the options name, telling before what it changes; exit code 1 when rows are bad, each told with file and
/// line, or when more is taken away than usual and nobody said yes.
///
/// # Errors
/// When a file cannot be read or the database cannot be reached.
pub async fn run(what: &cli::Import) -> anyhow::Result<ExitCode> {
    let on_bad = if what.skip_bad { OnBad::Skip } else { OnBad::Refuse };
    let (pack, skipped) = match read(what, on_bad) {
        Ok(read) => read,
        Err(faults) => return Ok(refused(&faults.0)),
    };
    if what.dry_run {
        return rehearse(&config::load()?, pack, skipped, what.json).await;
    }
    let settings = config::load()?;
    if let Some(change) = Change::of_import(&settings, &pack).await? {
        write(format_args!("{change}"));
        if let (Some(unusual), false) = (change.unusual(), what.yes) {
            eprintln!("nothing was imported: {unusual}; is that meant, repeat it with --yes");
            return Ok(ExitCode::FAILURE);
        }
    }
    match store(&settings, pack, on_bad).await {
        Ok(report) => {
            say!("{report}");
            Ok(ExitCode::SUCCESS)
        }
        Err(ImportError::Bad(faults)) => Ok(refused(&faults.0)),
        Err(ImportError::Failed(error)) => Err(error.into()),
    }
}

/// Gives a pack to the registry.
///
/// # Errors
/// Bad rows, or the database.
pub async fn store(settings: &Settings, pack: Pack, on_bad: OnBad) -> Result<ImportReport, ImportError> {
    let db = Db::connect(&settings.database, relight_registry::NAME).await?;
    let begun = Instant::now();
    let tell = move |progress: Progress| {
        eprintln!(
            "{:>6.1} s  {}: {} of {}",
            begun.elapsed().as_secs_f64(),
            progress.what,
            progress.done,
            progress.of
        );
    };
    let secrets = Secrets::load(&settings.secrets_dir)
        .map_err(|error| relight_common::Invalid::new("secrets_dir", error.to_string()))
        .map_err(relight_common::Error::from)?;
    let options = ImportOptions {
        on_bad,
        by: "service:import".to_owned(),
        at: Utc::now(),
    };
    relight_registry::import_telling(&db, &secrets, pack, &options, &tell).await
}

/// What an import would find and change, without doing it.
async fn rehearse(
    settings: &Settings,
    mut pack: Pack,
    skipped: Vec<Fault>,
    json: bool,
) -> anyhow::Result<ExitCode> {
    let db = Db::connect(&settings.database, relight_registry::NAME).await?;
    let kept = relight_registry::correct_links(&db, &mut pack).await?;
    let network = pack.network();
    let grid = match network.grid(Uuid::now_v7()) {
        Ok(grid) => grid,
        Err(faults) => return Ok(refused(&faults.0)),
    };
    let mut imported = Imported::from(network.clone());
    imported.skipped = skipped;
    let report = Report::new(&imported, &grid);
    let change = Change::against_current(&db, &network, &grid).await?;
    if json {
        let diff = change.map(|change| change.diff);
        let told = serde_json::json!({ "report": report, "corrected_links": kept, "diff": diff });
        say!("{}", serde_json::to_string_pretty(&told)?);
        return Ok(ExitCode::SUCCESS);
    }
    say!("{report}");
    if !kept.is_empty() {
        say!(
            "links kept as corrected on site, not as the pack says: {}",
            kept.join(", ")
        );
    }
    match change {
        Some(change) => write(format_args!("{change}")),
        None => say!("there is no network yet: everything is new"),
    }
    say!("nothing was imported (--dry-run)");
    Ok(ExitCode::SUCCESS)
}

fn read(what: &cli::Import, on_bad: OnBad) -> Result<(Pack, Vec<Fault>), relight_grid::Faults> {
    let begun = Instant::now();
    let tell = |at: grid::Progress<'_>| {
        eprintln!(
            "{:>6.1} s  reading {}: {} of {} MB",
            begun.elapsed().as_secs_f64(),
            at.file,
            at.done / 1_000_000,
            at.of.div_ceil(1_000_000)
        );
    };
    if let Some(dir) = what
        .pack
        .as_deref()
        .or(what.network.as_deref().and_then(pack_folder))
    {
        let (pack, skipped) = read_pack_telling(dir, on_bad, &tell)?;
        skipped.iter().for_each(|fault| eprintln!("left out: {fault}"));
        return Ok((pack, skipped));
    }
    let files = [&what.network, &what.opendss, &what.graph];
    let file = files.into_iter().flatten().next();
    let imported = grid::open_telling(file.expect("clap asks for one of them"), on_bad, &tell)?;
    crate::grid::tell(&imported);
    let pack = Pack::from_network(&imported.network, &defaults(what))?;
    tell_places(&imported.network, what.place);
    Ok((pack, imported.skipped))
}

/// Says which loads are put where something else is, or at the one place given.
fn tell_places(network: &Network, place: Option<Position>) {
    let at = place.map_or(String::new(), |at| format!("at {},{} (--place)", at.lon, at.lat));
    for (loads, put) in [
        (
            Pack::with_borrowed_place(network),
            "at the nearest bus that has one",
        ),
        (Pack::without_place(network), at.as_str()),
    ] {
        if let Some(first) = loads.first() {
            eprintln!(
                "note: {} load(s) have no place of their own and are put {put}, such as {}",
                loads.len(),
                first.id
            );
        }
    }
}

/// The folder of a CSV pack with its customers; a network alone is read as any other.
fn pack_folder(path: &Path) -> Option<&Path> {
    let is_file = path.extension().is_some_and(|end| end == "csv" || end == "gz");
    let folder = if path.is_dir() {
        path
    } else {
        path.parent().filter(|_| is_file)?
    };
    let names = ["service_point.csv", "service_point.csv.gz"];
    let is_pack = names.iter().any(|name| folder.join(name).exists());
    (is_pack && !is_other_network(path)).then_some(folder)
}

/// Is a gzipped file beside a pack something else than a part of it.
fn is_other_network(path: &Path) -> bool {
    path.is_file() && !path.to_string_lossy().trim_end_matches(".gz").ends_with(".csv")
}

fn defaults(what: &cli::Import) -> PackDefaults {
    PackDefaults {
        account_prefix: what.account_prefix.clone(),
        zone: what.zone.clone(),
        org_path: what.org_path.clone(),
        area_class: AreaClass::Urban,
        language: Language::ZhCn,
        place: what.place,
    }
}

fn refused(faults: &[Fault]) -> ExitCode {
    for fault in faults {
        eprintln!("{fault}");
    }
    eprintln!(
        "nothing was imported: {} rows are bad (--skip-bad leaves them out)",
        faults.len()
    );
    ExitCode::FAILURE
}
