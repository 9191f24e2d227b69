//! Who is calling: a 60-second token (PASETO v4.public) minted by the edge or by a service, checked by the owner.
//! Deny by default: no token, no role or no org path means no.

use base64::{Engine, engine::general_purpose::STANDARD_NO_PAD as BASE64};
use chrono::{DateTime, TimeDelta, Utc};
use pasetors::{
    Public,
    claims::{Claims as Payload, ClaimsValidationRules},
    keys::{AsymmetricKeyPair, AsymmetricPublicKey, AsymmetricSecretKey, Generate},
    public,
    token::UntrustedToken,
    version4::V4,
};
use serde::{Deserialize, Serialize};
use tonic::Status;
use uuid::Uuid;

/// Life of a token, seconds.
pub const TTL_S: i64 = 60;
/// How far the clocks of two machines may be apart, seconds: a token is valid this long before it was made.
pub const SKEW_S: i64 = 5;

/// What somebody may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Accounts, units, crews, imports.
    Admin,
    /// Control room.
    Dispatcher,
    /// Hotline and hall.
    Agent,
    /// Desk of a repair unit: takes or returns orders, assigns crews.
    UnitDesk,
    /// Phone of a crew.
    Crew,
    /// A customer, about their own account.
    Customer,
    /// Anybody on the public pages.
    Public,
    /// Another service of the platform.
    Service,
    /// Plans outages.
    Planner,
    /// Decides about plans, exceptions and disconnections.
    Manager,
    /// The seat that switches: acknowledges, permits, sets device states.
    ControlRoom,
    /// The machine that tells what SCADA says.
    Scada,
}

impl Role {
    /// The role's word on the wire.
    pub fn word(self) -> &'static str {
        match self {
            Role::Admin => "admin",
            Role::Dispatcher => "dispatcher",
            Role::Agent => "agent",
            Role::UnitDesk => "unit_desk",
            Role::Crew => "crew",
            Role::Customer => "customer",
            Role::Public => "public",
            Role::Service => "service",
            Role::Planner => "planner",
            Role::Manager => "manager",
            Role::ControlRoom => "control_room",
            Role::Scada => "scada",
        }
    }

    /// Reads a role's word.
    pub fn parse(word: &str) -> Option<Role> {
        [
            Role::Admin,
            Role::Dispatcher,
            Role::Agent,
            Role::UnitDesk,
            Role::Crew,
            Role::Customer,
            Role::Public,
            Role::Service,
            Role::Planner,
            Role::Manager,
            Role::ControlRoom,
            Role::Scada,
        ]
        .into_iter()
        .find(|role| role.word() == word)
    }
}

/// A role at one org path and everything below it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// The role.
    pub role: Role,
    /// `province/city/county/station`; empty = everywhere.
    pub org_path: String,
}

/// The caller, as proven by the token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    /// Person id, `service:NAME` or `public`.
    pub actor: String,
    /// The person's name as the account has it, for papers that name who acted; empty for services and the public.
    #[serde(default)]
    pub name: String,
    /// Roles by org path.
    pub grants: Vec<Grant>,
    /// The customer whose own data this is.
    pub customer_id: Option<Uuid>,
    /// The crew whose phone this is.
    pub crew_id: Option<Uuid>,
    /// The unit whose desk this is.
    pub unit_id: Option<Uuid>,
    /// One request of the edge, through every service.
    pub request_id: Uuid,
}

impl Claims {
    /// Claims of a service acting on behalf of a cause.
    pub fn service(name: &str) -> Self {
        Self::of(
            format!("service:{name}"),
            vec![Grant {
                role: Role::Service,
                org_path: String::new(),
            }],
        )
    }

    /// Claims of somebody nobody knows.
    pub fn anybody() -> Self {
        Self::of(
            "public".to_owned(),
            vec![Grant {
                role: Role::Public,
                org_path: String::new(),
            }],
        )
    }

    /// Claims of `actor` with `grants`.
    pub fn of(actor: impl Into<String>, grants: Vec<Grant>) -> Self {
        Self {
            actor: actor.into(),
            name: String::new(),
            grants,
            customer_id: None,
            crew_id: None,
            unit_id: None,
            request_id: Uuid::now_v7(),
        }
    }

    /// The name for papers: the id where the account has none.
    pub fn called(&self) -> &str {
        if self.name.is_empty() {
            &self.actor
        } else {
            &self.name
        }
    }

    /// Whether the caller has one of the roles anywhere.
    pub fn has(&self, roles: &[Role]) -> bool {
        self.grants.iter().any(|grant| roles.contains(&grant.role))
    }

    /// Whether the caller has one of the roles at `org_path` or above it.
    pub fn has_at(&self, roles: &[Role], org_path: &str) -> bool {
        self.grants
            .iter()
            .any(|grant| roles.contains(&grant.role) && covers(&grant.org_path, org_path))
    }

    /// Whether this is the named service.
    pub fn is_service(&self, name: &str) -> bool {
        self.has(&[Role::Service]) && self.actor.strip_prefix("service:") == Some(name)
    }

    /// Refuses callers without one of the roles.
    ///
    /// # Errors
    /// `PermissionDenied`.
    pub fn need(&self, roles: &[Role]) -> Result<(), Status> {
        if self.has(roles) {
            Ok(())
        } else {
            Err(denied(roles))
        }
    }

    /// Refuses callers without one of the roles at `org_path`.
    ///
    /// # Errors
    /// `PermissionDenied`.
    pub fn need_at(&self, roles: &[Role], org_path: &str) -> Result<(), Status> {
        if self.has_at(roles, org_path) {
            Ok(())
        } else {
            Err(denied(roles))
        }
    }

