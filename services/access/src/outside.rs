//! The two services access asks: the registry (whose contact is this?) and notify (send this code).

use chrono::{DateTime, Utc};
use relight_common::grpc::Outgoing;
use relight_common::{Error as Common, Invalid, ids::derived, service::Room, wire};
use relight_proto::{
    notify::v1::{SendCodeRequest, notify_client::NotifyClient},
    registry::v1::{MatchContactRequest, registry_client::RegistryClient},
};
use tonic::Code;
use uuid::Uuid;

use crate::{domain::account::Language, error::Error, rpc::wire_language};

/// Account and phone belong together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Match {
    /// The customer.
    pub customer_id: Uuid,
    /// The contact on file.
    pub contact_id: Uuid,
}

/// A code on its way to a customer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// The code's row.
    pub row: Uuid,
    /// The customer.
    pub customer_id: Uuid,
    /// The contact on file.
    pub contact_id: Uuid,
    /// Six digits.
    pub code: String,
    /// Language asked for.
    pub language: Language,
    /// When the code ends.
    pub expires_at: DateTime<Utc>,
}

impl Message {
    /// The command id of every attempt to send this code: notify sends it once.
    pub fn command_id(&self) -> Uuid {
        derived(self.row, "send")
    }
}

/// What access asks of others.
pub trait Outside: Send + Sync + 'static {
    /// Whose account and phone these are, when they belong together.
    fn match_contact(
        &self,
        account: &str,
        phone: &str,
    ) -> impl Future<Output = Result<Option<Match>, Error>> + Send;

    /// Hands a code over to be sent; the same row again is the same message.
    fn send_code(&self, message: &Message) -> impl Future<Output = Result<(), Error>> + Send;
}

/// The services themselves.
#[derive(Debug, Clone)]
pub struct Services {
    registry: RegistryClient<Outgoing>,
    notify: NotifyClient<Outgoing>,
}

impl Services {
    /// As the peers of `room`.
    pub fn of(room: &Room) -> Self {
        Self {
            registry: RegistryClient::new(room.peers.to("registry")),
            notify: NotifyClient::new(room.peers.to("notify")),
        }
    }
}

impl Outside for Services {
    async fn match_contact(&self, account: &str, phone: &str) -> Result<Option<Match>, Error> {
        let ask = MatchContactRequest {
            account: account.to_owned(),
            value: phone.to_owned(),
        };
        let reply = match self.registry.clone().match_contact(ask).await {
            Ok(reply) => reply.into_inner(),
            Err(status) if status.code() == Code::NotFound => return Ok(None),
            Err(status) if status.code() == Code::InvalidArgument => {
                return Err(Invalid::new("phone", "must be a phone number such as +86 571 8888 0000").into());
            }
            Err(status) => return Err(Common::peer("the registry")(status).into()),
        };
        let customer = wire::uuid_opt("customer_id", &reply.customer_id)?;
        let contact = wire::uuid_opt("contact_id", &reply.contact_id)?;
        let found = |(customer_id, contact_id)| Match {
            customer_id,
            contact_id,
        };
        Ok(customer.zip(contact).map(found))
    }

    async fn send_code(&self, message: &Message) -> Result<(), Error> {
        let request = SendCodeRequest {
            command_id: message.command_id().to_string(),
            customer_id: message.customer_id.to_string(),
            contact_id: message.contact_id.to_string(),
            code: message.code.clone(),
            language: wire_language(message.language).into(),
            expires_at: Some(wire::timestamp(message.expires_at)),
        };
        let sent = self.notify.clone().send_code(request).await;
        sent.map(drop)
            .map_err(Common::peer("notify"))
            .map_err(Error::Common)
    }
}
