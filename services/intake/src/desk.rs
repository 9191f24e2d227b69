//! What every request and the worker share.

use std::sync::Arc;

use relight_common::{Clock, Db, cursor::Cursors, grpc, seal::Seal, secrets::Secrets};
use relight_policy::Pack;
use tokio::sync::Notify;

use crate::{credit::Credit, numbers, peers::Peers, store::number::Numbers, topology::Atlas};

/// The parts of the service, shared.
#[derive(Debug)]
pub struct Desk {
    /// Own tables.
    pub db: Db,
    /// The one source of time.
    pub clock: Clock,
    /// Limits.
    pub pack: Pack,
    /// The registry and the ledger.
    pub peers: Peers,
    /// The network in memory.
    pub atlas: Arc<Atlas>,
    /// Spoken numbers.
    pub numbers: Numbers,
    /// Numbers around the inference.
    pub numbers_of: numbers::Numbers,
    /// Whose prepaid credit is used up.
    pub credit: Credit,
    /// Rung when a report or an urge was stored.
    pub bell: Notify,
    pub(crate) seal: Seal,
    pub(crate) cursors: Cursors,
}

impl Desk {
    /// A desk over these; starts nothing.
    pub fn new(
        db: &Db,
        peers: &grpc::Peers,
        secrets: &Secrets,
        clock: Clock,
        pack: Pack,
        numbers: numbers::Numbers,
    ) -> Self {
        Self {
            db: db.clone(),
            clock,
            pack,
            peers: Peers::new(peers),
            atlas: Arc::new(Atlas::new(peers)),
            numbers: Numbers::new(db),
            numbers_of: numbers,
            credit: Credit::default(),
            bell: Notify::new(),
            seal: Seal::new(&secrets.contact_key),
            cursors: Cursors::new(&secrets.cursor_key),
        }
    }
}
