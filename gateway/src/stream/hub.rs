//! The ring of recent events of one gateway, and positions in it.

use std::{
    collections::VecDeque,
    fmt,
    sync::{
        Arc, RwLock, RwLockReadGuard,
        atomic::{AtomicU8, Ordering},
    },
};

use relight_common::db::PARTITIONS;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

/// Whose events are shown.
pub(crate) const SOURCES: [&str; 5] = ["intake", "dispatch", "insight", "planner", "arrears"];
const PER_SOURCE: usize = PARTITIONS as usize;
/// One slot per stream: source times partitions.
const SLOTS: usize = SOURCES.len() * PER_SOURCE;
/// Events held: a client that was away longer reads its lists again.
const HELD_MAX: usize = 4_096;
/// Open streams of one gateway.
const SEATS: usize = 1_000;
const ALL_LIVE: u8 = (1 << SOURCES.len()) - 1;

/// One event as clients see it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Item {
    /// Which stream.
    pub slot: usize,
    /// Gapless number in the stream.
    pub seq: u64,
    /// Event type.
    pub kind: String,
    /// Filters who sees it.
    pub org_path: String,
    /// The event as JSON; empty: of a type nobody is shown.
    pub json: String,
}

/// Number of the stream of `source` and `partition`.
pub(crate) fn slot(source: usize, partition: usize) -> Option<usize> {
    (source < SOURCES.len() && partition < PER_SOURCE).then_some(source * PER_SOURCE + partition)
}

/// A position in every stream; the id of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor([u64; SLOTS]);

impl Cursor {
    /// Reads an id; `None` when it is none.
    pub fn parse(text: &str) -> Option<Self> {
        let mut slots = [0; SLOTS];
        let mut words = text.split('.');
        for slot in &mut slots {
            *slot = u64::from_str_radix(words.next()?, 16).ok()?;
        }
        words.next().is_none().then_some(Self(slots))
    }

    /// Moves over `item`; whether it was new and is to be shown.
    pub fn pass(&mut self, item: &Item) -> bool {
        let Some(at) = self.0.get_mut(item.slot) else {
            return false;
        };
        let new = item.seq > *at;
        *at = item.seq.max(*at);
        new && !item.json.is_empty()
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, slot) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str(".")?;
            }
            write!(f, "{slot:x}")?;
        }
        Ok(())
    }
}

/// Recent events of all streams.
#[derive(Debug, Clone)]
pub struct Hub(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    ring: RwLock<Ring>,
    bell: watch::Sender<u64>,
    seats: Arc<Semaphore>,
    live: AtomicU8,
}

#[derive(Debug, Default)]
struct Ring {
    items: VecDeque<Arc<Item>>,
    /// Index of `items[0]`; grows for ever.
    base: u64,
    /// Last number seen per stream.
    head: [u64; SLOTS],
    /// Numbers up to here are no longer held.
    floor: [u64; SLOTS],
}

impl Default for Hub {
    fn default() -> Self {
        Self(Arc::new(Shared {
            ring: RwLock::default(),
            bell: watch::Sender::new(0),
            seats: Arc::new(Semaphore::new(SEATS)),
            live: AtomicU8::new(0),
        }))
    }
}

impl Hub {
    /// A place for one client; `None` when all are taken.
    pub fn seat(&self) -> Option<OwnedSemaphorePermit> {
        self.0.seats.clone().try_acquire_owned().ok()
    }

    /// Rings when something came.
    pub fn bell(&self) -> watch::Receiver<u64> {
        self.0.bell.subscribe()
    }

    /// Whether every source is read right now.
    pub fn is_live(&self) -> bool {
        self.0.live.load(Ordering::Relaxed) == ALL_LIVE
    }

    /// A source is read, or is not.
    pub(crate) fn set_live(&self, source: usize, live: bool) {
        let bit = 1 << source;
        if live {
            self.0.live.fetch_or(bit, Ordering::Relaxed);
        } else {
            self.0.live.fetch_and(!bit, Ordering::Relaxed);
        }
    }

    /// The end of everything, and the index of the next event.
    pub fn head(&self) -> (Cursor, u64) {
        let ring = self.read();
        (Cursor(ring.head), ring.next())
    }

    /// The last number of a stream.
    pub(crate) fn at(&self, slot: usize) -> u64 {
        self.read().head.get(slot).copied().unwrap_or_default()
    }

    /// Events from `index` on; `None` when some of them are no longer held.
    pub fn since(&self, index: u64) -> Option<Vec<Arc<Item>>> {
        let ring = self.read();
        let skip = usize::try_from(index.checked_sub(ring.base)?).ok()?;
        (index <= ring.next()).then(|| ring.items.iter().skip(skip).cloned().collect())
    }

    /// The index from which a client at `cursor` goes on; `None` when it missed events that are no longer held, or
    /// when it is ahead of us.
    pub fn resume(&self, cursor: &Cursor) -> Option<u64> {
        let ring = self.read();
        let held = |slot: usize| (ring.floor[slot]..=ring.head[slot]).contains(&cursor.0[slot]);
        if !(0..SLOTS).all(held) {
            return None;
        }
        let missed = ring.items.iter().position(|item| item.seq > cursor.0[item.slot]);
        Some(missed.map_or(ring.next(), |index| ring.base + index as u64))
    }

