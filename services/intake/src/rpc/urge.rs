//! Somebody asks again about a fault that is not over.

use chrono::{DateTime, Utc};
use relight_common::{Begun, Claims, Role, Work, command::Meta, ids::derived};
use relight_proto::intake::v1 as pb;

use crate::{
    desk::Desk,
    domain::{
        ReportId,
        report::{KnownOutage, Standing},
    },
    error::Error,
    news,
    rpc::read,
    store::report::{self, Stored, Urge},
};

/// Who may ask again.
pub(super) const URGERS: [Role; 4] = [Role::Agent, Role::Dispatcher, Role::Customer, Role::Service];

/// How somebody asked again, and what they said.
pub(super) struct Asked<'a> {
    /// When, where that was not now.
    pub(super) at: Option<DateTime<Utc>>,
    pub(super) channel: &'a str,
    pub(super) note: &'a str,
}

/// Counts it on the report, in the transaction of the command.
pub(super) async fn add_urge(
    work: &mut Work,
    mut first: Stored,
    asked: Asked<'_>,
    known: Option<&KnownOutage>,
) -> Result<pb::Report, Error> {
    let command = work.cause().parse().map_err(|_| Error::Stored("command id"))?;
    let (at, actor) = (work.at(), work.actor().to_owned());
    let urge = Urge {
        id: derived(command, "urge"),
        report: first.report.id,
        at: asked.at.unwrap_or(at),
        actor: &actor,
        channel: asked.channel,
        note: asked.note,
    };
    report::insert_urge(work.conn(), &urge).await?;
    first.urge_count += 1;
    // Who asks again was not helped.
    if first.report.standing == Standing::Helping
        && report::helped(work.conn(), first.report.id, None, at).await?
    {
        first.report.standing = Standing::Open;
    }
    Ok(news::urged(&first, known))
}

/// Counts somebody asking again about a report whose fault is not over.
pub(super) async fn urge(
    desk: &Desk,
    claims: &Claims,
    message: &pb::UrgeRequest,
) -> Result<pb::Report, Error> {
    let now = desk.clock.now();
    let id = ReportId::parse(&message.report_id).map_err(Error::from)?;
    let meta = Meta::new(&message.command_id, claims, message, now).map_err(Error::from)?;
    let mut work = match Work::begin::<pb::Report>(&desk.db, meta).await? {
        Begun::Before(reply) => return Ok(reply),
        Begun::New(work) => work,
    };
    let stored = report::by_id(work.conn(), id)
        .await?
        .filter(|stored| read::may_see(claims, stored));
    let stored = stored.ok_or(Error::NoReport)?;
    if stored
        .incident_state
        .as_deref()
        .is_some_and(|state| state != "open")
    {
        return Err(Error::Over(id));
    }
    let channel = if claims.has(&[Role::Customer]) {
        "web"
    } else {
        "hotline"
    };
    let asked = Asked {
        at: None,
        channel,
        note: "",
    };
    let reply = add_urge(&mut work, stored, asked, None).await?;
    let reply = work.commit(reply).await?;
    desk.bell.notify_one();
    Ok(reply)
}
