//! What registry knows by now, asked before every step that leads to a cut (operations.md O10, O12), and whose a number is.

use relight_common::{Begun, Claims, Invalid, Work, command::Meta, ids::CommandId};
use relight_proto::arrears::v1::apply_request::Event;
use uuid::Uuid;

use super::Api;
use crate::{
    desk,
    domain::class::Class,
    error::Error,
    outside::Outside,
    store::{account::Supply, case::Stored},
};

impl<O: Outside> Api<O> {
    /// Asks registry where `event` could lead to a cut: before a notice, before a last warning, and before life support is
    /// said to be over, which registry alone decides.
    pub(super) async fn asked_before(
        &self,
        claims: &Claims,
        stored: &Stored,
        event: &Event,
    ) -> Result<Option<Supply>, Error> {
        let asks = match event {
            Event::Issue(_) | Event::PreNotice(_) => true,
            Event::Classify(_) => stored.doc.class == Class::LifeSupport,
            _ => false,
        };
        if asks {
            self.refreshed(claims, stored).await.map(Some)
        } else {
            Ok(None)
        }
    }

    /// What registry says by now, taken over in a step of its own: it stays whatever becomes of the command.
    ///
    /// A case that is not any more where it was is refused, with where it is now.
    pub(super) async fn refreshed(&self, claims: &Claims, stored: &Stored) -> Result<Supply, Error> {
        let supply = self.outside.supply(&stored.account).await?;
        let supply = supply.map_err(Error::NoSupply)?;
        if desk::is_known(stored, &supply) {
            return Ok(supply);
        }
        let meta = Meta {
            id: CommandId::new(),
            actor: claims.actor.clone(),
            body_hash: [0; 32],
            at: self.clock.now(),
        };
        if let Begun::New(mut work) = Work::begin::<()>(&self.db, meta).await? {
            let refusal = desk::registered(&mut work, &self.house, stored.id, &supply).await?;
            work.commit(()).await?;
            if let Some(refusal) = refusal {
                return Err(refusal.into());
            }
        }
        Ok(supply)
    }

    /// A call proves something at a number of the customer only.
    pub(super) async fn check_number(&self, stored: &Stored, contact: Uuid) -> Result<(), Error> {
        if self.outside.is_number(stored.customer_id, contact).await? {
            Ok(())
        } else {
            let must = "must be a number of this customer at registry (GET /api/v1/customers/{id}/numbers)";
            Err(Invalid::new("call.contact_id", must).into())
        }
    }
}
