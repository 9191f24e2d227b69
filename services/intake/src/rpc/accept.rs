//! Accepting a report. Look-ups first (200 ms each, none of them an obstacle), then one transaction: the report, its
//! place on the queue, the news, the reply. The row of an incident is never touched here.

use chrono::{DateTime, Utc};
use relight_common::{Begun, Claims, Invalid, Role, Work, command::Meta, ids::derived};
use relight_proto::intake::v1 as pb;
use tokio::join;

use crate::{
    desk::Desk,
    domain::{
        ReportId,
        group::Topology,
        place::Place,
        report::{Draft, KnownOutage, Neighbours, Seen, Standing, Triage, triage},
        signal::RELAY_FRESH,
    },
    error::Error,
    news, parse,
    peers::{Account, TRIAGE},
    rpc::read,
    store::{
        number::Kind,
        report::{self, Report, Stored, Urge},
    },
};

/// Who may report a fault.
pub(super) const REPORTERS: [Role; 8] = [
    Role::Public,
    Role::Customer,
    Role::Agent,
    Role::Dispatcher,
    Role::UnitDesk,
    Role::Crew,
    Role::Admin,
    Role::Service,
];
/// Who may ask again.
pub(super) const URGERS: [Role; 4] = [Role::Agent, Role::Dispatcher, Role::Customer, Role::Service];

/// Accepts one report, or counts it as urging the open one of the same customer.
pub(super) async fn accept(
    desk: &Desk,
    claims: &Claims,
    message: &pb::AcceptReportRequest,
) -> Result<pb::Report, Error> {
    let now = desk.clock.now();
    let draft = parse::draft(message, claims)?;
    draft.check_enough()?;
    let accepted_at = draft.accepted_at(now)?;
    let meta = Meta::new(&message.command_id, claims, message, now).map_err(Error::from)?;
    let (place, place_pending) = find_place(desk, claims, &draft).await?;
    let known = async {
        match place.customer_id {
            Some(customer) => desk.peers.why_off(customer).await,
            None => None,
        }
    };
    let (known, number) = join!(known, desk.numbers.next(Kind::Report, now, &place.zone));
    let number = number?;
    let (first, made) = (known.clone(), judge(desk, &draft, &place, known).await?);
    let mut work = match Work::begin::<pb::Report>(&desk.db, meta).await? {
        Begun::Before(reply) => return Ok(reply),
        Begun::New(work) => work,
    };
    if let Some(urged) = urged_by(desk, &mut work, &draft, &place, now).await? {
        let reply = add_urge(
            &mut work,
            urged,
            draft.channel.word(),
            &draft.note,
            first.as_ref(),
        )
        .await?;
        return commit(desk, work, reply).await;
    }
    let stored = Stored {
        report: new_report(
            desk,
            claims,
            draft,
            place,
            place_pending,
            accepted_at,
            now,
            number,
            made,
        ),
        incident: None,
        incident_state: None,
        urge_count: 0,
    };
    report::insert(work.conn(), &stored.report).await?;
    news::tell_report(&mut work, &stored.report, news::ACCEPTED);
    if stored.report.call_wanted {
        news::tell_call_wanted(&mut work, &stored.report);
    }
    commit(desk, work, news::report(&stored)).await
}

/// Commits and wakes the worker.
async fn commit(desk: &Desk, work: Work, reply: pb::Report) -> Result<pb::Report, Error> {
    let reply = work.commit(reply).await?;
    desk.bell.notify_one();
    Ok(reply)
}

/// What this report is. Whoever does not answer leaves it open, never closed.
async fn judge(
    desk: &Desk,
    draft: &Draft,
    place: &Place,
    known: Option<KnownOutage>,
) -> Result<Triage, Error> {
    let town = desk.atlas.town();
    let load = place.load_id.as_deref();
    let gone = |load: &str| town.as_ref().is_some_and(|town| town.grid().load(load).is_none());
    let mut seen = Seen {
        danger: draft.danger,
        on_the_grid: place.is_on_the_grid(),
        left: place.service_point_id.is_some() && load.is_some_and(gone),
        neighbours: draft.neighbours,
        known,
        ..Seen::default()
    };
    let cut_at = seen
        .known
        .as_ref()
        .filter(|known| known.is_cut())
        .map(|known| known.off_at);
    if !seen.danger && (cut_at.is_some() || seen.neighbours == Neighbours::On) {
        let mut conn = read::connection(desk).await?;
        if let Some(town) = &town {
            let way = town.way_of_place(load, place.transformer_id.as_deref());
            let above: Vec<String> = way.iter().map(|device| device.to_string()).collect();
            seen.fault_above = report::fault_at(&mut conn, &above).await?;
        }
        if let (Some(cut_at), Some(load)) = (cut_at, load) {
            let fresh = desk.clock.now() - RELAY_FRESH;
            let since = cut_at.map_or(fresh, |at| at.max(fresh));
            seen.relay_open = report::relay_open(&mut conn, load, since).await?;
        }
    }
    Ok(triage(seen))
}

