//! The submits under way on one connection: sequence number to whoever waits for the answer.

use crate::channel::Outcome;
use rusmpp::pdus::SubmitSm;
use std::collections::{BTreeMap, HashMap, VecDeque};
use tokio::sync::{OwnedSemaphorePermit, oneshot};
use tokio::time::Instant;
use uuid::Uuid;

/// Largest sequence number of the protocol.
const SEQUENCE_MAX: u32 = 0x7fff_ffff;
/// Given-up submits whose answer is still recognised; the oldest are forgotten first.
const LATE_MAX: usize = 10_000;

/// One submit on its way to the session. Dropped before it is registered, it was not written.
pub(crate) struct Request {
    pub(crate) pdu: SubmitSm,
    pub(crate) attempt: Uuid,
    pub(crate) answer: oneshot::Sender<Outcome>,
    pub(crate) permit: OwnedSemaphorePermit,
}

/// A submit that may have been written. However it ends, its caller is told: dropped unanswered, `Unknown`.
struct Waiting {
    attempt: Uuid,
    answer: Option<oneshot::Sender<Outcome>>,
    _place_in_window: OwnedSemaphorePermit,
}

impl Waiting {
    /// Whether the caller took it.
    fn tell(&mut self, outcome: Outcome) -> bool {
        self.answer
            .take()
            .is_some_and(|answer| answer.send(outcome).is_ok())
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.tell(Outcome::Unknown("the connection ended before the answer came"));
    }
}

#[derive(Default)]
pub(super) struct Table {
    last_sequence: u32,
    waiting: HashMap<u32, Waiting>,
    /// In order of registering, which is the order of giving up.
    give_up: VecDeque<(Instant, u32)>,
    late: BTreeMap<u32, Uuid>,
}

impl Table {
    pub(super) fn next_sequence(&mut self) -> u32 {
        self.last_sequence = self.last_sequence % SEQUENCE_MAX + 1;
        self.last_sequence
    }

    /// Takes a request in; what it returns is to be written.
    pub(super) fn register(&mut self, request: Request, give_up_at: Instant) -> (u32, SubmitSm) {
        let sequence = self.next_sequence();
        let Request {
            pdu,
            attempt,
            answer,
            permit,
        } = request;
        self.waiting.insert(
            sequence,
            Waiting {
                attempt,
                answer: Some(answer),
                _place_in_window: permit,
            },
        );
        self.give_up.push_back((give_up_at, sequence));
        (sequence, pdu)
    }

    /// Tells whoever waits. Returns the attempt when nobody does any more.
    pub(super) fn settle(&mut self, sequence: u32, outcome: Outcome) -> Option<Uuid> {
        match self.waiting.remove(&sequence) {
            Some(mut waiting) => (!waiting.tell(outcome)).then_some(waiting.attempt),
            None => self.late.remove(&sequence),
        }
    }

    /// Gives up what is due: the caller is told `Unknown`, the place in the window is free again.
    pub(super) fn give_up(&mut self, now: Instant) {
        while let Some((_, sequence)) = self.give_up.pop_front_if(|(at, _)| *at <= now) {
            if let Some(mut waiting) = self.waiting.remove(&sequence) {
                waiting.tell(Outcome::Unknown("the provider did not answer in time"));
                self.late.insert(sequence, waiting.attempt);
            }
        }
        while self.late.len() > LATE_MAX {
            self.late.pop_first();
        }
    }

    /// When the oldest unanswered submit is given up. Forgets the answered ones before it.
    pub(super) fn next_give_up_at(&mut self) -> Option<Instant> {
        while self
            .give_up
            .pop_front_if(|(_, sequence)| !self.waiting.contains_key(sequence))
            .is_some()
        {}
        self.give_up.front().map(|(at, _)| *at)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::time::Duration;
    use tokio::sync::Semaphore;

    fn request(window: &Arc<Semaphore>) -> (Request, oneshot::Receiver<Outcome>) {
        let (answer, answered) = oneshot::channel();
        let permit = window.clone().try_acquire_owned().expect("room in the window");
        (
            Request {
                pdu: SubmitSm::default(),
                attempt: Uuid::from_u128(1),
                answer,
                permit,
            },
            answered,
        )
    }

    fn accepted() -> Outcome {
        Outcome::Accepted {
            message_id: "1".into(),
        }
    }

    #[test]
    fn sequence_numbers_stay_within_the_protocol() {
        let mut table = Table {
            last_sequence: SEQUENCE_MAX - 1,
            ..Table::default()
        };
        assert_eq!([table.next_sequence(), table.next_sequence()], [SEQUENCE_MAX, 1]);
    }

    #[test]
    fn an_answer_frees_the_window_and_reaches_its_caller() {
        let window = Arc::new(Semaphore::new(1));
        let mut table = Table::default();
        let (request, mut answered) = request(&window);
        let (sequence, _) = table.register(request, Instant::now());
        assert_eq!(window.available_permits(), 0);
        assert_eq!(table.settle(sequence, accepted()), None);
        assert_eq!(answered.try_recv(), Ok(accepted()));
        assert_eq!(window.available_permits(), 1);
        assert_eq!(
            table.settle(sequence, accepted()),
            None,
            "a second answer to the same submit says nothing"
        );
    }

    #[test]
    fn an_answer_after_giving_up_names_its_attempt() {
        let window = Arc::new(Semaphore::new(1));
        let mut table = Table::default();
        let (request, mut answered) = request(&window);
        let now = Instant::now();
        let (sequence, _) = table.register(request, now + Duration::from_secs(1));
        table.give_up(now);
        assert!(!table.is_empty(), "not due yet");
        table.give_up(now + Duration::from_secs(1));
        assert!(matches!(answered.try_recv(), Ok(Outcome::Unknown(_))));
        assert_eq!(window.available_permits(), 1);
        assert_eq!(table.settle(sequence, accepted()), Some(Uuid::from_u128(1)));
        assert_eq!(table.settle(sequence, accepted()), None);
    }

    #[test]
    fn the_end_of_the_connection_is_unknown_for_what_was_registered() {
        let window = Arc::new(Semaphore::new(1));
        let mut table = Table::default();
        let (request, mut answered) = request(&window);
        table.register(request, Instant::now());
        drop(table);
        assert!(matches!(answered.try_recv(), Ok(Outcome::Unknown(_))));
    }
}