    /// Starts a stream at `seq`, or continues it there after events nobody has any more: then everybody is reset.
    pub(crate) fn jump(&self, slot: usize, seq: u64) {
        let mut ring = self.write();
        let lost = ring.head[slot] != 0 && ring.head[slot] != seq;
        ring.head[slot] = seq;
        ring.floor[slot] = seq;
        if lost {
            // An index no client has: `since` answers `None` to all of them.
            ring.base = ring.next() + 1;
            ring.items.clear();
            ring.floor = ring.head;
        }
        drop(ring);
        self.ring_the_bell();
    }

    /// Takes the next event of a stream. What was taken before is dropped; a gap is refused.
    pub(crate) fn push(&self, item: Item) -> Pushed {
        let mut ring = self.write();
        let head = ring.head[item.slot];
        if item.seq <= head {
            return Pushed::Known;
        }
        if item.seq > head + 1 {
            return Pushed::Gap;
        }
        ring.head[item.slot] = item.seq;
        ring.items.push_back(Arc::new(item));
        if ring.items.len() > HELD_MAX
            && let Some(old) = ring.items.pop_front()
        {
            ring.base += 1;
            ring.floor[old.slot] = old.seq;
        }
        drop(ring);
        self.ring_the_bell();
        Pushed::New
    }

    fn ring_the_bell(&self) {
        self.0.bell.send_modify(|count| *count = count.wrapping_add(1));
    }

    fn read(&self) -> RwLockReadGuard<'_, Ring> {
        self.0
            .ring
            .read()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn write(&self) -> std::sync::RwLockWriteGuard<'_, Ring> {
        self.0
            .ring
            .write()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl Ring {
    fn next(&self) -> u64 {
        self.base + self.items.len() as u64
    }
}

/// What became of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pushed {
    New,
    Known,
    /// Events before it are missing: pull them from the owner.
    Gap,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(slot: usize, seq: u64) -> Item {
        Item {
            slot,
            seq,
            kind: "incident.changed".to_owned(),
            json: format!("{slot}:{seq}"),
            ..Item::default()
        }
    }

    fn seen(hub: &Hub, cursor: &Cursor) -> Option<Vec<String>> {
        let mut cursor = *cursor;
        let items = hub.since(hub.resume(&cursor)?)?;
        Some(
            items
                .iter()
                .filter(|item| cursor.pass(item))
                .map(|item| item.json.clone())
                .collect(),
        )
    }

    #[test]
    fn a_cursor_survives_its_text_form() {
        let hub = Hub::default();
        for seq in 1..=300_u64 {
            hub.push(item(usize::from(seq % 2 == 1), seq.div_ceil(2)));
        }
        let (cursor, _) = hub.head();
        assert_eq!(Cursor::parse(&cursor.to_string()), Some(cursor));
        for bad in ["", "1.2", "x.0.0.0.0.0.0.0.0.0.0.0", "0.0.0.0.0.0.0.0.0.0.0.0.0"] {
            assert_eq!(Cursor::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_client_that_comes_back_gets_exactly_what_it_lacks() {
        let hub = Hub::default();
        hub.push(item(0, 1));
        let (cursor, _) = hub.head();
        hub.push(item(4, 1));
        hub.push(item(0, 2));
        assert_eq!(seen(&hub, &cursor).unwrap(), ["4:1", "0:2"]);
        assert_eq!(seen(&hub, &hub.head().0).unwrap(), [""; 0]);
    }

    /// Another gateway read the streams in another order: what the client has is not shown again.
    #[test]
    fn a_cursor_of_another_gateway_neither_repeats_nor_skips() {
        let (here, there) = (Hub::default(), Hub::default());
        there.push(item(4, 1));
        let (cursor, _) = there.head();
        for event in [item(0, 1), item(4, 1), item(4, 2)] {
            here.push(event);
        }
        assert_eq!(seen(&here, &cursor).unwrap(), ["0:1", "4:2"]);
    }

    #[test]
    fn a_gap_and_a_repeat_are_noticed() {
        let hub = Hub::default();
        assert_eq!(hub.push(item(1, 1)), Pushed::New);
        assert_eq!(hub.push(item(1, 1)), Pushed::Known);
        assert_eq!(hub.push(item(1, 3)), Pushed::Gap);
        assert_eq!(hub.push(item(1, 2)), Pushed::New);
    }

    #[test]
    fn a_client_away_for_too_long_or_from_the_future_is_reset() {
        let hub = Hub::default();
        hub.push(item(0, 1));
        let (early, next) = hub.head();
        for seq in 2..=(HELD_MAX as u64 + 2) {
            hub.push(item(0, seq));
        }
        assert_eq!(seen(&hub, &early), None);
        assert_eq!(hub.since(next - 1), None);
        let ahead = Cursor::parse(&format!("ffffff{}", ".0".repeat(SLOTS - 1))).unwrap();
        assert_eq!(hub.resume(&ahead), None);
    }

    #[test]
    fn events_nobody_has_any_more_reset_everybody() {
        let hub = Hub::default();
        hub.jump(2, 7);
        let (cursor, next) = hub.head();
        assert_eq!(hub.since(next), Some(vec![]), "the start is no loss");
        hub.jump(2, 20);
        assert_eq!(hub.since(next), None);
        assert_eq!(hub.resume(&cursor), None);
        hub.push(item(2, 21));
        assert_eq!(hub.since(hub.head().1), Some(vec![]));
    }

    #[test]
    fn the_stream_is_live_only_when_every_source_is() {
        let hub = Hub::default();
        for source in 0..SOURCES.len() {
            assert!(!hub.is_live());
            hub.set_live(source, true);
        }
        assert!(hub.is_live());
        hub.set_live(1, false);
        assert!(!hub.is_live());
    }
}
