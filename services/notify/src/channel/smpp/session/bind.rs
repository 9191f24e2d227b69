//! The opening of a session.

use super::{Frame, Wire};
use crate::channel::smpp::Config;
use futures_util::{SinkExt, StreamExt};
use rusmpp::pdus::BindTransceiver;
use rusmpp::types::{COctetString, COctetStringError};
use rusmpp::values::InterfaceVersion;
use rusmpp::{Command, CommandId, CommandStatus};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::time::timeout;
use tokio_util::codec::{FramedRead, FramedWrite};

/// Why there is no session.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoSession {
    #[error("could not connect to the provider")]
    Connect(#[source] std::io::Error),
    #[error("the provider did not answer in time")]
    Timeout,
    #[error("the provider closed the connection during the bind")]
    Closed,
    #[error("the provider refused the bind with status {0:#x}; check system_id, password and address")]
    Refused(u32),
    #[error("a setting does not fit the protocol")]
    Setting(#[source] COctetStringError),
}

/// A bound connection. Two halves from the start: what the provider sends in one segment with its answer to the bind
/// stays in the reader that will be used.
pub(crate) struct Bound {
    pub(super) read: FramedRead<OwnedReadHalf, Wire>,
    pub(super) write: FramedWrite<OwnedWriteHalf, Wire>,
}

/// Connects and binds as a transceiver.
pub(crate) async fn bind(config: &Config) -> Result<Bound, NoSession> {
    timeout(config.response_timeout, connect_and_bind(config))
        .await
        .map_err(|_| NoSession::Timeout)?
}

async fn connect_and_bind(config: &Config) -> Result<Bound, NoSession> {
    let pdu = request(config).map_err(NoSession::Setting)?;
    let stream = TcpStream::connect(&config.address)
        .await
        .map_err(NoSession::Connect)?;
    // Small frames both ways: waiting to fill a segment only adds latency.
    stream.set_nodelay(true).map_err(NoSession::Connect)?;
    let (read, write) = stream.into_split();
    let mut bound = Bound {
        read: FramedRead::new(read, Wire),
        write: FramedWrite::new(write, Wire),
    };
    // The session's own numbers start over; this one is answered before they begin.
    bound
        .write
        .send(Command::new(CommandStatus::EsmeRok, 1, pdu))
        .await
        .map_err(NoSession::Connect)?;
    loop {
        match bound.read.next().await {
            Some(Ok(Frame::Command(answer))) if is_answer(answer.id()) => {
                return match u32::from(answer.status()) {
                    0 => Ok(bound),
                    status => Err(NoSession::Refused(status)),
                };
            }
            Some(Ok(_)) => {}
            Some(Err(_)) | None => return Err(NoSession::Closed),
        }
    }
}

fn is_answer(id: CommandId) -> bool {
    matches!(id, CommandId::BindTransceiverResp | CommandId::GenericNack)
}

fn request(config: &Config) -> Result<BindTransceiver, COctetStringError> {
    Ok(BindTransceiver::builder()
        .system_id(COctetString::from_string(config.system_id.clone())?)
        .password(COctetString::from_string(config.password.clone())?)
        .system_type(COctetString::from_string(config.system_type.clone())?)
        .interface_version(InterfaceVersion::Smpp3_4)
        .build())
}
