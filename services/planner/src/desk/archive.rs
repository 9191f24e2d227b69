//! How the notice of a plan was given, computed from what is stored; kept with the archive (domain.md 5.2).

use relight_common::Work;
use relight_policy::{Pack, Verdict};
use sqlx::PgConnection;

use super::step::law;
use crate::{
    error::Error,
    store::{
        compliance::{self, Compliance, Ruling},
        facts,
        outage::Stored,
    },
};

/// What was found when it was archived; before that, what is found now.
///
/// # Errors
/// [`Error::Common`].
pub async fn compliance(conn: &mut PgConnection, pack: &Pack, one: &Stored) -> Result<Compliance, Error> {
    if let Some(kept) = compliance::kept(conn, one.id).await? {
        return Ok(kept);
    }
    let law = law(pack, one);
    let coverage = facts::read(conn, one).await?.coverage;
    let answer = law.notice(&one.life, &coverage);
    let ruling = Ruling {
        latest: law.latest_notice(&one.life),
        lead_kept: answer.verdict == Verdict::Yes,
        law: answer.because,
        pack_version: answer.pack_version,
    };
    compliance::find(conn, one, ruling).await
}

/// Keeps it: later changes of people and packs change nothing about how it was.
///
/// # Errors
/// [`Error::Common`].
pub async fn keep(work: &mut Work, pack: &Pack, one: &Stored) -> Result<(), Error> {
    let at = work.at();
    let found = compliance(work.conn(), pack, one).await?;
    compliance::keep(work.conn(), one.id, &found, at).await
}
