//! A person's step on a case: rights, what it needs to know, the machine, and what is printed.

use relight_common::{Claims, Role, Work};
use sqlx::types::Json;
use uuid::Uuid;

use super::{
    release::hash_of,
    step::{House, step},
};
use crate::{
    domain::{Event, Instant, Premises, State, case::HoldKind, event::Doing},
    error::Error,
    store::{
        account::{self, Supply},
        case::{self, Stored},
        notice::{self, Printed},
        release,
    },
};

/// What is asked for.
#[derive(Debug, Clone, PartialEq)]
pub enum Act {
    /// A move of the machine as it is.
    Event(Event),
    /// A notice, with what it prints of the customer.
    Issue {
        /// When supply is to stop.
        stop_at: Instant,
        /// Name and address.
        supply: Box<Supply>,
    },
    /// A cut, with what the crew shows as its release.
    Cut {
        /// Token or code.
        shown: String,
        /// What was done.
        doing: Doing,
    },
}

/// A command on a case.
#[derive(Debug, Clone, PartialEq)]
pub struct Command {
    /// The case.
    pub case: Uuid,
    /// What is asked for.
    pub act: Act,
    /// What the ledger says of the premises.
    pub premises: Premises,
}

const MANAGERS: [Role; 2] = [Role::Manager, Role::Admin];
const DESK: [Role; 3] = [Role::Agent, Role::Manager, Role::Admin];
const ON_SITE: [Role; 4] = [Role::Agent, Role::Manager, Role::Admin, Role::Crew];

/// Carries a command out in the transaction of `work`.
///
/// # Errors
/// [`Error::Denied`], [`Error::Refused`], [`Error::NoCase`] and others.
pub async fn apply(
    work: &mut Work,
    house: &House,
    claims: &Claims,
    command: &Command,
) -> Result<Stored, Error> {
    let mut stored = case::lock(work.conn(), command.case)
        .await?
        .ok_or(Error::NoCase)?;
    authorise(claims, &command.act, &stored.org_path)?;
    match &command.act {
        Act::Event(event) => {
            let event = as_manager(claims, event, &stored.org_path);
            let facts = house.facts(command.premises, None);
            step(work, &mut stored, &event, &facts).await?;
            if let Event::Classify(class) = event {
                account::classify(work.conn(), stored.account_id, class).await?;
            }
        }
        Act::Issue { stop_at, supply } => issue(work, house, &mut stored, *stop_at, supply).await?,
        Act::Cut { shown, doing } => cut(work, house, &mut stored, command.premises, (shown, doing)).await?,
    }
    Ok(stored)
}

/// Whether the caller may do this there. To others the case does not exist.
fn authorise(claims: &Claims, act: &Act, org_path: &str) -> Result<(), Error> {
    if !claims.has_at(&ON_SITE, org_path) {
        return Err(Error::NoCase);
    }
    let on_site = matches!(
        act,
        Act::Cut { .. }
            | Act::Event(
                Event::Serve { .. }
                    | Event::PreNotice { .. }
                    | Event::FoundOff { .. }
                    | Event::Reconnect { .. }
            )
    );
    if !on_site && !claims.has_at(&DESK, org_path) {
        return Err(Error::Denied("this is for the arrears desk (agent) or a manager"));
    }
    let lifts_a_lock = matches!(
        act,
        Act::Event(Event::Release {
            kind: HoldKind::Protected | HoldKind::Lock
        })
    );
    if lifts_a_lock && !claims.has_at(&MANAGERS, org_path) {
        return Err(Error::Denied("a protection or a lock is lifted by a manager"));
    }
    Ok(())
}

/// Whether an approval is a manager's is a matter of the caller's role, not of the request.
fn as_manager(claims: &Claims, event: &Event, org_path: &str) -> Event {
    match event {
        Event::Approve { approver, .. } => Event::Approve {
            approver: approver.clone(),
            manager: claims.has_at(&MANAGERS, org_path),
        },
        other => other.clone(),
    }
}

async fn issue(
    work: &mut Work,
    house: &House,
    stored: &mut Stored,
    stop_at: Instant,
    supply: &Supply,
) -> Result<(), Error> {
    let at = work.at();
    let number = case::next_number(work.conn(), "T", stored.doc.zone, at).await?;
    let event = Event::Issue {
        number: number.clone(),
        issuer: work.actor().to_owned(),
        stop_at,
    };
    step(work, stored, &event, &house.facts(Premises::Unknown, None)).await?;
    let State::NoticeIssued { basis, notice } = &stored.doc.state else {
        return Err(Error::Stored("notice that was void when it was issued"));
    };
    let owing = account::lock_one(work.conn(), stored.account_id).await?;
    let reconnect = house.law.reconnect_by(&stored.doc, at) - at;
    let printed = Printed {
        name: supply.name.clone(),
        address_zh: supply.address_zh.clone(),
        address_en: supply.address_en.clone(),
        bills: owing.map(|account| account.bills.0).unwrap_or_default(),
        amount_cents: notice.amount_cents,
        issuer: notice.issuer.clone(),
        approver: basis.approval.approver.clone(),
        due_on: stored.doc.due_on.to_string(),
        reminded_at: basis.reminder.at,
        reminder_channel: basis.reminder.channel.clone(),
        stop_at: notice.stop_at,
        serve_by: notice.serve_by,
        reconnect_h: u32::try_from(reconnect.num_hours()).unwrap_or(0),
    };
    let row = notice::Row {
        number,
        case_id: stored.id,
        issued_at: at,
        doc: Json(printed),
    };
    notice::insert(work.conn(), &row).await
}

async fn cut(
    work: &mut Work,
    house: &House,
    stored: &mut Stored,
    premises: Premises,
    (shown, doing): (&str, &Doing),
) -> Result<(), Error> {
    let found = release::lock(work.conn(), stored.id, &hash_of(stored.id, shown)).await?;
    let known = found.map(|(_, release)| release);
    let facts = house.facts(premises, known.as_ref());
    step(work, stored, &Event::Cut(doing.clone()), &facts).await?;
    let at = work.at();
    release::spend(work.conn(), stored.id, at).await
}
