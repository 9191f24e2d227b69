//! One connection of a client to the provider.

use super::knobs::Verdict;
use super::outbox::Delivery;
use super::{Shared, Submitted};
use chrono::Utc;
use smpp34::{CommandHeader, SmppError, TlvList, bind_transceiver, generic_nack, submit_sm};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

const RESPONSE: u32 = 0x8000_0000;
const SUBMIT_SM: u32 = 0x04;
const DELIVER_SM_RESP: u32 = 0x8000_0005;
const UNBIND: u32 = 0x06;
const BIND_TRANSCEIVER: u32 = 0x09;
const ENQUIRE_LINK: u32 = 0x15;
const FRAME_MAX: usize = 80 * 1024;
/// Bits of `registered_delivery`: a receipt for every final state.
const RECEIPT_BITS: u8 = 0x03;
const RECEIPT_ALWAYS: u8 = 0x01;

/// The connection is over.
struct Over;

pub(super) struct Connection {
    number: u64,
    shared: Arc<Shared>,
    unanswered: Arc<AtomicUsize>,
    answers: JoinSet<()>,
    is_bound: bool,
}

/// Whatever ends a connection, its receipts go back.
struct GoneOnDrop(u64, Arc<Shared>);

impl Drop for GoneOnDrop {
    fn drop(&mut self) {
        self.1.outbox().gone(self.0);
    }
}

impl Connection {
    pub(super) fn new(number: u64, shared: Arc<Shared>) -> Self {
        Self {
            number,
            shared,
            unanswered: Arc::default(),
            answers: JoinSet::new(),
            is_bound: false,
        }
    }

    pub(super) async fn run(mut self, stream: TcpStream) {
        let _gone = GoneOnDrop(self.number, self.shared.clone());
        let _ = stream.set_nodelay(true);
        let (read, write) = stream.into_split();
        let (frames, outgoing) = mpsc::unbounded_channel();
        let mut cuts = self.shared.cuts.subscribe();
        tokio::select! {
            _ = self.listen(read, &frames) => {}
            () = write_all(write, outgoing) => {}
            _ = cuts.changed() => {}
        }
    }

    async fn listen(
        &mut self,
        mut read: OwnedReadHalf,
        frames: &mpsc::UnboundedSender<Vec<u8>>,
    ) -> Result<(), Over> {
        loop {
            let frame = next_frame(&mut read).await.ok_or(Over)?;
            let header = CommandHeader::decode(&frame).map_err(|_| Over)?;
            self.on_frame(header, &frame, frames)?;
        }
    }

    fn on_frame(
        &mut self,
        header: CommandHeader,
        frame: &[u8],
        frames: &mpsc::UnboundedSender<Vec<u8>>,
    ) -> Result<(), Over> {
        let (id, sequence, status) = (header.command_id, header.sequence_number, header.command_status);
        match id {
            BIND_TRANSCEIVER => self.bind(header, frame, frames),
            SUBMIT_SM if self.is_bound => self.submit(header, frame, frames),
            DELIVER_SM_RESP => {
                let settled = self.shared.outbox().settle(self.number, sequence, status);
                settled
                    .into_iter()
                    .for_each(|settled| self.shared.receipts.push(settled));
                Ok(())
            }
            ENQUIRE_LINK => send(frames, plain(ENQUIRE_LINK | RESPONSE, 0, sequence)),
            UNBIND => {
                self.shared.unbinds.push(self.number);
                send(frames, plain(UNBIND | RESPONSE, 0, sequence))
            }
            id if id & RESPONSE != 0 => Ok(()),
            _ => send(
                frames,
                generic_nack::new(SmppError::ESME_RINVCMDID, sequence).encode(),
            ),
        }
    }

    fn bind(
        &mut self,
        header: CommandHeader,
        frame: &[u8],
        frames: &mpsc::UnboundedSender<Vec<u8>>,
    ) -> Result<(), Over> {
        let request = bind_transceiver::decode(header, frame).map_err(|_| Over)?;
        if self.shared.knobs().is_bind_refused() {
            return send(frames, request.reject(SmppError::ESME_RBINDFAIL).encode());
        }
        let system_id = request.system_id.clone();
        send(
            frames,
            request.accept("relight-smsc".to_owned(), Some(0x34)).encode(),
        )?;
        self.is_bound = true;
        self.shared.binds.push(system_id);
        self.shared.outbox().bound(self.number, frames.clone());
        Ok(())
    }

