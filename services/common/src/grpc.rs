//! gRPC between the roles: servers with health, reflection and the caller check; clients that carry the caller's
//! token and the trace; deadlines of 2 s.

mod gathered;

use std::{collections::BTreeMap, io, sync::Arc, time::Duration};

use axum::http::Uri;
use chrono::Utc;
use futures_util::TryStreamExt;
use gathered::Gathered;
use hyper_util::rt::TokioIo;
use relight_proto::events::v1::{Event, HeadRequest, ReadRequest, events_client::EventsClient};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tonic::{
    Request, Status,
    metadata::{Ascii, KeyRef, MetadataMap, MetadataValue},
    service::{Interceptor, Routes, RoutesBuilder, interceptor::InterceptedService},
    transport::{
        Certificate, Channel, ClientTlsConfig, Endpoint, Identity, Server, ServerTlsConfig,
        server::TcpIncoming,
    },
};
use uuid::Uuid;

use crate::{
    claims::Claims,
    config::Grpc,
    error::Error,
    secrets::Secrets,
    telemetry,
    token::{Minter, Verifier},
};

/// The caller's token. Not `authorization`: HTTP/2 sends that whole with every call, this one after the first by its number.
pub const CALLER: &str = "x-relight-caller";
/// Id of the edge's request, beside the token.
const REQUEST_ID: &str = "x-request-id";
/// Deadline of a call between services.
pub const DEADLINE: Duration = Duration::from_secs(2);
/// Deadline of a call about a hundred thousand customers at once: just below that of an edge's answer.
pub const DEADLINE_OF_MANY: Duration = Duration::from_secs(9);

/// Time for open calls after the stop. Health watches and reflection streams would stay open for ever.
const FINISH_WITHIN: Duration = Duration::from_secs(10);

/// Largest answer of `Events.Read` taken. The owner fills one up to a mebibyte; more only if one event is that large.
const EVENTS_MAX_BYTES: usize = 64 << 20;

/// A channel whose calls carry this service's token (unless the caller's own is set) and the trace.
pub type Outgoing = InterceptedService<Channel, Attach>;

/// Server side: finds the caller. A call without a valid token reaches no handler.
#[derive(Debug, Clone)]
pub struct Guard {
    verifier: Arc<Verifier>,
}

impl Interceptor for Guard {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        let Some(value) = request.metadata().get(CALLER) else {
            return Err(Status::unauthenticated("a caller token is needed"));
        };
        let claims = value
            .to_str()
            .ok()
            .and_then(|token| self.verifier.check(token, Utc::now()));
        let mut claims = claims.ok_or_else(|| Status::unauthenticated("the caller token is not valid"))?;
        claims.request_id = request_id(request.metadata()).unwrap_or_else(Uuid::now_v7);
        request.extensions_mut().insert(claims);
        Ok(request)
    }
}

fn request_id(metadata: &MetadataMap) -> Option<Uuid> {
    let value = metadata.get(REQUEST_ID)?.to_str().ok()?;
    Uuid::parse_str(value).ok()
}

/// Client side: adds token and trace.
#[derive(Debug, Clone)]
pub struct Attach {
    minter: Arc<Minter>,
    service: Arc<Claims>,
}

impl Interceptor for Attach {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        if !request.metadata().contains_key(CALLER) {
            let token = self.minter.mint(&self.service, Utc::now());
            request.metadata_mut().insert(CALLER, ascii(&token));
        }
        telemetry::inject(&mut Carrier(request.metadata_mut()));
        Ok(request)
    }
}

fn ascii(token: &str) -> MetadataValue<Ascii> {
    MetadataValue::try_from(token).expect("a PASETO token is ASCII")
}

struct Carrier<'a>(&'a mut MetadataMap);

impl opentelemetry::propagation::Injector for Carrier<'_> {
    fn set(&mut self, key: &str, value: String) {
        if let (Ok(key), Ok(value)) = (key.parse::<tonic::metadata::MetadataKey<Ascii>>(), value.parse()) {
            self.0.insert(key, value);
        }
    }
}

impl opentelemetry::propagation::Extractor for Carrier<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).and_then(|value| value.to_str().ok())
    }
    fn keys(&self) -> Vec<&str> {
        self.0
            .keys()
            .filter_map(|key| {
                if let KeyRef::Ascii(key) = key {
                    Some(key.as_str())
                } else {
                    None
                }
            })
            .collect()
    }
}

/// Where the other roles are, and how to call them.
#[derive(Debug, Clone)]
pub struct Peers {
    channels: Arc<BTreeMap<String, Channel>>,
    patient: Arc<BTreeMap<String, Channel>>,
    minter: Arc<Minter>,
    verifier: Arc<Verifier>,
    role: Arc<str>,
}

