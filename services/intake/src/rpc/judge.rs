//! What a report is, with what others know of its place. Also for a place that is found late, and for a line on paper.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::read;
use crate::{
    desk::Desk,
    domain::{
        group::Topology,
        place::Place,
        report::{Draft, KnownOutage, Neighbours, Seen, Triage, triage},
        signal::{RELAY_AROUND, RELAY_FRESH},
    },
    error::Error,
    peers::NoAnswer,
    store::report::{self, Report},
};

/// What the ledger said of a customer: the record, none, or nothing in time.
pub(crate) type Word = Result<Option<KnownOutage>, NoAnswer>;

/// What the reporter said, as far as it decides.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Said {
    pub(crate) danger: bool,
    pub(crate) neighbours: Neighbours,
    /// When, if that was earlier than now.
    pub(crate) at: Option<DateTime<Utc>>,
}

impl From<&Draft> for Said {
    fn from(draft: &Draft) -> Self {
        Self {
            danger: draft.danger,
            neighbours: draft.neighbours,
            at: draft.reported_at,
        }
    }
}

impl From<&Report> for Said {
    fn from(report: &Report) -> Self {
        Self {
            danger: report.danger,
            neighbours: report.neighbours,
            at: Some(report.accepted_at),
        }
    }
}

/// Asks the ledger why this customer was off when they reported; who is no customer is in no record.
pub(crate) async fn ask(
    desk: &Desk,
    customer: Option<Uuid>,
    (accepted_at, received_at): (DateTime<Utc>, DateTime<Utc>),
) -> Word {
    match customer {
        None => Ok(None),
        // Entered late: what is known of now says nothing about then.
        Some(customer) if accepted_at < received_at => desk.peers.why_off_at(customer, accepted_at).await,
        Some(customer) => desk.peers.why_off(customer).await,
    }
}

/// What this report is. Whoever does not answer leaves it open, never closed.
pub(crate) async fn judge(desk: &Desk, said: Said, place: &Place, known: Word) -> Result<Triage, Error> {
    let town = desk.atlas.town();
    let load = place.load_id.as_deref();
    let gone = |load: &str| town.as_ref().is_some_and(|town| town.grid().load(load).is_none());
    let mut seen = Seen {
        danger: said.danger,
        on_the_grid: place.is_on_the_grid(),
        left: place.service_point_id.is_some() && load.is_some_and(gone),
        neighbours: said.neighbours,
        no_answer: known.is_err(),
        known: known.unwrap_or_default(),
        ..Seen::default()
    };
    let cut_at = seen
        .known
        .as_ref()
        .filter(|known| known.is_cut())
        .map(|known| known.off_at);
    let used_up_at = match load.filter(|_| !seen.danger) {
        Some(load) => desk.credit.used_up(&desk.db, load).await?,
        None => None,
    };
    seen.credit_out = used_up_at.is_some();
    if !seen.danger && (cut_at.is_some() || seen.credit_out || seen.neighbours == Neighbours::On) {
        let mut conn = read::connection(desk).await?;
        if let Some(town) = &town {
            let way = town.way_of_place(load, place.transformer_id.as_deref());
            let above: Vec<String> = way.iter().map(|device| device.to_string()).collect();
            seen.fault_above = report::fault_at(&mut conn, &above).await?;
        }
        if let (true, Some(load)) = (cut_at.is_some() || seen.credit_out, load) {
            let fresh = desk.clock.now() - RELAY_FRESH;
            let since = match used_up_at {
                // A relay that opened for it may be open for weeks.
                Some(at) => at - RELAY_AROUND,
                None => cut_at.flatten().map_or(fresh, |at| at.max(fresh)),
            };
            seen.relay_open = report::relay_open(&mut conn, load, since).await?;
        }
    }
    Ok(triage(seen, said.at.unwrap_or_else(|| desk.clock.now())))
}
