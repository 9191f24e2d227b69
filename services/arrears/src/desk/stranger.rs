//! A contact is somebody else's (operations.md O15): what calls to it proved falls, and no call to it proves anything until
//! that is taken back.

use relight_common::Work;
use serde_json::json;
use uuid::Uuid;

use super::{
    fired::{Spot, wake},
    step::{House, step},
};
use crate::{
    domain::{Event, NOT_ASKED, rests_on},
    error::Error,
    store::{
        case::{self, Stored},
        stranger,
    },
};

/// Notes it, and takes back what it proved in the open cases of the customer.
///
/// # Errors
/// [`Error::Common`].
pub async fn noted(
    work: &mut Work,
    house: &House,
    (note, customer, contact): (Uuid, Uuid, Uuid),
) -> Result<(), Error> {
    let at = work.at();
    stranger::note(work.conn(), (note, customer, contact), at).await?;
    for mut stored in case::lock_of_customer(work.conn(), customer).await? {
        if rests_on(&stored.doc, contact) {
            fell(work, house, &mut stored, contact).await?;
        }
    }
    Ok(())
}

async fn fell(work: &mut Work, house: &House, stored: &mut Stored, contact: Uuid) -> Result<(), Error> {
    let facts = house.facts(&NOT_ASKED, None);
    step(work, stored, &Event::Stranger { contact }, &facts).await?;
    let detail = json!({ "contact": contact, "state": stored.doc.state.word() });
    work.audit("arrears.proof_fell_away", stored.id, detail);
    if stored.doc.state.off_since().is_none() {
        return Ok(());
    }
    let now = work.at();
    wake(work, stored, "wrong_person", now, Spot::default()).await
}

/// The note was taken back: later calls count again, those of before do not.
///
/// # Errors
/// [`Error::Common`].
pub async fn withdrawn(work: &mut Work, note: Uuid) -> Result<(), Error> {
    stranger::withdraw(work.conn(), note).await
}
