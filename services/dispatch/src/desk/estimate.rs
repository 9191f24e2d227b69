//! The estimate of restoration (O19): given, prompted for, withdrawn.

use super::{By, Change, tell};
use crate::{
    domain::{
        clock::Name,
        etr::{self, Estimate, Source},
        order::{self, Event, Kind},
    },
    error::Error,
    store,
};

impl Change<'_> {
    /// What a step does to the estimate.
    pub(super) async fn run_estimate(&mut self, event: &Event, by: &By) -> Result<(), Error> {
        match event {
            Event::Survey(finding) => match finding.etr_at {
                Some(at) => self
                    .estimate(
                        Estimate {
                            at,
                            source: Source::Crew,
                        },
                        "survey",
                        by,
                    )
                    .await
                    .map(drop),
                None => Ok(()),
            },
            Event::Suspend { .. } => self.withdraw_estimate("suspended", by).await,
            Event::Reassign { .. } => self.withdraw_estimate("reassigned", by).await,
            Event::Reopen => self.withdraw_estimate("reopened", by).await,
            Event::CallBack { .. } if self.is_still_off() => self.withdraw_estimate("still_off", by).await,
            Event::Merge { .. } => self.withdraw_estimate("merged", by).await,
            Event::Withdraw => self.withdraw_estimate("withdrawn", by).await,
            _ => Ok(()),
        }
    }

    /// Takes an estimate. False: it says what is known already.
    ///
    /// # Errors
    /// [`Error::Estimate`].
    pub(super) async fn estimate(
        &mut self,
        new: Estimate,
        reason: &'static str,
        by: &By,
    ) -> Result<bool, Error> {
        let kind = self.order.kind;
        if kind != Kind::Fault {
            return Err(order::Refusal::NotItsKind {
                kind: kind.word(),
                event: "set_etr",
                instead: kind.instead(),
            }
            .into());
        }
        if !self.order.state.is_before_restored() {
            return Err(etr::Refusal::NothingToEstimate {
                state: self.order.state.word(),
            }
            .into());
        }
        if !etr::replaces(self.order.etr, new, by.received_at)? {
            return Ok(false);
        }
        self.stop(Name::Etr, by.received_at, false).await?;
        self.change_estimate(Some(new), reason, by).await?;
        self.start_etr(by.received_at, new.at).await?;
        Ok(true)
    }

    /// Takes the estimate back; nothing when there is none.
    pub(super) async fn withdraw_estimate(&mut self, reason: &'static str, by: &By) -> Result<(), Error> {
        if self.order.etr.is_none() {
            return Ok(());
        }
        self.stop(Name::Etr, by.received_at, reason == "lapsed").await?;
        self.change_estimate(None, reason, by).await
    }

    async fn change_estimate(
        &mut self,
        new: Option<Estimate>,
        reason: &'static str,
        by: &By,
    ) -> Result<(), Error> {
        let previous_at = self.order.etr.map(|etr| etr.at);
        self.order.etr = new;
        self.bump();
        let change = store::etr::Change {
            at: by.received_at,
            etr_at: new.map(|etr| etr.at),
            previous_at,
            cause_code: &self.order.cause_code,
            actor: &by.actor,
            reason,
        };
        store::etr::append(self.work.conn(), self.order.id, &change).await?;
        tell::etr(self.work, &self.order, previous_at);
        let audited = serde_json::json!({ "etr_at": new.map(|etr| etr.at), "reason": reason });
        self.work.audit("order.etr", self.order.id, audited);
        Ok(())
    }
}
