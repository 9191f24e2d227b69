//! The photos a step names: evidence of one case, for as long as it is kept.

use relight_common::{Claims, Invalid, Work};
use serde_json::json;
use uuid::Uuid;

use super::apply::{Act, ON_SITE};
use crate::{domain::Event, error::Error, store::photo};

/// A cut that is done is recorded whatever its photos are: one that proves another case is none here, and is owed.
pub(super) async fn without_others(work: &mut Work, case: Uuid, act: &Act) -> Result<Act, Error> {
    let mut act = act.clone();
    if let Act::Cut(told) = &mut act
        && told.doing.done_at.is_some()
    {
        let doing = &mut told.doing;
        // As one that is not stored: without the photo before it nobody can show how it was; the one after it may follow.
        let before = Some("photo_before_sha256").filter(|_| !told.by_voice);
        let photos = [
            (before, &mut doing.photo_before_sha256),
            (None, &mut doing.photo_after_sha256),
        ];
        for (missing, photo) in photos {
            if photo::of_another(work.conn(), case, photo).await?.is_some() {
                *photo = owed(work, case, photo);
                doing.missing_photo = doing.missing_photo.or(missing);
            }
        }
    }
    Ok(act)
}

fn owed(work: &mut Work, case: Uuid, sha256: &str) -> String {
    work.audit("arrears.photo_of_another", case, json!({ "sha256": sha256 }));
    String::new()
}

/// Keeps what an act names, which then proves no other case. A cut that is done may turn out to be of a newer case than it named.
pub(super) async fn keep(work: &mut Work, claims: &Claims, case: Uuid, act: &Act) -> Result<(), Error> {
    let is_done = matches!(act, Act::Cut(told) if told.doing.done_at.is_some());
    let mut named = named(act);
    for (what, sha256) in &mut named {
        match photo::of_another(work.conn(), case, sha256).await? {
            Some(_) if is_done => *sha256 = owed(work, case, sha256),
            Some(other) => return Err(not_of_this(claims, field(what), &other)),
            None => {}
        }
    }
    let (at, actor) = (work.at(), work.actor().to_owned());
    photo::keep(work.conn(), case, (at, &actor), &named).await
}

/// Which case it is instead is told to whoever may see that one.
fn not_of_this(claims: &Claims, field: &'static str, other: &photo::Other) -> Error {
    let must = if claims.has_at(&ON_SITE, &other.org_path) {
        format!("must be of this case: it proves case {}", other.number)
    } else {
        "must be of this case: it proves another one".to_owned()
    };
    Invalid::new(field, must).into()
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
        Act::Event(Event::Remind(reminder)) => of_visit("reminded", reminder.photo_sha256.as_ref()),
        Act::Event(Event::Serve { proof, .. }) => of_visit("served", proof.photo_sha256.as_ref()),
        Act::Event(Event::PreNotice { warning, .. }) => of_visit("warned", warning.photo_sha256.as_ref()),
        Act::Cut(told) => vec![
            ("before_cut", told.doing.photo_before_sha256.clone()),
            ("after_cut", told.doing.photo_after_sha256.clone()),
        ],
        Act::Event(_) | Act::Tell(_) | Act::Issue { .. } => Vec::new(),
    }
}

fn of_visit(what: &'static str, photo: Option<&String>) -> Vec<(&'static str, String)> {
    photo.map(|sha256| (what, sha256.clone())).into_iter().collect()
}
