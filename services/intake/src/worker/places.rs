//! Reports whose account could not be looked up when they were accepted.

use relight_common::Work;

use super::{BATCH, Worker};
use crate::{
    domain::{ReportId, place::Place, report::Triage},
    error::Error,
    news,
    peers::{Account, RETRY},
    rpc::judge,
    store::{
        self,
        report::{Report, Stored},
    },
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
                Account::Known(point) => self.place(report, Place::of(&point, None)).await?,
                Account::Unknown => {
                    let mut conn = self.connection().await?;
                    store::queue::grouped_without_place(&mut conn, &[report.uuid()]).await?;
                }
                // The others would wait as long for nothing.
                Account::NoAnswer => return Ok(()),
            }
        }
        Ok(())
    }

    /// Stores a place that was found late with what the report is now, and tells what could not be told without it: that we
    /// have the report, and that a person has to call (operations.md O8).
    async fn place(&self, id: ReportId, place: Place) -> Result<(), Error> {
        let stored = {
            let mut conn = self.connection().await?;
            store::report::by_id(&mut conn, id).await?
        };
        let Some(Stored { report, .. }) = stored else {
            return Ok(());
        };
        let report = self.judge(report, place).await?;
        let mut work = Work::internal(&self.desk.db, "grouping", self.desk.clock.now()).await?;
        if store::queue::set_place(work.conn(), &report).await? {
            // Who gave a number for this report was told there already.
            if report.phone.is_none() {
                news::tell_report(&mut work, &report, news::PLACED);
            }
            if report.call_wanted {
                news::tell_call_wanted(&mut work, &report);
            }
        }
        work.done().await?;
        Ok(())
    }

    /// The report as it would have been accepted with this place.
    async fn judge(&self, report: Report, place: Place) -> Result<Report, Error> {
        let times = (report.accepted_at, report.received_at);
        let known = judge::ask(&self.desk, place.customer_id, times).await;
        let triage = match judge::judge(&self.desk, (&report).into(), &place, known).await? {
            // Whoever reported has gone, and was not told what to try.
            Triage::CustomerSide => Triage::New,
            judged => judged,
        };
        Ok(Report {
            hint: triage.known().and_then(|known| known.incident),
            standing: triage.standing(),
            call_wanted: place.life_support,
            triage,
            place,
            ..report
        })
    }
}
