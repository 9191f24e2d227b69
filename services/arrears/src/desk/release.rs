//! Leave to cut one meter now (operations.md O9): checked like the cut itself, short-lived, kept as a hash only.

use chrono::TimeDelta;
use hmac::{Hmac, Mac};
use relight_common::{Claims, Role, Work};
use serde_json::json;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::step::House;
use crate::{
    domain::{Instant, Site, check_cut},
    error::Error,
    store::{case, release},
};

/// Digits of a code that is read out.
const DIGITS: u32 = 10;

/// Makes what a crew shows. The same command gives the same text, so that it need not be stored for a repeat.
#[derive(Clone)]
pub struct Shown {
    key: Hmac<Sha256>,
}

impl std::fmt::Debug for Shown {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Shown")
    }
}

impl Shown {
    /// With this secret.
    pub fn new(key: &[u8; 32]) -> Self {
        let key = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
        Self {
            key: key.chain_update(b"relight release"),
        }
    }

    /// Token, or code for reading out, of the command `id`.
    pub fn of(&self, id: Uuid, spoken: bool) -> String {
        let bytes = self.key.clone().chain_update(id).finalize().into_bytes();
        if spoken {
            let head: [u8; 8] = std::array::from_fn(|n| bytes[n]);
            let code = u64::from_be_bytes(head) % 10_u64.pow(DIGITS);
            format!("{code:010}")
        } else {
            bytes.iter().map(|byte| format!("{byte:02x}")).collect()
        }
    }
}

/// A release as it is handed out.
#[derive(Clone)]
pub struct Leave {
    /// Token or code.
    pub shown: String,
    /// The desk reads it out to a crew without a signal.
    pub spoken: bool,
}

/// What is stored of it; bound to its case.
pub fn hash_of(case: Uuid, shown: &str) -> [u8; 32] {
    let hash = Sha256::new().chain_update(case).chain_update(shown.trim());
    hash.finalize().into()
}

/// Gives a release for the meter that was scanned. Returns when it ends.
///
/// # Errors
/// [`Error::Refused`] with the first thing that stands in the way; [`Error::NoCase`].
pub async fn release(
    work: &mut Work,
    house: &House,
    claims: &Claims,
    (case_id, scanned_meter_no, leave): (Uuid, &str, &Leave),
    site: &Site,
) -> Result<Instant, Error> {
    let stored = case::lock(work.conn(), case_id).await?.ok_or(Error::NoCase)?;
    if !claims.has_at(
        &[Role::Agent, Role::Manager, Role::Admin, Role::Crew],
        &stored.org_path,
    ) {
        return Err(Error::NoCase);
    }
    let now = work.at();
    check_cut(&stored.doc, scanned_meter_no, &house.facts(site, None), now)?;
    let expires_at = now + TimeDelta::seconds(house.terms.release_ttl_s.into());
    let row = release::Row {
        id: Uuid::now_v7(),
        case_id,
        hash: hash_of(case_id, &leave.shown),
        meter_no: stored.doc.meter_no.clone(),
        made_at: now,
        expires_at,
        spoken: leave.spoken,
    };
    release::insert(work.conn(), &row).await?;
    work.audit(
        "arrears.release",
        case_id,
        json!({ "release": row.id, "expires_at": expires_at }),
    );
    Ok(expires_at)
}