    fn submit(
        &mut self,
        header: CommandHeader,
        frame: &[u8],
        frames: &mpsc::UnboundedSender<Vec<u8>>,
    ) -> Result<(), Over> {
        let sequence = header.sequence_number;
        let Ok(submit) = submit_sm::decode(header, frame) else {
            return send(
                frames,
                plain(SUBMIT_SM | RESPONSE, SmppError::ESME_RINVCMDLEN as u32, sequence),
            );
        };
        let verdict = self.shared.knobs().judge();
        let unanswered = self.unanswered.fetch_add(1, Ordering::SeqCst) + 1;
        self.shared.unanswered_max.send_if_modified(|max| {
            let is_more = unanswered > *max;
            *max = unanswered.max(*max);
            is_more
        });
        self.record(&submit, &verdict);
        if verdict.is_dropped {
            return Err(Over);
        }
        self.answer(Answer {
            submit,
            verdict,
            sequence,
            frames: frames.clone(),
            unanswered: self.unanswered.clone(),
        });
        Ok(())
    }

    fn record(&self, submit: &submit_sm, verdict: &Verdict) {
        let submitted = Submitted {
            source: submit.source_addr.clone(),
            destination: submit.destination_addr.clone(),
            esm_class: submit.esm_class,
            data_coding: submit.data_coding,
            registered_delivery: submit.registered_delivery,
            validity_period: submit.validity_period.clone(),
            reference: submit.tlvs.user_message_reference(),
            octets: submit.short_message.clone(),
            status: verdict.status,
            message_id: verdict.answered_id(),
            connection: self.number,
            received_at: Utc::now(),
        };
        let text = (verdict.status == 0)
            .then(|| self.shared.assembler().add(submitted.clone()))
            .flatten();
        self.shared.submits.push(submitted);
        text.into_iter().for_each(|text| self.shared.texts.push(text));
    }

    /// At once, in order; only what is held or late waits on its own.
    fn answer(&mut self, answer: Answer) {
        while self.answers.try_join_next().is_some() {}
        if answer.verdict.answer_after.is_zero() && !*self.shared.is_held.borrow() {
            return answer.give(&self.shared);
        }
        let shared = self.shared.clone();
        self.answers.spawn(async move {
            let _ = shared.is_held.subscribe().wait_for(|is_held| !is_held).await;
            tokio::time::sleep(answer.verdict.answer_after).await;
            answer.give(&shared);
        });
    }
}

/// What is owed for one submit.
struct Answer {
    submit: submit_sm,
    verdict: Verdict,
    sequence: u32,
    frames: mpsc::UnboundedSender<Vec<u8>>,
    unanswered: Arc<AtomicUsize>,
}

impl Answer {
    fn give(self, shared: &Shared) {
        if self.verdict.is_receipt_first {
            self.send_receipts(shared);
        }
        self.unanswered.fetch_sub(1, Ordering::SeqCst);
        let _ = match self.verdict.status {
            0 => send(
                &self.frames,
                self.submit.clone().accept(self.verdict.answered_id()).encode(),
            ),
            status => send(&self.frames, plain(SUBMIT_SM | RESPONSE, status, self.sequence)),
        };
        if !self.verdict.is_receipt_first {
            self.send_receipts(shared);
        }
    }

    fn send_receipts(&self, shared: &Shared) {
        let is_asked_for = self.submit.registered_delivery & RECEIPT_BITS == RECEIPT_ALWAYS;
        if self.verdict.status != 0 || !is_asked_for {
            return;
        }
        for _ in 0..self.verdict.receipt_copies {
            shared
                .outbox()
                .send(Delivery::receipt(&self.submit, &self.verdict));
        }
    }
}

fn plain(command_id: u32, command_status: u32, sequence_number: u32) -> Vec<u8> {
    CommandHeader {
        command_length: 16,
        command_id,
        command_status,
        sequence_number,
    }
    .encode()
}

fn send(frames: &mpsc::UnboundedSender<Vec<u8>>, frame: Vec<u8>) -> Result<(), Over> {
    frames.send(frame).map_err(|_| Over)
}

async fn next_frame(read: &mut OwnedReadHalf) -> Option<Vec<u8>> {
    let length = read.read_u32().await.ok()? as usize;
    if !(16..=FRAME_MAX).contains(&length) {
        return None;
    }
    let mut frame = vec![0; length];
    frame[..4].copy_from_slice(&u32::try_from(length).ok()?.to_be_bytes());
    read.read_exact(&mut frame[4..]).await.ok()?;
    Some(frame)
}

async fn write_all(mut write: OwnedWriteHalf, mut outgoing: mpsc::UnboundedReceiver<Vec<u8>>) {
    while let Some(frame) = outgoing.recv().await {
        if write.write_all(&frame).await.is_err() {
            return;
        }
    }
}
