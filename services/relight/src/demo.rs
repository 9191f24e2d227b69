//! A made-up town to try things in: loaded into the services, with crews that move and storms that break.
//!
//! Everything after the loading goes through the edges, as people and phones would.

mod client;
mod drive;
mod logins;
mod people;
mod storm;
mod town;
mod van;

use std::process::ExitCode;

use crate::{
    cli::{Demo, DemoVerb},
    run::{clock, edge},
};

/// Carries out `relight demo ...`.
///
/// # Errors
/// When the database or an edge cannot be reached.
pub async fn run(demo: &Demo) -> anyhow::Result<ExitCode> {
    match &demo.verb {
        DemoVerb::Town { seed } => town::load(*seed).await?,
        DemoVerb::Logins { json } => logins::print(*json)?,
        DemoVerb::Drive { mobile, seed } => {
            drive::run(&address(mobile.as_ref(), "mobile")?, *seed, &clock()?).await?;
        }
        DemoVerb::Storm {
            gateway,
            seed,
            faults,
            minutes,
        } => {
            let storm = storm::Storm::new(*seed, usize::from(*faults), *minutes)?;
            storm::run(&address(gateway.as_ref(), "http")?, storm).await?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// The address given, or where the edge of that section listens on this machine.
fn address(given: Option<&String>, section: &str) -> anyhow::Result<String> {
    match given {
        Some(address) => Ok(address.clone()),
        None => Ok(format!("http://{}", edge(section)?)),
    }
}
