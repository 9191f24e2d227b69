//! The first-contact owner: who took a report tells its reporter until it is over, or hands it over (domain.md F10).

use relight_common::{Begun, Claims, Invalid, Role, Work, command::Meta, ids::derived, wire};
use relight_proto::intake::v1 as pb;
use serde_json::json;

use super::read;
use crate::{
    desk::Desk,
    domain::ReportId,
    error::Error,
    news,
    store::{
        closing,
        owner::{self, HandOver},
        report::{self, Filter},
    },
};

/// Who owns reports.
pub(super) const OWNERS: [Role; 2] = [Role::Agent, Role::Dispatcher];
const PERSON_MAX: usize = 100;
const REASON_MAX: usize = 500;

/// Hands a report over to somebody else.
pub(super) async fn hand_over(
    desk: &Desk,
    claims: &Claims,
    message: &pb::HandOverRequest,
) -> Result<pb::Report, Error> {
    let id = ReportId::parse(&message.report_id)?;
    let to = wire::text_required("to", &message.to, PERSON_MAX)?;
    let reason = wire::text_required("reason", &message.reason, REASON_MAX)?;
    let meta = Meta::new(&message.command_id, claims, message, desk.clock.now())?;
    let mut work = match Work::begin::<pb::Report>(&desk.db, meta).await? {
        Begun::Before(reply) => return Ok(reply),
        Begun::New(work) => work,
    };
    closing::lock(work.conn(), id).await?;
    let before = report::by_id(work.conn(), id).await?;
    let mut stored = before
        .filter(|stored| read::reaches(claims, &OWNERS, &stored.report.place.org_path))
        .ok_or(Error::NoReport)?;
    let from = stored.owner().to_owned();
    let may =
        from == claims.actor || read::reaches(claims, &[Role::Dispatcher], &stored.report.place.org_path);
    if !may {
        return Err(Error::Denied(
            "only its owner or a dispatcher hands a report over".to_owned(),
        ));
    }
    if from == to {
        return Err(Invalid::new("to", "must be somebody else than the present owner").into());
    }
    let (by, at) = (work.actor().to_owned(), work.at());
    let one = HandOver {
        id: derived(work.cause().parse().unwrap_or_default(), "hand over"),
        report: id,
        owners: (&from, &to),
        by: (&by, &reason),
        at,
    };
    owner::hand_over(work.conn(), &one).await?;
    work.audit(
        "report.handed_over",
        id,
        json!({ "from": from, "to": to, "reason": reason }),
    );
    stored.owner = Some(to);
    Ok(work.commit(news::report(&stored)).await?)
}

/// The caller's own reports whose fault is not over.
pub(super) async fn own(
    desk: &Desk,
    claims: &Claims,
    message: &pb::OwnReportsRequest,
) -> Result<pb::ListReportsReply, Error> {
    let filter = Filter {
        org_patterns: read::patterns(claims, &OWNERS),
        owned_by: Some(claims.actor.clone()),
        ..Filter::default()
    };
    let words = format!("own reports {}", claims.actor);
    let page = desk.cursors.page(&words, message.page.as_ref())?;
    let rows = report::page(&mut *read::connection(desk).await?, &filter, &page).await?;
    let last = rows
        .last()
        .map(|last| (last.report.accepted_at, last.report.id.uuid()));
    Ok(pb::ListReportsReply {
        next_cursor: desk.cursors.next(&words, &page, rows.len(), last),
        reports: rows.iter().map(news::report).collect(),
    })
}
