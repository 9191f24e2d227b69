//! `relight import`: a network with its customers, all rows or none.

use std::{path::Path, process::ExitCode};

use chrono::Utc;
use relight_common::{Db, config, config::Settings, secrets::Secrets};
use relight_grid::{
    Fault, OnBad, import as grid,
    pack::{AreaClass, Language, Pack, PackDefaults, read_pack},
};
use relight_registry::{ImportError, ImportOptions, ImportReport};

use crate::cli;

/// Imports what the options name; exit code 1 when rows are bad, each told with file and line.
///
/// # Errors
/// When a file cannot be read or the database cannot be reached.
pub async fn run(what: &cli::Import) -> anyhow::Result<ExitCode> {
    let on_bad = if what.skip_bad { OnBad::Skip } else { OnBad::Refuse };
    let (pack, skipped) = match read(what, on_bad) {
        Ok(read) => read,
        Err(faults) => return Ok(refused(&faults.0)),
    };
    for fault in &skipped {
        eprintln!("left out: {fault}");
    }
    match store(&config::load()?, pack, on_bad).await {
        Ok(report) => {
            println!("{report}");
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
    let secrets = Secrets::load(&settings.secrets_dir)
        .map_err(|error| relight_common::Invalid::new("secrets_dir", error.to_string()))
        .map_err(relight_common::Error::from)?;
    let options = ImportOptions {
        on_bad,
        by: "service:import".to_owned(),
        at: Utc::now(),
    };
    relight_registry::import(&db, &secrets, pack, &options).await
}

fn read(what: &cli::Import, on_bad: OnBad) -> Result<(Pack, Vec<Fault>), relight_grid::Faults> {
    if let Some(dir) = &what.pack {
        return read_pack(dir, on_bad);
    }
    let imported = match (&what.opendss, &what.graph) {
        (Some(entry), _) => grid::opendss::read(entry, on_bad)?,
        (None, Some(file)) => grid::graph_json::read(&file.display().to_string(), &bytes(file)?, on_bad)?,
        (None, None) => unreachable!("clap asks for one of them"),
    };
    let pack = Pack::from_network(&imported.network, &defaults(what))?;
    Ok((pack, imported.skipped))
}

fn bytes(file: &Path) -> Result<Vec<u8>, relight_grid::Faults> {
    std::fs::read(file).map_err(|error| {
        relight_grid::Faults(vec![Fault {
            file: file.display().to_string(),
            line: None,
            column: None,
            problem: format!("cannot be read: {error}"),
        }])
    })
}

fn defaults(what: &cli::Import) -> PackDefaults {
    PackDefaults {
        account_prefix: what.account_prefix.clone(),
        zone: what.zone.clone(),
        org_path: what.org_path.clone(),
        area_class: AreaClass::Urban,
        language: Language::ZhCn,
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