/// Where the report is, and whether its account still has to be looked up.
async fn find_place(desk: &Desk, claims: &Claims, draft: &Draft) -> Result<(Place, bool), Error> {
    let around = || match desk.atlas.town() {
        Some(town) => town.place_at(draft.position),
        None => Place {
            position: draft.position,
            ..Place::default()
        },
    };
    let Some(account) = &draft.account else {
        return Ok((around(), false));
    };
    match desk.peers.account(account, TRIAGE).await {
        Account::Known(point) if may_report_for(claims, point.customer_id) => {
            Ok((Place::of(&point, draft.position), false))
        }
        // Danger at a neighbour's: their place, not their name.
        Account::Known(point) if draft.danger => Ok((Place::near(&point, draft.position), false)),
        Account::Known(_) => Err(Error::NotOwn),
        Account::Unknown if draft.danger || draft.has_other_place() => Ok((around(), false)),
        Account::Unknown => Err(Invalid::new(
            "account",
            "is not known here; check the number, or leave it out and give name, phone and address",
        )
        .into()),
        Account::NoAnswer => Ok((around(), true)),
    }
}

/// A customer reports for their own account; everybody else for any.
fn may_report_for(claims: &Claims, customer: uuid::Uuid) -> bool {
    let only_customer = claims.grants.iter().all(|grant| grant.role == Role::Customer);
    !only_customer || claims.customer_id == Some(customer)
}

#[expect(clippy::too_many_arguments, reason = "the parts of one row, each used once")]
fn new_report(
    desk: &Desk,
    claims: &Claims,
    draft: Draft,
    place: Place,
    place_pending: bool,
    accepted_at: DateTime<Utc>,
    received_at: DateTime<Utc>,
    number: String,
    triage: Triage,
) -> Report {
    let id = ReportId::new();
    let sealed =
        |field: &str, text: &str| (!text.is_empty()).then(|| desk.seal.seal(&binding(id, field), text));
    Report {
        id,
        number,
        accepted_at,
        received_at,
        channel: draft.channel,
        actor: claims.actor.clone(),
        hint: triage.known().and_then(|known| known.incident),
        standing: triage.standing(),
        call_wanted: place.life_support,
        neighbours: draft.neighbours,
        confidential: draft.confidential,
        triage,
        danger: draft.danger,
        danger_note: draft.danger_note,
        note: draft.note,
        account: draft.account,
        place,
        place_pending,
        name: sealed("name", &draft.name),
        phone: sealed("phone", &draft.phone),
        address: draft.address,
        language: draft.language.to_owned(),
    }
}

/// What a sealed value is bound to: its report and its column.
pub(super) fn binding(report: ReportId, field: &str) -> Vec<u8> {
    [report.uuid().as_bytes().as_slice(), field.as_bytes()].concat()
}

/// The open report this one only urges; none when there is danger.
async fn urged_by(
    desk: &Desk,
    work: &mut Work,
    draft: &Draft,
    place: &Place,
    now: DateTime<Utc>,
) -> Result<Option<Stored>, Error> {
    match place.customer_id {
        Some(customer) if !draft.danger => {
            let since = now - desk.pack.duration("urge.window", now)?;
            report::open_of_customer(work.conn(), customer, since).await
        }
        _ => Ok(None),
    }
}

async fn add_urge(
    work: &mut Work,
    mut first: Stored,
    channel: &str,
    note: &str,
    known: Option<&KnownOutage>,
) -> Result<pb::Report, Error> {
    let command = work.cause().parse().map_err(|_| Error::Stored("command id"))?;
    let (at, actor) = (work.at(), work.actor().to_owned());
    let urge = Urge {
        id: derived(command, "urge"),
        report: first.report.id,
        at,
        actor: &actor,
        channel,
        note,
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
    let reply = add_urge(&mut work, stored, channel, "", None).await?;
    commit(desk, work, reply).await
}
