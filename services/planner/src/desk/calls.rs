//! Calls to customers, as they are recorded.

use relight_common::Work;
use serde_json::json;
use uuid::Uuid;

use super::tell;
use crate::{
    domain::{
        call::{Call, Outcome},
        said::Said,
        window::Instant,
    },
    error::Error,
    store::{
        call::{self, About},
        outage::Stored,
    },
};

/// Notes who was called at which number, and what became of it. A number that is somebody else's is told at once: it must
/// not be used again, and what it proved proves nothing any more (operations.md O15). The desk has an alarm, since the
/// customer is still to be reached.
///
/// # Errors
/// [`Error::Common`].
pub async fn record(
    work: &mut Work,
    one: &Stored,
    customer: Uuid,
    (purpose, at): (&str, Instant),
    called: &Call,
) -> Result<(), Error> {
    let by = work.actor().to_owned();
    let about = About {
        outage: one.id,
        plan_no: one.life.plan_no,
        customer,
        purpose,
    };
    call::insert(work.conn(), about, called, &by, at).await?;
    let detail = json!({
        "call_id": called.id,
        "customer": customer,
        "contact_id": called.contact,
        "purpose": purpose,
        "outcome": called.outcome.word(),
    });
    work.audit("outage.called", one.id, detail);
    if called.outcome == Outcome::WrongPerson {
        tell::contact_wrong(work, one, customer, called, &by);
        let contact = called.contact;
        let because = Said::new(
            format!("致电客户{customer}时接听的是他人：联系方式{contact}不再使用"),
            format!(
                "a call to customer {customer} reached somebody else: contact {contact} is not used any more"
            ),
        );
        tell::alarm(work, one, "wrong_person", because).await?;
    }
    Ok(())
}
