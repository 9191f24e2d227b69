//! All roles as `relight serve` runs them, with mTLS, and a caller beside the gateway.

use std::{
    collections::BTreeMap,
    net::{SocketAddr, TcpListener},
};

use relight_common::{
    Claims,
    claims::{Grant, Role},
    config::Grpc,
    grpc::{CALLER, Peers},
    secrets::{EDGES, SERVICES, Secrets},
};
use tonic::{
    Request,
    metadata::{Ascii, MetadataValue},
};
use uuid::Uuid;

use crate::{house::House, process::Process, server::Given};

/// A served house.
pub(super) struct Served {
    /// The process.
    pub(super) relight: Process,
    /// The gateway's address.
    pub(super) gateway: String,
    /// The roles, called with the gateway's certificate.
    pub(super) peers: Peers,
    grpc: Grpc,
    secrets: Secrets,
}

impl Served {
    /// Starts every role in one process, each on a port of its own.
    pub(super) async fn start(given: &Given, house: &mut House) -> anyhow::Result<Self> {
        let mut peers = BTreeMap::new();
        for service in SERVICES {
            let address = free_address()?;
            let name = service.to_uppercase();
            house.program.set(&format!("GRPC__LISTEN__{name}"), address);
            house
                .program
                .set(&format!("GRPC__PEERS__{name}"), format!("https://{address}"));
            peers.insert(service.to_owned(), format!("https://{address}"));
        }
        let (http, mobile) = (free_address()?, free_address()?);
        house.program.set("HTTP__LISTEN", http);
        house.program.set("MOBILE__LISTEN", mobile);
        let roles = [&SERVICES[..], &EDGES[..]].concat().join(",");
        let relight = house
            .program
            .start(
                &["serve", "--role", &roles],
                "relight serving ",
                &house.log("serve"),
            )
            .await?;
        let grpc = Grpc {
            tls: true,
            listen: BTreeMap::new(),
            peers,
        };
        let secrets = Secrets::load(&given.dir.join("secrets"))?;
        Ok(Self {
            relight,
            gateway: format!("http://{http}"),
            peers: Peers::new(&grpc, &secrets, "gateway")?,
            grpc,
            secrets,
        })
    }

    /// Connections of their own, made where they are used.
    pub(super) fn caller(&self) -> impl FnOnce() -> anyhow::Result<Peers> + Send + 'static {
        let (grpc, secrets) = (self.grpc.clone(), self.secrets.clone());
        move || Peers::new(&grpc, &secrets, "gateway")
    }

    /// A 60-second token of somebody with `role` everywhere, as the gateway mints it.
    pub(super) fn token(&self, role: Role) -> anyhow::Result<MetadataValue<Ascii>> {
        let claims = Claims {
            request_id: Uuid::now_v7(),
            ..Claims::of(
                Uuid::from_u128(1).to_string(),
                vec![Grant {
                    role,
                    org_path: String::new(),
                }],
            )
        };
        let request = self.peers.request((), &claims);
        let token = request.metadata().get(CALLER).cloned();
        token.ok_or_else(|| anyhow::anyhow!("a request of a caller carries a token"))
    }
}

/// `message` with this token.
pub(super) fn signed<T>(message: T, token: &MetadataValue<Ascii>) -> Request<T> {
    let mut request = Request::new(message);
    request.metadata_mut().insert(CALLER, token.clone());
    request
}

/// Somebody may take it before the process does; the start then fails with a clear message.
fn free_address() -> anyhow::Result<SocketAddr> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?)
}
