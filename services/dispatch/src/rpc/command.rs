//! `Apply` and `AcknowledgeAlarm`: what other services do first, then the transaction.

use relight_common::{
    Begun, Claims, Invalid, Work,
    command::{self, Meta},
};
use relight_proto::dispatch::v1::{AcknowledgeAlarmRequest, ApplyRequest, Order};

use super::{
    Api,
    event::{Asks, read, said},
};
use crate::{
    desk::{self, Act, Command},
    domain::{
        clock::{Level, Name},
        ids::OrderId,
        order::{Event, Section},
        rules::Broken,
    },
    error::Error,
    store::assignment,
};

impl Api {
    pub(super) async fn apply_command(&self, claims: &Claims, request: ApplyRequest) -> Result<Order, Error> {
        let now = self.clock.now();
        let meta = Meta::new(&request.command_id, claims, &said(&request), now)?;
        let (mut command, asks) = read(&request, now)?;
        if asks != Asks::Nothing {
            if let Some(before) = self.replied_before(&meta).await? {
                return Ok(before);
            }
            self.ask_others(claims, &meta, &mut command, asks).await?;
        }
        let mut work = match Work::begin(&self.db, meta).await? {
            Begun::Before(reply) => return Ok(reply),
            Begun::New(work) => work,
        };
        if let Err(error) = desk::apply(&mut work, &self.pack, claims, &command).await {
            drop(work);
            return Err(self.name_the_order(error).await);
        }
        let reply = self.view(&mut work, command.order).await?;
        let reply = work.commit(reply).await?;
        self.live.changed();
        self.orders.forget(command.order);
        Ok(reply)
    }

    async fn replied_before(&self, meta: &Meta) -> Result<Option<Order>, Error> {
        let Some(reply) = command::seen(&mut *self.conn().await?, meta).await? else {
            return Ok(None);
        };
        let reply = prost::Message::decode(reply.as_slice());
        reply
            .map(Some)
            .map_err(|error| relight_common::Error::Decode("a stored reply", error).into())
    }

    /// Asks other services only when the command would be carried out; their part is repeatable.
    async fn ask_others(
        &self,
        claims: &Claims,
        meta: &Meta,
        command: &mut Command,
        asks: Asks,
    ) -> Result<(), Error> {
        let mut work = Work::internal(&self.db, meta.id.to_string(), meta.at).await?;
        let order = desk::rehearse(&mut work, &self.pack, claims, command).await?;
        drop(work);
        match asks {
            Asks::Nothing => Ok(()),
            Asks::Confirm { device_id } => match order.incident {
                Some(incident) => self.others.confirm(meta.id, incident, &device_id).await,
                // Refused by the rehearsal: only a fault is surveyed.
                None => Ok(()),
            },
            Asks::Section {
                device_ids,
                service_points,
            } => {
                let set = self
                    .others
                    .section(&order.affected_set_id, device_ids, service_points)
                    .await?;
                if let Act::Event(Event::Restore(Section::Part {
                    set_id, customers, ..
                })) = &mut command.act
                {
                    (*set_id, *customers) = (set.set_id, set.count);
                }
                Ok(())
            }
        }
    }

    /// The database's own answer to two dispatchers at one moment does not know the other order's number.
    async fn name_the_order(&self, error: Error) -> Error {
        let Error::CrewTaken(crew) = error else {
            return error;
        };
        let number = match self.conn().await {
            Ok(mut conn) => assignment::number_of_active(&mut conn, crew).await.ok().flatten(),
            Err(_) => None,
        };
        number.map_or(Error::CrewTaken(crew), |number| {
            let number = number.into();
            Error::Rule(Broken::Busy { number })
        })
    }

    pub(super) async fn acknowledge(
        &self,
        claims: &Claims,
        request: AcknowledgeAlarmRequest,
    ) -> Result<Order, Error> {
        let id = OrderId::parse(&request.order_id)?;
        let clock = Name::parse(&request.clock).ok_or_else(|| {
            Invalid::new(
                "clock",
                "must be arrival, unit_take, crew_take, review, etr, start or reconnect",
            )
        })?;
        let level = Level::parse(&request.level)
            .filter(|level| *level != Level::None)
            .ok_or_else(|| Invalid::new("level", "must be watch, at_risk or breach"))?;
        let mut work = match self.begin(&request.command_id, claims, &request).await? {
            Begun::Before(reply) => return Ok(reply),
            Begun::New(work) => work,
        };
        desk::acknowledge(&mut work, &self.pack, claims, (id, clock, level)).await?;
        let reply = self.view(&mut work, id).await?;
        Ok(work.commit(reply).await?)
    }
}
