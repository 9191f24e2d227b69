//! What registry says of a supply by now, taken over before a step that could lead to a cut.

use relight_common::Work;
use serde_json::json;
use uuid::Uuid;

use super::step::{House, step};
use crate::{
    domain::{Event, NOT_ASKED, Refusal, known::Known},
    error::Error,
    store::{
        account::{self, Supply},
        case::{self, Stored},
    },
};

/// Whether the case knows all that already.
pub fn is_known(stored: &Stored, supply: &Supply) -> bool {
    stored.doc.registered == Some(supply.class)
        && stored.doc.meter_no == supply.meter_no
        && stored.service_point_id == supply.service_point_id
}

/// Takes it over, for this case and the next one of the account. Returns why the case cannot go on from where it was, when
/// it is not there any more.
///
/// # Errors
/// [`Error::Common`], [`Error::NoCase`].
pub async fn registered(
    work: &mut Work,
    house: &House,
    case: Uuid,
    supply: &Supply,
) -> Result<Option<Refusal>, Error> {
    let mut stored = case::lock(work.conn(), case).await?.ok_or(Error::NoCase)?;
    if stored.doc.state.is_over() || is_known(&stored, supply) {
        return Ok(None);
    }
    let before = stored.doc.clone();
    let elsewhere = stored.service_point_id != supply.service_point_id;
    if elsewhere && stored.doc.state.is_before_cut() {
        case::moved(work.conn(), case, supply.service_point_id).await?;
        stored.service_point_id = supply.service_point_id;
    }
    let event = Event::Registry(Known {
        class: supply.class,
        meter_no: supply.meter_no.clone(),
        elsewhere,
    });
    step(work, &mut stored, &event, &house.facts(&NOT_ASKED, None)).await?;
    account::refresh(work.conn(), stored.account_id, supply, stored.doc.class).await?;
    let (class, state) = (stored.doc.class.word(), stored.doc.state.word());
    let detail = json!({
        "says": supply.class.word(), "from": before.class.word(), "to": class,
        "meter_changed": before.meter_no != stored.doc.meter_no, "state": state,
    });
    work.audit("arrears.registry", case, detail);
    Ok((before.state.word() != state).then(|| Refusal::KnownOtherwise {
        class,
        meter_no: stored.doc.meter_no.clone(),
        state,
    }))
}