    /// `LIKE` patterns of the org paths where the caller has one of the roles, for filters in SQL:
    /// `org_path like any($1)`.
    pub fn org_patterns(&self, roles: &[Role]) -> Vec<String> {
        let paths = self.grants.iter().filter(|grant| roles.contains(&grant.role));
        paths
            .flat_map(|grant| match grant.org_path.as_str() {
                "" => vec!["%".to_owned()],
                path => vec![escape(path), format!("{}/%", escape(path))],
            })
            .collect()
    }
}

fn denied(roles: &[Role]) -> Status {
    let words: Vec<_> = roles.iter().map(|role| role.word()).collect();
    Status::permission_denied(format!(
        "this needs the role {} for that area",
        words.join(" or ")
    ))
}

/// Whether `grant` is `path` or above it.
fn covers(grant: &str, path: &str) -> bool {
    grant.is_empty()
        || path
            .strip_prefix(grant)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn escape(path: &str) -> String {
    path.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_")
}

/// Signs caller tokens.
#[derive(Debug, Clone)]
pub struct Minter {
    secret: AsymmetricSecretKey<V4>,
}

/// Checks caller tokens.
#[derive(Debug, Clone)]
pub struct Verifier {
    public: AsymmetricPublicKey<V4>,
}

/// A new key pair, as base64 text (secret, public).
pub fn new_key_pair() -> (String, String) {
    let pair = AsymmetricKeyPair::<V4>::generate().expect("the system's random source works");
    (
        BASE64.encode(pair.secret.as_bytes()),
        BASE64.encode(pair.public.as_bytes()),
    )
}

impl Minter {
    /// Reads the secret key from its base64 text; `None` when it is none.
    pub fn from_text(text: &str) -> Option<Self> {
        let bytes = BASE64.decode(text.trim()).ok()?;
        AsymmetricSecretKey::from(&bytes)
            .ok()
            .map(|secret| Self { secret })
    }

    /// A token for `claims`, valid for 60 s from `now`.
    pub fn mint(&self, claims: &Claims, now: DateTime<Utc>) -> String {
        let payload = payload(claims, now).expect("claims are plain JSON and a date after 1970");
        public::sign(&self.secret, &payload, None, None).expect("signing with a well-formed key works")
    }
}

fn payload(claims: &Claims, now: DateTime<Utc>) -> Result<Payload, Box<dyn std::error::Error>> {
    let mut payload = Payload::new()?;
    let from = (now - TimeDelta::seconds(SKEW_S)).to_rfc3339();
    payload.issued_at(&from)?;
    payload.not_before(&from)?;
    payload.expiration(&(now + TimeDelta::seconds(TTL_S)).to_rfc3339())?;
    payload.add_additional("relight", serde_json::to_value(claims)?)?;
    Ok(payload)
}

impl Verifier {
    /// Reads the public key from its base64 text; `None` when it is none.
    pub fn from_text(text: &str) -> Option<Self> {
        let bytes = BASE64.decode(text.trim()).ok()?;
        AsymmetricPublicKey::from(&bytes)
            .ok()
            .map(|public| Self { public })
    }

    /// The caller named by `token`; `None` when it is forged, damaged or older than 60 s.
    pub fn check(&self, token: &str) -> Option<Claims> {
        let untrusted = UntrustedToken::<Public, V4>::try_from(token).ok()?;
        let trusted = public::verify(
            &self.public,
            &untrusted,
            &ClaimsValidationRules::new(),
            None,
            None,
        )
        .ok()?;
        let claims = trusted.payload_claims()?.get_claim("relight")?.clone();
        serde_json::from_value(claims).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(path: &str) -> Claims {
        Claims::of(
            "p",
            vec![Grant {
                role: Role::Dispatcher,
                org_path: path.to_owned(),
            }],
        )
    }

    #[test]
    fn a_grant_covers_what_is_below_it_and_nothing_beside() {
        assert!(at("demo/city").has_at(&[Role::Dispatcher], "demo/city/east"));
        assert!(!at("demo/city").has_at(&[Role::Dispatcher], "demo/cityhall"));
        assert!(!at("demo/city").has_at(&[Role::Admin], "demo/city"));
        assert_eq!(at("a_b").org_patterns(&[Role::Dispatcher]), ["a\\_b", "a\\_b/%"]);
    }

    #[test]
    fn a_token_proves_its_claims_for_sixty_seconds_only() {
        let (secret, public) = new_key_pair();
        let (minter, verifier) = (
            Minter::from_text(&secret).unwrap(),
            Verifier::from_text(&public).unwrap(),
        );
        let claims = at("demo");
        assert_eq!(
            verifier.check(&minter.mint(&claims, Utc::now())),
            Some(claims.clone())
        );
        assert_eq!(
            verifier.check(&minter.mint(&claims, Utc::now() - TimeDelta::seconds(TTL_S + 1))),
            None
        );
        // Made on a machine whose clock is ahead: a little is fine, much is not.
        for (ahead_s, valid) in [(SKEW_S - 1, true), (SKEW_S + 5, false)] {
            let token = minter.mint(&claims, Utc::now() + TimeDelta::seconds(ahead_s));
            assert_eq!(verifier.check(&token).is_some(), valid, "{ahead_s} s ahead");
        }
        let other = Minter::from_text(&new_key_pair().0).unwrap();
        assert_eq!(verifier.check(&other.mint(&claims, Utc::now())), None);
        assert_eq!(verifier.check("v4.public.nonsense"), None);
    }
}
