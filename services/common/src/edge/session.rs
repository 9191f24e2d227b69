//! Sessions at the edge: checked with access, kept for 10 s, at most so many of them.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use axum::http::{HeaderMap, header};
use relight_proto::access::v1::{CheckSessionRequest, Person, access_client::AccessClient};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::{problem::Problem, twice};
use crate::{
    claims::{Claims, Grant, Role},
    grpc::{Outgoing, Peers},
};

/// Cookie of a signed-in browser (HttpOnly, SameSite=Lax).
pub const SESSION_COOKIE: &str = "relight_session";
/// How long an answer of access is believed: a log-out elsewhere works after this at the latest.
const KEEP: Duration = Duration::from_secs(10);
const HELD_MAX: usize = 20_000;

/// Hash of a token: the token itself is not kept.
pub(super) type Key = [u8; 32];

/// Live sessions as access knows them.
#[derive(Debug, Clone)]
pub struct Sessions {
    access: AccessClient<Outgoing>,
    held: Arc<Mutex<HashMap<Key, Held>>>,
}

#[derive(Debug, Clone)]
struct Held {
    person: Arc<Person>,
    until: Instant,
}

impl Sessions {
    /// Sessions checked with the access service of `peers`.
    pub fn new(peers: &Peers) -> Self {
        Self {
            access: AccessClient::new(peers.to("access")),
            held: Arc::default(),
        }
    }

    /// Whose session `token` is.
    ///
    /// # Errors
    /// 401 when it is nobody's, 503 when access does not answer.
    pub async fn check(&self, token: &str) -> Result<Arc<Person>, Problem> {
        let key = key(token);
        if let Some(person) = self.held(&key) {
            return Ok(person);
        }
        let message = CheckSessionRequest {
            token: token.to_owned(),
        };
        let person = twice(|| {
            let (mut access, message) = (self.access.clone(), message.clone());
            async move { access.check_session(message).await }
        })
        .await?;
        let person = Arc::new(person);
        self.hold(key, person.clone());
        Ok(person)
    }

    /// Forgets a session that ended here.
    pub fn forget(&self, token: &str) {
        self.lock().remove(&key(token));
    }

    fn held(&self, key: &Key) -> Option<Arc<Person>> {
        let held = self.lock().get(key).cloned()?;
        (held.until > Instant::now()).then_some(held.person)
    }

    fn hold(&self, key: Key, person: Arc<Person>) {
        let now = Instant::now();
        let mut held = self.lock();
        if held.len() >= HELD_MAX {
            held.retain(|_, entry| entry.until > now);
        }
        // Still full: more live sessions than we care to hold; this one is asked for again.
        if held.len() < HELD_MAX {
            held.insert(
                key,
                Held {
                    person,
                    until: now + KEEP,
                },
            );
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<Key, Held>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(super) fn key(token: &str) -> Key {
    Sha256::digest(token.as_bytes()).into()
}

/// What a person may do. A role this program does not know grants nothing.
pub fn claims_of(person: &Person, request_id: Uuid) -> Claims {
    let grants = person.grants.iter().filter_map(|grant| {
        // Nobody logs in as these.
        let role = Role::parse(&grant.role).filter(|role| !matches!(role, Role::Service | Role::Public))?;
        Some(Grant {
            role,
            org_path: grant.org_path.clone(),
        })
    });
    let mut claims = Claims::of(person.person_id.clone(), grants.collect());
    claims.name.clone_from(&person.display_name);
    claims.customer_id = id(&person.customer_id);
    claims.crew_id = id(&person.crew_id);
    claims.unit_id = id(&person.unit_id);
    claims.request_id = request_id;
    claims
}

fn id(text: &str) -> Option<Uuid> {
    Uuid::parse_str(text).ok()
}

/// The value of a cookie.
pub fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(key, _)| *key == name)
        .map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;
    use relight_proto::access::v1::Grant as WireGrant;

    use super::*;

    fn grant(role: &str) -> WireGrant {
        WireGrant {
            role: role.to_owned(),
            org_path: "demo".to_owned(),
        }
    }

    #[test]
    fn a_person_gets_the_roles_access_gave_and_never_those_of_a_service() {
        let crew = Uuid::now_v7();
        let person = Person {
            person_id: "p".to_owned(),
            grants: vec![grant("crew"), grant("service"), grant("public"), grant("king")],
            crew_id: crew.to_string(),
            customer_id: "not an id".to_owned(),
            ..Person::default()
        };
        let request_id = Uuid::now_v7();
        let claims = claims_of(&person, request_id);
        assert_eq!(
            claims.grants.iter().map(|g| g.role).collect::<Vec<_>>(),
            [Role::Crew]
        );
        assert!(claims.has_at(&[Role::Crew], "demo/city"));
        assert_eq!(
            (claims.crew_id, claims.customer_id, claims.request_id),
            (Some(crew), None, request_id)
        );
    }

    #[test]
    fn a_cookie_is_found_among_others() {
        let mut headers = HeaderMap::new();
        headers.insert(
            header::COOKIE,
            HeaderValue::from_static("a=1; relight_session=tok; b=2"),
        );
        assert_eq!(cookie(&headers, SESSION_COOKIE), Some("tok"));
        assert_eq!(cookie(&headers, "session"), None);
    }
}
