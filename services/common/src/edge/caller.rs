//! Who is asking: extractors that find the session, the client's address and the command id.

use std::{
    net::{IpAddr, Ipv6Addr, SocketAddr},
    sync::Arc,
};

use axum::{
    extract::{ConnectInfo, FromRef, FromRequestParts},
    http::{HeaderMap, Method, header, request::Parts},
};
use relight_proto::access::v1::Person;
use serde::Deserialize;
use uuid::Uuid;

use super::{
    limit::Limit,
    problem::{Kind, Problem},
    session::{self, Key, SESSION_COOKIE, Sessions, claims_of, cookie},
};
use crate::{
    claims::{Claims, Role},
    grpc::Peers,
};

/// Header of the command id of a write.
const IDEMPOTENCY_KEY: &str = "idempotency-key";

/// Limits of an edge, from its section of the configuration.
#[derive(Debug, Clone, Copy, Deserialize)]
pub struct Limits {
    /// Public requests per second from one address.
    pub public_per_s: u32,
    /// Burst of them.
    pub public_burst: u32,
    /// Requests per second of one session.
    pub session_per_s: u32,
    /// Burst of them.
    pub session_burst: u32,
    /// Proxies in front that append to X-Forwarded-For.
    pub proxies: usize,
}

/// What the extractors need; state of a router that has `Edge: FromRef<S>`.
#[derive(Debug, Clone)]
pub struct Edge(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    peers: Peers,
    sessions: Sessions,
    public: Limit<IpAddr>,
    per_session: Limit<Key>,
    proxies: usize,
}

impl Edge {
    /// An edge that calls `peers`.
    pub fn new(peers: Peers, limits: Limits) -> Self {
        Self(Arc::new(Inner {
            sessions: Sessions::new(&peers),
            peers,
            public: Limit::new(limits.public_per_s, limits.public_burst),
            per_session: Limit::new(limits.session_per_s, limits.session_burst),
            proxies: limits.proxies,
        }))
    }

    /// The other roles.
    pub fn peers(&self) -> &Peers {
        &self.0.peers
    }

    /// Live sessions.
    pub fn sessions(&self) -> &Sessions {
        &self.0.sessions
    }

    /// Takes one from the public bucket of the client's address.
    ///
    /// # Errors
    /// 429.
    pub fn limit_public(&self, parts: &Parts) -> Result<(), Problem> {
        let peer = parts
            .extensions
            .get::<ConnectInfo<SocketAddr>>()
            .map(|info| info.0.ip());
        let peer = peer.unwrap_or(IpAddr::V6(Ipv6Addr::UNSPECIFIED));
        self.0
            .public
            .check(&client_ip(&parts.headers, peer, self.0.proxies))
    }

    async fn caller(&self, parts: &Parts, token: &str) -> Result<Caller, Problem> {
        if token.is_empty() || token.len() > 300 || !token.is_ascii() {
            return Err(no_session());
        }
        self.0.per_session.check(&session::key(token))?;
        let person = self.0.sessions.check(token).await?;
        Ok(Caller {
            claims: claims_of(&person, RequestId::of(parts)),
            person,
            token: token.to_owned(),
        })
    }
}

fn no_session() -> Problem {
    Problem::new(
        Kind::Unauthenticated,
        "log in and send the token as `Authorization: Bearer TOKEN`",
    )
}

/// Address a limit counts for: the one `proxies` hops from the right of X-Forwarded-For, else the peer; a /64 for IPv6.
pub fn client_ip(headers: &HeaderMap, peer: IpAddr, proxies: usize) -> IpAddr {
    let forwarded = headers
        .get_all("x-forwarded-for")
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(|hop| hop.trim().parse::<IpAddr>().ok())
        .collect::<Vec<_>>();
    let told = proxies
        .checked_sub(1)
        .and_then(|back| forwarded.iter().rev().nth(back).copied().flatten());
    match told.unwrap_or(peer) {
        IpAddr::V6(ip) if ip.to_ipv4_mapped().is_none() => {
            IpAddr::V6(Ipv6Addr::from_bits(ip.to_bits() & !u128::from(u64::MAX)))
        }
        ip => ip,
    }
}

/// Id of one request, through every service and in the answer's `x-request-id`.
#[derive(Debug, Clone, Copy)]
pub struct RequestId(pub Uuid);

impl RequestId {
    /// The id the server gave to this request.
    pub fn of(parts: &Parts) -> Uuid {
        parts
            .extensions
            .get::<RequestId>()
            .map_or_else(Uuid::now_v7, |id| id.0)
    }
}

