//! One bound connection, from the bind to its end. One task owns all of its state, so nothing here is locked.

mod bind;
mod table;

pub(super) use bind::{Bound, bind};
pub(super) use table::Request;

use super::inbound::{Ack, Inbound, Received};
use super::receipt::{Receipt, normal_id};
use super::status::{TRY_AGAIN, refusal};
use super::wire::{Frame, Wire};
use super::{Bind, Shared};
use crate::channel::{Outcome, Refusal};
use futures_util::{SinkExt, StreamExt};
use rusmpp::pdus::{DeliverSm, DeliverSmResp};
use rusmpp::{Command, CommandId, CommandStatus, Pdu};
use std::sync::Arc;
use table::Table;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::{Semaphore, mpsc};
use tokio::time::{Instant, sleep_until};
use tokio_util::codec::{FramedRead, FramedWrite};
use tokio_util::sync::CancellationToken;

/// Bit of a command id that makes it the answer to a request.
const RESPONSE: u32 = 0x8000_0000;

/// Why a session ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum End {
    /// We unbound, as asked.
    Stopped,
    /// Anything else; a new connection is needed.
    Lost(&'static str),
}

/// Where a session is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Submits are written.
    Open,
    /// No more submits; waiting for the answers to those under way.
    Draining,
    /// Waiting for the other side to confirm the end, until then.
    Unbinding(Instant),
}

struct Session {
    shared: Arc<Shared>,
    inbound: mpsc::UnboundedSender<Inbound>,
    inbound_slots: Arc<Semaphore>,
    out: mpsc::UnboundedSender<Command>,
    table: Table,
    phase: Phase,
    /// Last time anything came in.
    heard_at: Instant,
    /// When the open enquire_link was sent.
    enquired_at: Option<Instant>,
}

/// Runs a bound connection until it ends. Every submit that was written is answered, at the latest with `Unknown`.
pub(super) async fn run(
    bound: Bound,
    shared: Arc<Shared>,
    inbound: mpsc::UnboundedSender<Inbound>,
    stop: &CancellationToken,
) -> End {
    let Bound { read, write } = bound;
    let (out, outgoing) = mpsc::unbounded_channel();
    let (requests_to, mut requests) = mpsc::unbounded_channel();
    let mut session = Session::new(shared.clone(), inbound, out);
    shared.bind.send_replace(Bind::Up(requests_to));
    let end = tokio::select! {
        end = session.talk(read, &mut requests, stop) => end,
        end = write_all(write, outgoing) => end,
    };
    shared.bind.send_replace(Bind::Down);
    end
}

/// Writes what is queued, as much as there is in one go. Bounded by the window and by the inbound slots.
async fn write_all(
    mut write: FramedWrite<OwnedWriteHalf, Wire>,
    mut outgoing: mpsc::UnboundedReceiver<Command>,
) -> End {
    while let Some(command) = outgoing.recv().await {
        let mut fed = write.feed(command).await;
        while let (Ok(()), Ok(command)) = (&fed, outgoing.try_recv()) {
            fed = write.feed(command).await;
        }
        if fed.is_err() || write.flush().await.is_err() {
            return End::Lost("the connection broke while writing");
        }
    }
    End::Lost("the session went away")
}

impl Session {
    fn new(
        shared: Arc<Shared>,
        inbound: mpsc::UnboundedSender<Inbound>,
        out: mpsc::UnboundedSender<Command>,
    ) -> Self {
        Self {
            inbound_slots: Arc::new(Semaphore::new(shared.config.inbound_max)),
            shared,
            inbound,
            out,
            table: Table::default(),
            phase: Phase::Open,
            heard_at: Instant::now(),
            enquired_at: None,
        }
    }

    async fn talk(
        &mut self,
        mut read: FramedRead<OwnedReadHalf, Wire>,
        requests: &mut mpsc::UnboundedReceiver<Request>,
        stop: &CancellationToken,
    ) -> End {
        loop {
            let wake_at = self.wake_at();
            let end = tokio::select! {
                frame = read.next() => match frame {
                    Some(Ok(frame)) => self.on_frame(frame),
                    Some(Err(_)) => Some(End::Lost("the connection broke while reading")),
                    None => Some(self.closed_by_peer()),
                },
                Some(request) = requests.recv(), if self.phase == Phase::Open => { self.submit(request); None }
                () = stop.cancelled(), if self.phase == Phase::Open => { self.leave_open(Phase::Draining); None }
                () = sleep_until(wake_at) => self.on_time(Instant::now()),
            };
            if let Some(end) = end {
                return end;
            }
            self.unbind_when_drained();
        }
    }

    fn closed_by_peer(&self) -> End {
        match self.phase {
            Phase::Unbinding(_) => End::Stopped,
            Phase::Open | Phase::Draining => End::Lost("the provider closed the connection"),
        }
    }

    /// New submits wait for the next connection.
    fn leave_open(&mut self, phase: Phase) {
        self.shared.bind.send_replace(Bind::Down);
        self.phase = phase;
    }

    /// Registers, then writes: the answer can never be there before its question is known.
    fn submit(&mut self, request: Request) {
        if request.answer.is_closed() {
            return; // the caller is gone and nothing was written
        }
        let give_up_at = Instant::now() + self.shared.config.response_timeout;
        let (sequence, pdu) = self.table.register(request, give_up_at);
        self.send(CommandStatus::EsmeRok, sequence, pdu);
    }

