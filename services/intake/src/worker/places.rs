//! Reports whose account could not be looked up when they were accepted.

use relight_common::Work;

use super::{BATCH, Worker};
use crate::{
    domain::{ReportId, place::Place},
    error::Error,
    news,
    peers::{Account, RETRY},
    store,
};

impl Worker {
    /// Looks up accounts that nobody answered for when the report came.
    pub(super) async fn find_places(&self) -> Result<(), Error> {
        let pending = {
            let mut conn = self.connection().await?;
            store::queue::pending_places(&mut conn, BATCH).await?
        };
        for (report, account) in pending {
            match self.desk.peers.account(&account, RETRY).await {
                Account::Known(point) => self.place(report, &Place::of(&point, None)).await?,
                Account::Unknown => {
                    let mut conn = self.connection().await?;
                    store::queue::set_place(&mut conn, report, None).await?;
                }
                // The others would wait as long for nothing.
                Account::NoAnswer => return Ok(()),
            }
        }
        Ok(())
    }

    /// Stores a place that was found late, and tells the report again where nobody could be told yet that we have it.
    async fn place(&self, report: ReportId, place: &Place) -> Result<(), Error> {
        let mut work = Work::internal(&self.desk.db, "grouping", self.desk.clock.now()).await?;
        store::queue::set_place(work.conn(), report, Some(place)).await?;
        let stored = store::report::by_id(work.conn(), report).await?;
        // Who gave a number for this report was told there already.
        if let Some(stored) = stored.filter(|stored| stored.report.phone.is_none()) {
            news::tell_report(&mut work, &stored.report, news::PLACED);
        }
        work.done().await?;
        Ok(())
    }
}
