//! What those who were asked after a restoration said, for the desk.

use relight_common::{Claims, wire::timestamp};
use relight_proto::intake::v1 as pb;

use super::{inferences::visible, read};
use crate::{
    desk::Desk,
    error::Error,
    store::check::{self, Counted},
};

pub(super) async fn of(
    desk: &Desk,
    claims: &Claims,
    message: &pb::RestorationChecksRequest,
) -> Result<pb::RestorationChecksReply, Error> {
    let mut conn = read::connection(desk).await?;
    let incident = visible(&mut conn, claims, &message.incident_id).await?;
    let counted = check::of_incident(&mut conn, incident.id).await?;
    let checks: Vec<pb::RestorationCheck> = counted.iter().map(shown).collect();
    Ok(pb::RestorationChecksReply {
        total: Some(checks.iter().fold(pb::RestorationCheck::default(), add)),
        checks,
    })
}

fn number(count: i64) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

fn shown(one: &Counted) -> pb::RestorationCheck {
    pb::RestorationCheck {
        check_id: one.id.to_string(),
        restored_at: Some(timestamp(one.restored_at)),
        restored: one.restored.unsigned_abs(),
        pinged: number(one.pinged),
        texted: number(one.texted),
        yes: number(one.yes),
        no: number(one.no),
        silent: number(one.silent),
        waiting: number(one.waiting),
        same_number: number(one.same_number),
    }
}

/// All checks together; the latest restoration is first and stays.
fn add(total: pb::RestorationCheck, one: &pb::RestorationCheck) -> pb::RestorationCheck {
    pb::RestorationCheck {
        check_id: String::new(),
        restored_at: total.restored_at.or(one.restored_at),
        restored: total.restored.saturating_add(one.restored),
        pinged: total.pinged.saturating_add(one.pinged),
        texted: total.texted.saturating_add(one.texted),
        yes: total.yes.saturating_add(one.yes),
        no: total.no.saturating_add(one.no),
        silent: total.silent.saturating_add(one.silent),
        waiting: total.waiting.saturating_add(one.waiting),
        same_number: total.same_number.saturating_add(one.same_number),
    }
}
