//! The photos a step names: evidence of one case, for as long as it is kept.

use relight_common::{Claims, Invalid, Work};
use serde_json::json;
use uuid::Uuid;

use super::apply::{Act, ON_SITE};
use crate::{domain::Event, error::Error, store::photo};

/// A cut that is done is recorded whatever its photos are: one that proves another case is none here, and is owed.
pub(super) async fn without_others(work: &mut Work, case: Uuid, act: &Act) -> Result<Act, Error> {
    let mut act = act.clone();
    let Act::Cut(told) = &mut act else {
        return Ok(act);
    };
    let doing = &mut told.doing;
    if doing.done_at.is_none() {
        return Ok(act);
    }
    for photo in [&mut doing.photo_before_sha256, &mut doing.photo_after_sha256] {
        if photo::of_another(work.conn(), case, photo).await?.is_some() {
            work.audit("arrears.photo_of_another", case, json!({ "sha256": photo }));
            photo.clear();
            doing.missing_photo = Some("photo_before_sha256").filter(|_| !told.by_voice);
        }
    }
    Ok(act)
}

/// Keeps what an act names, which then proves no other case.
pub(super) async fn keep(work: &mut Work, claims: &Claims, case: Uuid, act: &Act) -> Result<(), Error> {
    let named = named(act);
    for (what, sha256) in &named {
        if let Some(other) = photo::of_another(work.conn(), case, sha256).await? {
            let seen = claims.has_at(&ON_SITE, &other.org_path);
            let must = if seen {
                format!("must be of this case: it proves case {}", other.number)
            } else {
                "must be of this case: it proves another one".to_owned()
            };
            return Err(Invalid::new(field(what), must).into());
        }
    }
    let (at, actor) = (work.at(), work.actor().to_owned());
    photo::keep(work.conn(), case, (at, &actor), &named).await
}

fn field(what: &str) -> &'static str {
    match what {
        "before_cut" => "photo_before_sha256",
        "after_cut" => "photo_after_sha256",
        _ => "photo_sha256",
    }
}

/// What each photo shows. One without a hash is owed by the phone.
fn named(act: &Act) -> Vec<(&'static str, String)> {
    match act {
        Act::Event(Event::Serve { proof, .. }) => {
            let photo = proof.photo_sha256.iter();
            photo.map(|sha256| ("served", sha256.clone())).collect()
        }
        Act::Cut(told) => vec![
            ("before_cut", told.doing.photo_before_sha256.clone()),
            ("after_cut", told.doing.photo_after_sha256.clone()),
        ],
        Act::Event(_) | Act::Tell(_) | Act::Issue { .. } => Vec::new(),
    }
}
