//! A call that reached somebody else: the number is not the customer's, at once and without anybody reporting it again
//! (operations.md O15). The value is asked of the registry before the transaction; no event carries it.

use relight_common::{Work, wire};
use relight_proto::events::v1::ContactWrong;

use super::{Notices, Plan};
use crate::{
    error::Error,
    seal::mask,
    wrong::{self, Found},
};

/// Whose number it is not, and who called.
#[derive(Debug)]
pub struct Stranger {
    found: Found,
    by: String,
}

impl Notices {
    /// A contact that the registry does not have any more is used by nobody: there is nothing to note.
    pub(super) async fn stranger(&self, told: &ContactWrong) -> Result<Plan, Error> {
        let customer = wire::uuid("customer_id", &told.customer_id)?;
        let contact = wire::uuid("contact_id", &told.contact_id)?;
        let contacts = self.people.contacts(&[customer]).await?;
        let Some(contact) = contacts.into_iter().find(|one| one.id == contact) else {
            return Ok(Plan::Nothing);
        };
        Ok(Plan::Wrong(Box::new(Stranger {
            found: Found {
                customer,
                channel: contact.channel.word().to_owned(),
                recipient: self.sealer.recipient(&contact.value).to_vec(),
                masked: mask(contact.channel, &contact.value),
                contact: Some(contact.id),
            },
            by: wire::text_required("called_by", &told.called_by, 200)?,
        })))
    }
}

impl Stranger {
    /// Noted once, however often they are called.
    pub(super) async fn note(self, work: &mut Work) -> Result<(), Error> {
        wrong::report(work, self.found, &self.by, "").await.map(drop)
    }
}
