//! The sheet for the hour in which nothing else works (operations.md O35): open orders, roster and life-support list, written
//! every few minutes as pages that stand alone, to be printed or read without database and network. `ask` reads all three,
//! `sheet` puts them into words, `shelf` keeps the files.

mod ask;
mod sheet;
mod shelf;

use std::{path::PathBuf, sync::Arc, time::Duration};

use anyhow::Context as _;
use relight_common::{config::section, service::Host};
use serde::Deserialize;

pub use self::sheet::Sheet;
use self::{ask::Facts, shelf::Shelf};
use crate::{api::Language, app::App, words};

/// After a failure, and at the start, while other roles come up.
const AGAIN_AFTER: Duration = Duration::from_secs(30);
/// Longest span between two sheets, seconds: an older one is no help.
const EVERY_MAX_S: u64 = 3_600;

/// Section `paper` of the configuration.
#[derive(Debug, Deserialize)]
struct Config {
    /// Where the sheets are; empty: `paper` in the data folder.
    dir: String,
    /// Seconds from one to the next; 0: none are written.
    every_s: u64,
}

/// Starts writing sheets until `host` stops.
///
/// # Errors
/// When the section is wrong or the folder cannot be made.
pub fn start(host: &Host, app: &App) -> anyhow::Result<()> {
    let config: Config = section("paper")?;
    anyhow::ensure!(
        config.every_s <= EVERY_MAX_S,
        "paper.every_s must be from 0 to {EVERY_MAX_S} seconds"
    );
    if config.every_s == 0 {
        return Ok(());
    }
    let dir = match config.dir.as_str() {
        "" => host.settings.data_dir.join("paper"),
        dir => PathBuf::from(dir),
    };
    let shelf = Shelf::open(&dir).with_context(|| format!("paper.dir {}", dir.display()))?;
    let writer = Writer {
        app: app.clone(),
        host: host.clone(),
        shelf: Arc::new(shelf),
    };
    let stop = host.stop.clone();
    host.tasks.spawn(async move {
        tokio::select! {
            () = writer.run(Duration::from_secs(config.every_s)) => {}
            () = stop.cancelled() => {}
        }
    });
    Ok(())
}

struct Writer {
    app: App,
    host: Host,
    shelf: Arc<Shelf>,
}

impl Writer {
    async fn run(self, every: Duration) {
        loop {
            let wait = match self.write().await {
                Ok(()) => every,
                Err(error) => {
                    // The last sheet stays the newest: one with a part missing would be worse than one some minutes old.
                    tracing::warn!(error = format!("{error:#}"), "no new sheet for the paper file");
                    metrics::counter!("relight_paper_failed_total").increment(1);
                    AGAIN_AFTER.min(every)
                }
            };
            tokio::time::sleep(wait).await;
        }
    }

    async fn write(&self) -> anyhow::Result<()> {
        let facts = Facts::read(&self.app, &self.host).await?;
        let (now, zone) = (self.app.clock().now(), self.app.http().zone);
        let mut pages = Vec::new();
        for language in [Language::ZhCn, Language::En] {
            let sheet = Sheet::new(language, &facts, self.app.areas(), (now, zone));
            let page = self.app.templates().sheet(language, &sheet);
            let page = page.map_err(|problem| anyhow::anyhow!(problem.detail))?;
            pages.push((words::tag(language), page));
        }
        let shelf = self.shelf.clone();
        let name = now.with_timezone(&zone).format("%Y-%m-%dT%H%M%S").to_string();
        tokio::task::spawn_blocking(move || shelf.put(&name, &pages)).await??;
        metrics::counter!("relight_paper_written_total").increment(1);
        Ok(())
    }
}
