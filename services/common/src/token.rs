//! The caller's token: PASETO v4.public, 60 seconds, minted by the edge or by a service, checked by the owner. Signing and
//! checking cost more than most calls, so a token serves its caller for half its life, and is checked once a process.

use std::sync::Arc;

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
use quick_cache::sync::Cache;

use crate::claims::Claims;

/// Life of a token, seconds.
pub const TTL_S: i64 = 60;
/// How far the clocks of two machines may be apart, seconds: a token is valid this long before it was made.
pub const SKEW_S: i64 = 5;
/// A token is given out for this long, so that it lives as long again after it was.
const GIVEN_S: i64 = TTL_S / 2;
/// Callers whose tokens are remembered.
const REMEMBERED: usize = 4_096;

/// What is remembered until a moment.
#[derive(Debug, Clone)]
struct Until<T> {
    at: DateTime<Utc>,
    what: T,
}

/// Signs caller tokens.
#[derive(Debug, Clone)]
pub struct Minter {
    secret: AsymmetricSecretKey<V4>,
    /// By the claims as text.
    given: Arc<Cache<String, Until<Arc<str>>>>,
}

/// Checks caller tokens.
#[derive(Debug, Clone)]
pub struct Verifier {
    public: AsymmetricPublicKey<V4>,
    /// By the token; each until it runs out.
    checked: Arc<Cache<String, Until<Arc<Claims>>>>,
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
        let secret = AsymmetricSecretKey::from(&bytes).ok()?;
        Some(Self {
            secret,
            given: Arc::new(Cache::new(REMEMBERED)),
        })
    }

    /// A token for `claims`, valid for 60 s from `now` when it is new, and for 30 s at the least.
    pub fn mint(&self, claims: &Claims, now: DateTime<Utc>) -> Arc<str> {
        let text = serde_json::to_string(claims).expect("claims are plain JSON");
        let fresh = |given: &Until<_>| now < given.at && given.at - now <= TimeDelta::seconds(GIVEN_S);
        if let Some(given) = self.given.get(&text).filter(fresh) {
            return given.what;
        }
        let payload = payload(claims, now).expect("claims are plain JSON and a date after 1970");
        let token = public::sign(&self.secret, &payload, None, None);
        let what: Arc<str> = token.expect("signing with a well-formed key works").into();
        let at = now + TimeDelta::seconds(GIVEN_S);
        self.given.insert(
            text,
            Until {
                at,
                what: what.clone(),
            },
        );
        what
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
        let public = AsymmetricPublicKey::from(&bytes).ok()?;
        Some(Self {
            public,
            checked: Arc::new(Cache::new(REMEMBERED)),
        })
    }

    /// The caller named by `token`; `None` when it is forged, damaged or older than 60 s.
    pub fn check(&self, token: &str, now: DateTime<Utc>) -> Option<Claims> {
        if let Some(checked) = self.checked.get(token).filter(|checked| now < checked.at) {
            return Some((*checked.what).clone());
        }
        let (claims, at) = self.prove(token).filter(|(_, ends)| now < *ends)?;
        let what = Arc::new(claims.clone());
        self.checked.insert(token.to_owned(), Until { at, what });
        Some(claims)
    }

    /// The claims of a token that is valid now, and when it runs out.
    fn prove(&self, token: &str) -> Option<(Claims, DateTime<Utc>)> {
        let untrusted = UntrustedToken::<Public, V4>::try_from(token).ok()?;
        let trusted = public::verify(
            &self.public,
            &untrusted,
            &ClaimsValidationRules::new(),
            None,
            None,
        )
        .ok()?;
        let payload = trusted.payload_claims()?;
        let claims = serde_json::from_value(payload.get_claim("relight")?.clone()).ok()?;
        let ends = DateTime::parse_from_rfc3339(payload.get_claim("exp")?.as_str()?).ok()?;
        Some((claims, ends.to_utc()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_proves_its_claims_for_sixty_seconds_only() {
        let (secret, public) = new_key_pair();
        let (minter, verifier) = (
            Minter::from_text(&secret).unwrap(),
            Verifier::from_text(&public).unwrap(),
        );
        let claims = Claims::service("intake");
        let now = Utc::now();
        let grants = |token: &str| verifier.check(token, now).map(|claims| claims.grants);
        assert_eq!(grants(&minter.mint(&claims, now)), Some(claims.grants.clone()));
        let old = minter.mint(&claims, now - TimeDelta::seconds(TTL_S + 1));
        assert_eq!(grants(&old), None);
        // Made on a machine whose clock is ahead: a little is fine, much is not.
        for (ahead_s, valid) in [(SKEW_S - 1, true), (SKEW_S + 5, false)] {
            let minter = Minter::from_text(&secret).unwrap();
            let token = minter.mint(&claims, now + TimeDelta::seconds(ahead_s));
            assert_eq!(grants(&token).is_some(), valid, "{ahead_s} s ahead");
        }
        let other = Minter::from_text(&new_key_pair().0).unwrap();
        assert_eq!(grants(&other.mint(&claims, now)), None);
        assert_eq!(grants("v4.public.nonsense"), None);
    }

    #[test]
    fn a_token_that_was_checked_runs_out_all_the_same() {
        let (secret, public) = new_key_pair();
        let (minter, verifier) = (
            Minter::from_text(&secret).unwrap(),
            Verifier::from_text(&public).unwrap(),
        );
        let now = Utc::now();
        let token = minter.mint(&Claims::anybody(), now);
        let valid = |after_s| {
            verifier
                .check(&token, now + TimeDelta::seconds(after_s))
                .is_some()
        };
        assert!(valid(0) && valid(TTL_S - 1) && !valid(TTL_S));
    }

    #[test]
    fn a_caller_keeps_a_token_for_half_its_life_and_shares_it_with_nobody() {
        let minter = Minter::from_text(&new_key_pair().0).unwrap();
        let (one, other) = (Claims::service("intake"), Claims::service("notify"));
        let now = Utc::now();
        let later = |s| now + TimeDelta::seconds(s);
        let token = minter.mint(&one, now);
        assert_eq!(minter.mint(&one, later(GIVEN_S - 1)), token);
        assert_ne!(minter.mint(&other, now), token);
        assert_ne!(minter.mint(&one, later(GIVEN_S)), token);
        // A clock that was set back gives out nothing that is from its future.
        assert_ne!(minter.mint(&one, now - TimeDelta::seconds(1)), token);
    }
}
