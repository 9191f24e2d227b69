//! Accepting a report. Look-ups first (200 ms each, none of them an obstacle), then one transaction, shared with the
//! reports that came at the same time ([`together`](super::together)). The row of an incident is never touched here.

use chrono::{DateTime, Utc};
use relight_common::{Claims, Invalid, Role, command::Meta, ids::derived};
use relight_proto::intake::v1 as pb;
use tokio::join;
use tracing::Span;

use crate::{
    desk::Desk,
    domain::{
        ReportId,
        place::Place,
        report::{Draft, Triage},
    },
    error::Error,
    parse,
    peers::{Account, TRIAGE},
    rpc::{
        judge::{self, judge},
        together::{Accepting, Ready},
    },
    store::{check::Row, number::Kind, report::Report},
};

/// Who takes what is said by text.
const SERVICE_NOTIFY: &str = "service:notify";

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
/// Accepts one report, or counts it as urging the open one of the same customer.
pub(super) async fn accept(
    desk: &Desk,
    accepting: &Accepting,
    claims: &Claims,
    message: &pb::AcceptReportRequest,
) -> Result<pb::Report, Error> {
    let ready = ready(desk, claims, message).await?;
    accepting.ask(ready).await?
}

/// The report as it will be stored, with everything that had to be looked up.
async fn ready(desk: &Desk, claims: &Claims, message: &pb::AcceptReportRequest) -> Result<Ready, Error> {
    let now = desk.clock.now();
    let draft = parse::draft(message, claims)?;
    draft.check_enough()?;
    let accepted_at = draft.accepted_at(now)?;
    let meta = Meta::new(&message.command_id, claims, message, now).map_err(Error::from)?;
    let (place, place_pending) = find_place(desk, claims, &draft).await?;
    let known = judge::ask(desk, place.customer_id, (accepted_at, now));
    let (known, number) = join!(known, desk.numbers.next(Kind::Report, now, &place.zone));
    let number = number?;
    let told = known.clone().unwrap_or_default();
    let triage = judge(desk, (&draft).into(), &place, known).await?;
    let found = Found {
        place,
        place_pending,
        number,
        triage,
    };
    Ok(Ready {
        report: new_report(desk, draft, found, meta.actor.clone(), (accepted_at, now)),
        meta,
        told,
        span: Span::current(),
    })
}

/// The report that "still off" is, said by text by whoever was asked after a restoration: accepted when it was said. The same
/// answer is the same report.
pub(crate) async fn still_off(desk: &Desk, row: &Row, said_at: DateTime<Utc>) -> Result<Report, Error> {
    let now = desk.clock.now();
    let place = place_of(desk, row);
    let known = match place.customer_id {
        Some(customer) => desk.peers.why_off(customer).await,
        None => Ok(None),
    };
    // The ledger may not have heard yet that supply is said to be back.
    let known = known.map(|known| known.filter(|known| known.incident != Some(row.check.incident)));
    let draft = Draft::by_text();
    let found = Found {
        place_pending: false,
        number: desk.numbers.next(Kind::Report, now, &place.zone).await?,
        triage: judge(desk, (&draft).into(), &place, known).await?,
        place,
    };
    let times = (said_at.min(now), now);
    let name = match row.report {
        None => "report".to_owned(),
        // They were back in between: this is another one.
        Some(_) => format!("report\n{}", said_at.timestamp_micros()),
    };
    Ok(Report {
        id: ReportId::from_uuid(derived(row.id, &name)),
        ..new_report(desk, draft, found, SERVICE_NOTIFY.to_owned(), times)
    })
}

/// Where somebody is who was asked: as the network has it now, or as it was kept.
fn place_of(desk: &Desk, row: &Row) -> Place {
    let town = desk.atlas.town();
    let known = town.and_then(|town| Some(town.place_of(town.grid().load(&row.load)?)));
    Place {
        customer_id: row.customer,
        ..known.unwrap_or_else(|| Place {
            load_id: Some(row.load.clone()),
            org_path: row.org_path.clone(),
            ..Place::default()
        })
    }
}

/// What was looked up for a report.
struct Found {
    place: Place,
    place_pending: bool,
    number: String,
    triage: Triage,
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

/// `times`: when the customer reported, and when that was entered.
fn new_report(
    desk: &Desk,
    draft: Draft,
    found: Found,
    actor: String,
    times: (DateTime<Utc>, DateTime<Utc>),
) -> Report {
    let (accepted_at, received_at) = times;
    let Found {
        place,
        place_pending,
        number,
        triage,
    } = found;
    let id = ReportId::new();
    let sealed =
        |field: &str, text: &str| (!text.is_empty()).then(|| desk.seal.seal(&binding(id, field), text));
    Report {
        id,
        number,
        accepted_at,
        received_at,
        channel: draft.channel,
        actor,
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