impl Peers {
    /// Lazy channels to every configured peer, called as `role`.
    ///
    /// # Errors
    /// When a peer's address is no URI or the certificates are missing.
    pub fn new(config: &Grpc, secrets: &Secrets, role: &str) -> anyhow::Result<Self> {
        let tls = if config.tls {
            Some(client_tls(secrets, role)?)
        } else {
            None
        };
        Ok(Self {
            channels: Arc::new(channels(config, tls.as_ref(), DEADLINE)?),
            patient: Arc::new(channels(config, tls.as_ref(), DEADLINE_OF_MANY)?),
            minter: Arc::new(secrets.minter.clone()),
            verifier: Arc::new(secrets.verifier.clone()),
            role: role.into(),
        })
    }

    /// The same peers, called as another role (several roles in one process).
    pub fn acting_as(&self, role: &str) -> Self {
        Self {
            role: role.into(),
            ..self.clone()
        }
    }

    /// A channel to `peer`: `IntakeClient::new(peers.to("intake"))`.
    ///
    /// # Panics
    /// When `peer` is not in the configuration, which the start-up check finds first.
    pub fn to(&self, peer: &str) -> Outgoing {
        self.over(&self.channels, peer)
    }

    /// The same for calls about very many customers at once ([`DEADLINE_OF_MANY`]).
    ///
    /// # Panics
    /// As [`to`](Self::to).
    pub fn patient(&self, peer: &str) -> Outgoing {
        self.over(&self.patient, peer)
    }

    fn over(&self, channels: &BTreeMap<String, Channel>, peer: &str) -> Outgoing {
        let channel = channels
            .get(peer)
            .unwrap_or_else(|| panic!("grpc.peers.{peer} is not configured"))
            .clone();
        let attach = Attach {
            minter: self.minter.clone(),
            service: Arc::new(Claims::service(&self.role)),
        };
        InterceptedService::new(channel, attach)
    }

    /// `message` as a request of this caller (edges).
    pub fn request<T>(&self, message: T, claims: &Claims) -> Request<T> {
        let mut request = Request::new(message);
        let id = claims.request_id.to_string();
        let metadata = request.metadata_mut();
        metadata.insert(CALLER, ascii(&self.minter.mint(claims, Utc::now())));
        metadata.insert(REQUEST_ID, id.parse().expect("a UUID is ASCII"));
        request
    }

    /// The events of `peer`.
    pub fn events_of(&self, peer: &str) -> EventsOwner {
        EventsOwner {
            client: EventsClient::new(self.to(peer)).max_decoding_message_size(EVENTS_MAX_BYTES),
            name: peer.to_owned(),
        }
    }

    /// The interceptor every server of this process uses.
    pub fn guard(&self) -> Guard {
        Guard {
            verifier: self.verifier.clone(),
        }
    }
}

/// Lazy channels to every configured peer.
fn channels(
    config: &Grpc,
    tls: Option<&ClientTlsConfig>,
    deadline: Duration,
) -> anyhow::Result<BTreeMap<String, Channel>> {
    let mut channels = BTreeMap::new();
    for (name, uri) in &config.peers {
        let mut endpoint = Endpoint::from_shared(uri.clone())?
            .connect_timeout(Duration::from_secs(1))
            .timeout(deadline)
            .http2_keep_alive_interval(Duration::from_secs(20))
            .keep_alive_while_idle(true);
        if let Some(tls) = tls {
            endpoint = endpoint.tls_config(tls.clone())?;
        }
        let channel = endpoint.connect_with_connector_lazy(tower::service_fn(connect));
        channels.insert(name.clone(), channel);
    }
    Ok(channels)
}

/// A connection to the host and port of an address.
async fn connect(to: Uri) -> io::Result<TokioIo<Gathered<TcpStream>>> {
    let host = to.host().unwrap_or_default().trim_matches(['[', ']']);
    let port = to
        .port_u16()
        .unwrap_or_else(|| if to.scheme_str() == Some("https") { 443 } else { 80 });
    let stream = TcpStream::connect((host, port)).await?;
    stream.set_nodelay(true)?;
    Ok(TokioIo::new(Gathered::new(stream)))
}

fn client_tls(secrets: &Secrets, role: &str) -> anyhow::Result<ClientTlsConfig> {
    let (ca, certificate, key) = secrets.tls(role)?;
    Ok(ClientTlsConfig::new()
        .ca_certificate(Certificate::from_pem(ca))
        .identity(Identity::from_pem(certificate, key)))
}

