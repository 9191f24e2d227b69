//! A cut as it is told: done by leave, done without one, or done on somebody else's meter.

use relight_common::Work;
use serde_json::json;

use super::{
    fired::{Spot, wake},
    off::found_off,
    open::open_for,
    release::hash_of,
    step::{House, step},
};
use crate::{
    domain::{Event, Instant, Refusal, Site, event::Doing},
    error::Error,
    store::{
        account::{self, Supply},
        case::{self, Stored},
        release,
    },
};

/// A cut as somebody tells it.
#[derive(Debug, Clone, PartialEq)]
pub struct Told {
    /// Token or code.
    pub shown: String,
    /// What was done.
    pub doing: Doing,
    /// The crew told the desk by voice, and the desk records it.
    pub by_voice: bool,
    /// Where the phone was, WGS84 degrees (lon, lat).
    pub position: Option<(f64, f64)>,
    /// Whose meter it was.
    pub meter: Meter,
}

/// Whose meter was scanned.
#[derive(Debug, Clone, PartialEq)]
pub enum Meter {
    /// The one of the case.
    Ours,
    /// Somebody else's, and it is off.
    Others(Box<Supply>),
    /// Nobody knows whose, and it is off; where the crew was sent.
    Unknown {
        /// Chinese.
        address_zh: String,
        /// English.
        address_en: String,
    },
}

/// Takes a cut down. Returns the case of whoever is off by it, which is another one when it was another's meter.
pub(super) async fn cut(
    work: &mut Work,
    house: &House,
    mut stored: Stored,
    (told, site): (&Told, &Site),
) -> Result<Stored, Error> {
    let at = work.at();
    match (&told.meter, told.doing.done_at) {
        (Meter::Others(supply), Some(off_at)) => {
            return of_another(work, house, stored, supply, (told, off_at.min(at))).await;
        }
        (
            Meter::Unknown {
                address_zh,
                address_en,
            },
            Some(_),
        ) => {
            let spot = Spot {
                address_zh: address_zh.clone(),
                address_en: address_en.clone(),
                ..spot(told)
            };
            release::spend(work.conn(), stored.id, at).await?;
            wake(work, &mut stored, "unknown_meter", at, spot).await?;
            return Ok(stored);
        }
        _ => {}
    }
    let found = release::lock(work.conn(), stored.id, &hash_of(stored.id, &told.shown)).await?;
    let known = found.map(|(_, release)| release);
    let facts = house.facts(site, known.as_ref());
    let done = if is_replaced(work, &stored).await? {
        Err(Error::Refused(Refusal::NotAllowed {
            state: stored.doc.state.word(),
            event: "cut",
        }))
    } else {
        step(work, &mut stored, &Event::Cut(told.doing.clone()), &facts).await
    };
    match (done, told.doing.done_at) {
        (Err(Error::Refused(refusal)), Some(off_at)) => {
            let why = format!("cut although refused: {refusal}");
            found_off(work, house, &mut stored, off_at, &why).await?;
        }
        (done, _) => {
            done?;
            release::spend(work.conn(), stored.id, at).await?;
        }
    }
    Ok(stored)
}

/// Whether a newer debt of the account has a case of its own by now: nobody is off for two.
async fn is_replaced(work: &mut Work, stored: &Stored) -> Result<bool, Error> {
    if !stored.doc.state.is_over() {
        return Ok(false);
    }
    let open = case::lock_open(work.conn(), &[stored.account_id]).await?;
    Ok(!open.is_empty())
}

/// Another's meter was cut: that customer is off without right, and nobody is off for the case the crew was sent for (O10).
async fn of_another(
    work: &mut Work,
    house: &House,
    mut stored: Stored,
    supply: &Supply,
    (told, off_at): (&Told, Instant),
) -> Result<Stored, Error> {
    let at = work.at();
    release::spend(work.conn(), stored.id, at).await?;
    wake(work, &mut stored, "wrong_meter", at, spot(told)).await?;
    let mut theirs = case_of(work, house, supply).await?;
    let detail = json!({ "instead_of": stored.id, "meter_no": supply.meter_no });
    work.audit("arrears.wrong_meter", theirs.id, detail);
    let why = format!("cut by mistake instead of the meter of {}", stored.number);
    match found_off(work, house, &mut theirs, off_at, &why).await {
        // Off already: nothing more to write down there.
        Ok(()) | Err(Error::Refused(_)) => Ok(theirs),
        Err(other) => Err(other),
    }
}

/// The open case of a supply, or a new one: supply was cut there, whatever is owed.
async fn case_of(work: &mut Work, house: &House, supply: &Supply) -> Result<Stored, Error> {
    account::add(work.conn(), supply).await?;
    let keys = [account::key(&supply.account)];
    let found = account::lock(work.conn(), &keys).await?.pop();
    let account = found.ok_or_else(|| Error::NoSupply(supply.account.clone()))?;
    match case::lock_open(work.conn(), &[account.id]).await?.pop() {
        Some(open) => Ok(open),
        None => open_for(work, house, &account, supply).await,
    }
}

fn spot(told: &Told) -> Spot {
    Spot {
        meter_no: told.doing.scanned_meter_no.clone(),
        position: told.position,
        ..Spot::default()
    }
}
