//! Between processes: only who has a certificate of the deployment's CA is heard, and only with a valid caller token.

use std::path::PathBuf;

use chrono::{TimeDelta, Utc};
use relight_common::{
    Claims, Grant, Role,
    grpc::Peers,
    secrets::Secrets,
    token::{Minter, TTL_S},
};
use relight_proto::events::v1::{HeadRequest, events_client::EventsClient};
use tonic::{
    Code, Request, Status,
    service::Interceptor,
    transport::{Certificate, Channel, ClientTlsConfig, Endpoint, Identity},
};
use uuid::Uuid;

use crate::world::{World, settings};

/// Certificates and keys of one deployment.
struct Deployment {
    dir: PathBuf,
    secrets: Secrets,
}

impl Deployment {
    fn make() -> anyhow::Result<Self> {
        let dir = std::env::temp_dir().join(format!("relight-mtls-{}", Uuid::now_v7()));
        Secrets::make(&dir)?;
        let secrets = Secrets::load(&dir)?;
        Ok(Self { dir, secrets })
    }

    fn ca(&self) -> anyhow::Result<ClientTlsConfig> {
        Ok(ClientTlsConfig::new().ca_certificate(Certificate::from_pem(self.secrets.tls("dispatch")?.0)))
    }

    fn identity(&self) -> anyhow::Result<Identity> {
        let (_, certificate, key) = self.secrets.tls("dispatch")?;
        Ok(Identity::from_pem(certificate, key))
    }
}

impl Drop for Deployment {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}

/// `intake` served with mTLS as `relight serve` does.
async fn served(ours: &Deployment) -> anyhow::Result<World> {
    World::build_as("dispatch", ours.secrets.clone(), |settings| {
        settings.grpc.tls = true;
        for peer in settings.grpc.peers.values_mut() {
            *peer = peer.replace("http://", "https://");
        }
    })
    .await
}

fn address(world: &World) -> String {
    world.host.settings.grpc.peers["intake"].clone()
}

fn channel(world: &World, tls: Option<ClientTlsConfig>) -> anyhow::Result<Channel> {
    Ok(match tls {
        Some(tls) => Endpoint::from_shared(address(world))?.tls_config(tls)?,
        None => Endpoint::from_shared(address(world).replace("https://", "http://"))?,
    }
    .connect_lazy())
}

/// Asks for the heads with this token.
async fn ask(channel: Channel, token: Option<String>) -> Result<(), Status> {
    let mut request = Request::new(HeadRequest {});
    if let Some(token) = token {
        let value = token.parse().expect("a token is ASCII");
        request.metadata_mut().insert(relight_common::grpc::CALLER, value);
    }
    EventsClient::new(channel).head(request).await.map(drop)
}

fn service_token(minter: &Minter, age_s: i64) -> String {
    let made_at = Utc::now() - TimeDelta::seconds(age_s);
    minter.mint(&Claims::service("dispatch"), made_at).to_string()
}

#[tokio::test]
async fn only_a_client_with_a_certificate_of_the_same_ca_is_heard() -> anyhow::Result<()> {
    let (ours, theirs) = (Deployment::make()?, Deployment::make()?);
    let world = served(&ours).await?;
    let token = || Some(service_token(&ours.secrets.minter, 0));
    ask(
        channel(&world, Some(ours.ca()?.identity(ours.identity()?)))?,
        token(),
    )
    .await?;
    let strangers = [
        ("no certificate", Some(ours.ca()?)),
        (
            "another CA's certificate",
            Some(ours.ca()?.identity(theirs.identity()?)),
        ),
        ("no TLS", None),
    ];
    for (who, tls) in strangers {
        let refused = ask(channel(&world, tls)?, token()).await.unwrap_err();
        assert!(
            std::error::Error::source(&refused).is_some(),
            "{who}: refused by the transport, not by {refused}"
        );
    }
    world.host.shut_down().await;
    Ok(())
}

/// The other way round: a client does not talk to a server of another CA.
#[tokio::test]
async fn a_server_with_another_cas_certificate_is_not_trusted() -> anyhow::Result<()> {
    let (ours, theirs) = (Deployment::make()?, Deployment::make()?);
    let world = served(&theirs).await?;
    let peers = Peers::new(&world.host.settings.grpc, &ours.secrets, "dispatch")?;
    assert!(peers.events_of("intake").heads().await.is_err());
    assert_eq!(world.host.peers.events_of("intake").heads().await?.len(), 4);
    world.host.shut_down().await;
    Ok(())
}

#[tokio::test]
async fn a_call_without_a_token_reaches_no_handler() -> anyhow::Result<()> {
    let peers = Peers::new(&settings("", 1)?.grpc, &Secrets::ephemeral(), "test")?;
    let refused = peers.guard().call(Request::new(())).unwrap_err();
    assert_eq!(refused.code(), Code::Unauthenticated);
    Ok(())
}

/// A certificate opens the connection; who is calling is still proven call by call.
#[tokio::test]
async fn a_call_needs_a_valid_caller_token_over_mtls_too() -> anyhow::Result<()> {
    let (ours, theirs) = (Deployment::make()?, Deployment::make()?);
    let world = served(&ours).await?;
    let channel = channel(&world, Some(ours.ca()?.identity(ours.identity()?)))?;
    let valid = service_token(&ours.secrets.minter, 0);
    let crew = Claims::of(
        "p",
        vec![Grant {
            role: Role::Crew,
            org_path: String::new(),
        }],
    );
    let mut damaged = valid.clone().into_bytes();
    let middle = damaged.len() / 2;
    damaged[middle] = if damaged[middle] == b'A' { b'B' } else { b'A' };
    let table = [
        ("valid", Some(valid), None),
        ("absent", None, Some(Code::Unauthenticated)),
        (
            "expired",
            Some(service_token(&ours.secrets.minter, TTL_S + 1)),
            Some(Code::Unauthenticated),
        ),
        (
            "another deployment's",
            Some(service_token(&theirs.secrets.minter, 0)),
            Some(Code::Unauthenticated),
        ),
        (
            "damaged",
            Some(String::from_utf8(damaged)?),
            Some(Code::Unauthenticated),
        ),
        (
            "a crew's",
            Some(ours.secrets.minter.mint(&crew, Utc::now()).to_string()),
            Some(Code::PermissionDenied),
        ),
    ];
    for (which, token, refused) in table {
        let answer = ask(channel.clone(), token).await;
        assert_eq!(answer.err().map(|status| status.code()), refused, "{which}");
    }
    world.host.shut_down().await;
    Ok(())
}