/// TLS of a server: its own certificate, and only clients with one of the same CA.
///
/// # Errors
/// When a certificate is missing.
pub fn server_tls(secrets: &Secrets, role: &str) -> anyhow::Result<ServerTlsConfig> {
    let (ca, certificate, key) = secrets.tls(role)?;
    Ok(ServerTlsConfig::new()
        .identity(Identity::from_pem(certificate, key))
        .client_ca_root(Certificate::from_pem(ca)))
}

/// Routes with health and reflection; services add theirs.
pub async fn routes() -> RoutesBuilder {
    let (reporter, health) = tonic_health::server::health_reporter();
    reporter
        .set_service_status("", tonic_health::ServingStatus::Serving)
        .await;
    let reflection = tonic_reflection::server::Builder::configure()
        .register_encoded_file_descriptor_set(relight_proto::DESCRIPTORS)
        .build_v1()
        .expect("the descriptors are the compiler's own");
    let mut routes = Routes::builder();
    routes.add_service(health).add_service(reflection);
    routes
}

/// Serves until `stop`, then finishes what was accepted; streams that stay open are given up after a while.
///
/// # Errors
/// When the listener breaks.
pub async fn serve(
    listener: TcpListener,
    routes: Routes,
    tls: Option<ServerTlsConfig>,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    let mut server = Server::builder()
        .timeout(Duration::from_secs(15))
        .http2_keepalive_interval(Some(Duration::from_secs(20)))
        .trace_fn(|request| {
            let span = tracing::info_span!("rpc", otel.name = request.uri().path(), otel.kind = "server");
            telemetry::continue_from(&span, &Headers(request.headers()));
            span
        });
    if let Some(tls) = tls {
        server = server.tls_config(tls)?;
    }
    // A server that is handed its connections does not set this itself. Without it every answer waits some 40 ms for the
    // acknowledgement of its own beginning.
    let incoming = TcpIncoming::from(listener)
        .with_nodelay(Some(true))
        .map_ok(Gathered::new);
    let serving = server
        .add_routes(routes)
        .serve_with_incoming_shutdown(incoming, stop.cancelled());
    let late = async {
        stop.cancelled().await;
        tokio::time::sleep(FINISH_WITHIN).await;
    };
    tokio::select! {
        served = serving => served?,
        () = late => tracing::warn!("some calls did not finish in time"),
    }
    Ok(())
}

/// HTTP headers as a carrier of the trace context.
pub(crate) struct Headers<'a>(pub(crate) &'a axum::http::HeaderMap);

impl opentelemetry::propagation::Extractor for Headers<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).and_then(|value| value.to_str().ok())
    }
    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(axum::http::HeaderName::as_str).collect()
    }
}

/// The owner of events, for pulling what Redis lost.
#[derive(Debug, Clone)]
pub struct EventsOwner {
    client: EventsClient<Outgoing>,
    name: String,
}

impl EventsOwner {
    /// The last number given out in each partition.
    ///
    /// # Errors
    /// [`Error::Peer`].
    pub async fn heads(&self) -> Result<Vec<(i16, i64)>, Error> {
        let reply = self
            .client
            .clone()
            .head(HeadRequest {})
            .await
            .map_err(Error::peer("the owner of events"))?;
        let heads = reply.into_inner().heads.into_iter();
        Ok(heads
            .filter_map(|h| Some((i16::try_from(h.partition).ok()?, i64::try_from(h.seq).ok()?)))
            .collect())
    }

    /// Events after a number, in order and without gaps, and what the owner still keeps.
    ///
    /// # Errors
    /// [`Error::Peer`].
    pub async fn read(&self, partition: i16, after: i64, limit: usize) -> Result<Kept, Error> {
        let request = ReadRequest {
            partition: u32::from(partition.unsigned_abs()),
            after: after.unsigned_abs(),
            limit: u32::try_from(limit).unwrap_or(u32::MAX),
        };
        tracing::debug!(owner = self.name, partition, after, "pulling events");
        let reply = self
            .client
            .clone()
            .read(request)
            .await
            .map_err(Error::peer("the owner of events"))?;
        let reply = reply.into_inner();
        Ok(Kept {
            oldest: i64::try_from(reply.oldest).unwrap_or(i64::MAX),
            events: reply.events,
        })
    }
}

/// What an owner has of one partition.
#[derive(Debug)]
pub struct Kept {
    /// Those asked for.
    pub events: Vec<Event>,
    /// The smallest number it keeps, one beyond its head when it keeps none; 0 from an owner that does not say.
    pub oldest: i64,
}

impl Kept {
    /// The number the next event has at the least: those between are gone.
    pub fn next(&self) -> i64 {
        let first = self.events.first();
        first.map_or(self.oldest, |event| i64::try_from(event.seq).unwrap_or(i64::MAX))
    }
}