/// Somebody with a live session: a bearer token, or (reading only) the cookie of a page.
#[derive(Debug, Clone)]
pub struct Caller {
    /// What they may do.
    pub claims: Claims,
    /// Who they are.
    pub person: Arc<Person>,
    /// Their session.
    pub token: String,
}

impl Caller {
    /// Refuses callers without one of the roles anywhere; the owner checks again, by org path.
    ///
    /// # Errors
    /// 403.
    pub fn need(&self, roles: &[Role]) -> Result<&Claims, Problem> {
        self.claims.need(roles)?;
        Ok(&self.claims)
    }
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().unwrap_or_default();
    Some(value.strip_prefix("Bearer ").unwrap_or_default().trim())
}

impl<S: Send + Sync> FromRequestParts<S> for Caller
where
    Edge: FromRef<S>,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let reads = parts.method == Method::GET || parts.method == Method::HEAD;
        let token = bearer(&parts.headers)
            .or_else(|| cookie(&parts.headers, SESSION_COOKIE).filter(|_| reads))
            .ok_or_else(no_session)?
            .to_owned();
        Edge::from_ref(state).caller(parts, &token).await
    }
}

/// Anybody: somebody with a session, or the public, whose address is rate limited.
#[derive(Debug, Clone)]
pub struct Anyone {
    /// What they may do.
    pub claims: Claims,
    /// Set when they have a session.
    pub caller: Option<Caller>,
    /// Set when there is a cookie and nobody could say just now whose it is.
    pub unsure: Option<Problem>,
}

impl<S: Send + Sync> FromRequestParts<S> for Anyone
where
    Edge: FromRef<S>,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let edge = Edge::from_ref(state);
        let told = bearer(&parts.headers).map(str::to_owned);
        let found = match &told {
            Some(token) => Some(edge.caller(parts, token).await),
            None => match cookie(&parts.headers, SESSION_COOKIE).map(str::to_owned) {
                Some(token) => Some(edge.caller(parts, &token).await),
                None => None,
            },
        };
        match found {
            Some(Ok(caller)) => Ok(Anyone {
                claims: caller.claims.clone(),
                caller: Some(caller),
                unsure: None,
            }),
            Some(Err(problem)) if told.is_some() => Err(problem),
            // A dead cookie is nobody, and no reason to refuse a report.
            refused => {
                edge.limit_public(parts)?;
                let mut claims = Claims::anybody();
                claims.request_id = RequestId::of(parts);
                Ok(Anyone {
                    claims,
                    caller: None,
                    unsure: refused.and_then(Result::err).filter(Problem::is_transient),
                })
            }
        }
    }
}

/// Counts one public request of the client's address, whoever it is: log-ins and codes.
#[derive(Debug, Clone, Copy)]
pub struct Limited;

impl<S: Send + Sync> FromRequestParts<S> for Limited
where
    Edge: FromRef<S>,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        Edge::from_ref(state).limit_public(parts).map(|()| Limited)
    }
}

/// The command id of a write: header `Idempotency-Key`, a UUID.
#[derive(Debug, Clone, Copy)]
pub struct CommandKey(pub Uuid);

impl<S: Send + Sync> FromRequestParts<S> for CommandKey {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let value = parts.headers.get(IDEMPOTENCY_KEY);
        value
            .and_then(|value| Uuid::parse_str(value.to_str().ok()?).ok())
            .map(CommandKey)
            .ok_or_else(|| {
                Problem::field(
                    "Idempotency-Key",
                    "must be a UUID, a new one for each new command and the same one for a repeat",
                )
            })
    }
}

impl std::fmt::Display for CommandKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn the_address_is_the_peer_unless_a_proxy_is_declared() {
        let mut headers = HeaderMap::new();
        headers.insert(
            "x-forwarded-for",
            HeaderValue::from_static("6.6.6.6, 198.51.100.7, 10.0.0.2"),
        );
        let peer: IpAddr = "10.0.0.1".parse().unwrap();
        let table = [
            (0, "10.0.0.1"),
            (1, "10.0.0.2"),
            (2, "198.51.100.7"),
            (9, "10.0.0.1"),
        ];
        for (proxies, expected) in table {
            assert_eq!(
                client_ip(&headers, peer, proxies).to_string(),
                expected,
                "{proxies}"
            );
        }
    }

    #[test]
    fn an_ipv6_household_has_one_bucket() {
        let ip = |text: &str| client_ip(&HeaderMap::new(), text.parse().unwrap(), 0);
        assert_eq!(ip("2001:db8:1:2::1"), ip("2001:db8:1:2:ffff::9"));
        assert_ne!(ip("2001:db8:1:2::1"), ip("2001:db8:1:3::1"));
    }
}
