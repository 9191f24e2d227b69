//! What the others tell.

mod dispatch;
mod intake;
mod notify;
mod registry;

use prost::Message;
use relight_proto::events::v1::Event;

pub use dispatch::FromDispatch;
pub use intake::FromIntake;
pub use notify::FromNotify;
pub use registry::FromRegistry;

use crate::error::Error;

fn decode<M: Message + Default>(event: &Event) -> Result<M, Error> {
    M::decode(event.data.as_slice())
        .map_err(|error| relight_common::Error::Decode("an event's payload", error).into())
}
