//! What notify tells: the answers of those who were asked after a restoration. "Still off" comes in as a report by text, with an
//! id of its own, so that the same answer told twice is one report.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use relight_common::{
    Invalid, Work,
    reader::{Consumer, Outcome},
    telemetry::traceparent,
    wire,
};
use relight_proto::events::v1::{Event, RestorationAnswer};

use super::decode;
use crate::{
    check::{self, Answer},
    desk::Desk,
    domain::check::{Event as What, Spoken},
    error::Error,
    rpc::{accept, together},
    store::{self, accepted::New, report::Report},
};

/// Reads notify.
#[derive(Debug, Clone)]
pub struct FromNotify {
    desk: Arc<Desk>,
}

impl FromNotify {
    /// For this desk.
    pub fn new(desk: Arc<Desk>) -> Self {
        Self { desk }
    }

    /// The report "still off" will be, unless it is one already.
    async fn report(&self, answer: &Answer) -> Result<Option<Report>, Error> {
        let row = {
            let taken = self.desk.db.pool().acquire().await;
            let mut conn = taken.map_err(Error::db("take a connection"))?;
            store::check::by_id(&mut conn, answer.asked).await?
        };
        match row.filter(|row| !row.asked.knows(answer.at)) {
            Some(row) => accept::still_off(&self.desk, &row, answer.at).await.map(Some),
            None => Ok(None),
        }
    }
}

/// An answer, and the report it may come in as.
#[derive(Debug)]
pub struct Prepared {
    answer: Answer,
    report: Option<Box<Report>>,
}

impl Consumer for FromNotify {
    type Prepared = Option<Prepared>;
    type Error = Error;

    async fn prepare(&self, event: &Event) -> Result<Option<Prepared>, Error> {
        if event.r#type != "restoration.answer" {
            return Ok(None);
        }
        let answer = read(&decode::<RestorationAnswer>(event)?, self.desk.clock.now())?;
        let report = match answer.event {
            What::Said(Spoken { is_back: false, .. }) => self.report(&answer).await?,
            _ => None,
        };
        Ok(Some(Prepared {
            answer,
            report: report.map(Box::new),
        }))
    }

    async fn apply(
        &self,
        work: &mut Work,
        event: &Event,
        prepared: Option<Prepared>,
    ) -> Result<Outcome, Error> {
        let Some(Prepared { answer, report }) = prepared else {
            return Ok(passed_over(event));
        };
        let id = report.as_ref().map(|report| report.id);
        if let (true, Some(report)) = (check::answered(&self.desk, work, &answer, id).await?, &report) {
            together::tell(work, report);
            let trace = traceparent();
            store::accepted::insert_all(work.conn(), &[New { report, trace }]).await?;
        }
        self.desk.bell.notify_one();
        Ok(Outcome::Applied)
    }
}

/// What notify tells others.
fn passed_over(event: &Event) -> Outcome {
    match event.r#type.as_str() {
        "notice.served" | "contact.noted" => Outcome::Applied,
        _ => Outcome::Unknown,
    }
}

/// Nothing was said later than now, whatever the other clock shows.
fn read(told: &RestorationAnswer, now: DateTime<Utc>) -> Result<Answer, Invalid> {
    let at = wire::instant("at", told.at)?.min(now);
    let event = match told.said.as_str() {
        "back" => What::Said(Spoken { is_back: true, at }),
        "still_off" => What::Said(Spoken { is_back: false, at }),
        "unreached" => What::Unreached,
        "same_number" => What::SameNumber,
        _ => {
            return Err(Invalid::new(
                "said",
                "must be back, still_off, unreached or same_number",
            ));
        }
    };
    Ok(Answer {
        asked: wire::uuid("asked_id", &told.asked_id)?,
        event,
        at,
    })
}
