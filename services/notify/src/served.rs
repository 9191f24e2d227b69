//! Tells what became of the messages of notices (event `notice.served`): in parts, each result once, in the transaction
//! that forgets it here.

use std::time::Duration;

use relight_common::{
    Clock, Db, Work,
    error::chain,
    lease::{self, Lease, pause},
    wire::timestamp,
};
use relight_proto::events::v1::{NoticeServed, notice_served::Result as Served};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::{error::Error, store::result};

/// Most results of one event.
const RESULTS: i64 = 500;
/// Most events of one transaction: many notices have one result.
const PARTS: usize = 50;
/// Wait before looking again: receipts come one by one, parts should not.
const IDLE: Duration = Duration::from_secs(1);
/// Wait after Postgres failed.
const TROUBLE: Duration = Duration::from_secs(1);

/// Tells results.
#[derive(Debug)]
pub struct Teller {
    /// The database.
    pub db: Db,
    /// The clock.
    pub clock: Clock,
}

impl Teller {
    /// Tells until `ended`.
    pub async fn run(&self, lease: &Lease, ended: &CancellationToken) {
        while !ended.is_cancelled() {
            match self.look(lease).await {
                Ok(true) => {}
                Ok(false) => pause(ended, IDLE).await,
                Err(error) => {
                    tracing::warn!(error = %chain(&error), "results of notices have to wait");
                    pause(ended, TROUBLE).await;
                }
            }
        }
    }

    /// A round, when there is something to tell: at rest one question and no transaction.
    async fn look(&self, lease: &Lease) -> Result<bool, Error> {
        Ok(result::is_waiting(self.db.pool()).await? && self.round(lease).await?)
    }

    /// A few parts; false when there was nothing to tell.
    ///
    /// # Errors
    /// Postgres is away or the lease is lost; nothing is told then.
    pub async fn round(&self, lease: &Lease) -> Result<bool, Error> {
        let mut work = Work::internal(&self.db, "results of a notice", self.clock.now()).await?;
        lease::hold(work.conn(), lease).await?;
        let mut told = 0;
        while told < PARTS && self.part(&mut work).await? {
            told += 1;
        }
        if told == 0 {
            return Ok(false);
        }
        work.done().await?;
        Ok(true)
    }

    /// The next part; false when everything is told.
    async fn part(&self, work: &mut Work) -> Result<bool, Error> {
        let Some(part) = result::next_part(work.conn()).await? else {
            return Ok(false);
        };
        let results = result::take(work.conn(), part.notice, RESULTS).await?;
        let id = |id: Option<Uuid>| id.map_or(String::new(), |id| id.to_string());
        let told = NoticeServed {
            notice_id: part.notice.to_string(),
            outage_id: id(part.outage),
            plan_no: part.plan_no.unsigned_abs(),
            kind: part.kind,
            results: results.into_iter().map(to_wire).collect(),
            case_id: id(part.case),
        };
        work.tell("notice.served", part.notice, part.no, &part.org_path, &told);
        Ok(true)
    }
}

fn to_wire(one: result::Told) -> Served {
    Served {
        customer_id: one.customer_id.to_string(),
        channel: one.channel,
        result: one.result,
        at: Some(timestamp(one.at)),
    }
}