    fn send(&self, status: CommandStatus, sequence: u32, pdu: impl Into<Pdu>) {
        // Fails only when the writer has ended, and then the session ends with it.
        let _ = self.out.send(Command::new(status, sequence, pdu));
    }

    fn on_frame(&mut self, frame: Frame) -> Option<End> {
        self.heard_at = Instant::now();
        self.enquired_at = None;
        let command = match frame {
            Frame::Command(command) => command,
            Frame::Unreadable { id, sequence } => {
                tracing::warn!(provider = %self.shared.config.provider, command_id = id, "unreadable SMPP PDU refused");
                return self.on_unreadable(id, sequence);
            }
        };
        let (status, sequence) = (u32::from(command.status()), command.sequence_number());
        match command.pdu() {
            Some(Pdu::SubmitSmResp(resp)) => self.on_answer(sequence, status, resp.message_id().as_str()),
            Some(Pdu::GenericNack) => self.on_answer(sequence, status.max(1), ""),
            Some(Pdu::DeliverSm(deliver)) => self.on_deliver(sequence, deliver),
            Some(Pdu::EnquireLink) => self.send(CommandStatus::EsmeRok, sequence, Pdu::EnquireLinkResp),
            Some(Pdu::Unbind) => {
                self.send(CommandStatus::EsmeRok, sequence, Pdu::UnbindResp);
                self.leave_open(Phase::Unbinding(
                    Instant::now() + self.shared.config.response_timeout,
                ));
            }
            Some(Pdu::UnbindResp) => return Some(End::Stopped),
            // A refusal comes without a body.
            None if command.id() == CommandId::SubmitSmResp => self.on_answer(sequence, status, ""),
            _ => self.on_other(command.id(), sequence),
        }
        None
    }

    /// Answers and notices we do not use are passed over; a request nobody serves is refused, not left waiting.
    fn on_other(&self, id: CommandId, sequence: u32) {
        if u32::from(id) & RESPONSE == 0 && !matches!(id, CommandId::AlertNotification | CommandId::Outbind) {
            self.send(CommandStatus::EsmeRinvcmdid, sequence, Pdu::GenericNack);
        }
    }

    /// An unreadable answer says nothing about its message; an unreadable request is refused.
    fn on_unreadable(&mut self, id: u32, sequence: u32) -> Option<End> {
        match id & RESPONSE != 0 {
            true => self.settle(sequence, Outcome::Unknown("the provider's answer is unreadable")),
            false => self.send(CommandStatus::EsmeRsyserr, sequence, Pdu::GenericNack),
        }
        None
    }

    fn on_answer(&mut self, sequence: u32, status: u32, message_id: &str) {
        let outcome = match status {
            0 => Outcome::Accepted {
                message_id: normal_id(message_id),
            },
            status => Outcome::Refused {
                status,
                refusal: refusal(status),
            },
        };
        if matches!(
            outcome,
            Outcome::Refused {
                refusal: Refusal::Throttled,
                ..
            }
        ) {
            let until = Instant::now() + self.shared.config.throttle_pause;
            self.shared.paused_until.send_replace(Some(until));
        }
        self.settle(sequence, outcome);
    }

    fn settle(&mut self, sequence: u32, outcome: Outcome) {
        if let Some(attempt) = self.table.settle(sequence, outcome.clone()) {
            let _ = self.inbound.send(Inbound::Late { attempt, outcome });
        }
    }

    /// Hands it over with its token; with too many unsettled the provider is asked to keep it for now.
    fn on_deliver(&mut self, sequence: u32, deliver: &DeliverSm) {
        let Ok(slot) = self.inbound_slots.clone().try_acquire_owned() else {
            return self.send(CommandStatus::from(TRY_AGAIN), sequence, DeliverSmResp::default());
        };
        let ack = Ack::new(self.out.clone(), sequence, slot);
        let inbound = match Receipt::of(deliver) {
            Some(receipt) => Inbound::Receipt(receipt, ack),
            None => Inbound::Message(Received::of(deliver), ack),
        };
        // Nobody listens any more: the token is dropped with the error, and the provider keeps it.
        let _ = self.inbound.send(inbound);
    }

    fn wake_at(&mut self) -> Instant {
        let give_up_at = self.table.next_give_up_at();
        let config = &self.shared.config;
        let link = match (self.phase, self.enquired_at) {
            (Phase::Unbinding(until), _) => until,
            (_, Some(at)) => at + config.response_timeout,
            (_, None) => self.heard_at + config.enquire_after,
        };
        give_up_at.map_or(link, |at| at.min(link))
    }

    fn on_time(&mut self, now: Instant) -> Option<End> {
        self.table.give_up(now);
        let config = &self.shared.config;
        match (self.phase, self.enquired_at) {
            (Phase::Unbinding(until), _) if until <= now => return Some(End::Stopped),
            (Phase::Unbinding(_), _) => {}
            (_, Some(at)) if at + config.response_timeout <= now => {
                return Some(End::Lost("the provider does not answer enquire_link"));
            }
            (_, None) if self.heard_at + config.enquire_after <= now => {
                let sequence = self.table.next_sequence();
                self.send(CommandStatus::EsmeRok, sequence, Pdu::EnquireLink);
                self.enquired_at = Some(now);
            }
            _ => {}
        }
        None
    }

    fn unbind_when_drained(&mut self) {
        if self.phase == Phase::Draining && self.table.is_empty() {
            let sequence = self.table.next_sequence();
            self.send(CommandStatus::EsmeRok, sequence, Pdu::Unbind);
            self.phase = Phase::Unbinding(Instant::now() + self.shared.config.response_timeout);
        }
    }
}
