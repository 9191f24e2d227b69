//! The contract as it is served, with nobody else to ask.

use std::collections::BTreeMap;

use relight_common::{Claims, config::Grpc, grpc::Peers, secrets::Secrets};
use relight_planner::{peers::Others, rpc::Api};

use crate::given::House;

/// `message` as sent by `claims`.
pub fn from<T>(claims: &Claims, message: T) -> tonic::Request<T> {
    let mut request = tonic::Request::new(message);
    request.extensions_mut().insert(claims.clone());
    request
}

impl House {
    /// The contract, with nobody else to ask.
    pub fn served_api(&self) -> anyhow::Result<Api> {
        let others = self.others()?;
        Ok(Api::new(&self.db, self.clock.clone(), self.pack.clone(), others))
    }

    /// Nobody is there.
    pub fn others(&self) -> anyhow::Result<Others> {
        let nobody = Grpc {
            tls: false,
            listen: Default::default(),
            peers: BTreeMap::from(
                ["registry", "insight"].map(|name| (name.to_owned(), "http://127.0.0.1:9".to_owned())),
            ),
        };
        let peers = Peers::new(&nobody, &Secrets::ephemeral(), "test")?.acting_as("planner");
        Ok(Others::new(&peers, self.clock.clone()))
    }
}
