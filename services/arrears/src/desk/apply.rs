//! A person's step on a case: rights, what it needs to know, the machine, and what is printed.

use relight_common::{Claims, Role, Work};
use serde_json::json;
use sqlx::types::Json;
use uuid::Uuid;

use super::{
    cut::{Told, cut},
    evidence, message,
    off::found_off,
    step::{House, step},
};
use crate::{
    domain::{Event, Instant, Refusal, Site, State, bill, case::HoldKind, class::Class, message::Kind},
    error::Error,
    store::{
        account::{self, Supply},
        case::{self, Stored},
        notice::{self, Printed},
        stranger,
    },
};

/// What is asked for.
#[derive(Debug, Clone, PartialEq)]
pub enum Act {
    /// A move of the machine as it is.
    Event(Event),
    /// A message to the customer.
    Tell(Kind),
    /// A notice, with what it prints of the customer.
    Issue {
        /// When supply is to stop.
        stop_at: Instant,
        /// Name and address.
        supply: Box<Supply>,
    },
    /// A cut.
    Cut(Told),
}

/// A command on a case.
#[derive(Debug, Clone, PartialEq)]
pub struct Command {
    /// The case.
    pub case: Uuid,
    /// What is asked for.
    pub act: Act,
    /// What the others know of the premises.
    pub site: Site,
    /// Version the officer looked at, if that is to be checked.
    pub expected_version: Option<i64>,
}

const MANAGERS: [Role; 2] = [Role::Manager, Role::Admin];
const DESK: [Role; 3] = [Role::Agent, Role::Manager, Role::Admin];
pub(super) const ON_SITE: [Role; 4] = [Role::Agent, Role::Manager, Role::Admin, Role::Crew];

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
    let stored = case::lock(work.conn(), command.case)
        .await?
        .ok_or(Error::NoCase)?;
    authorise(claims, &command.act, &stored)?;
    if command
        .expected_version
        .is_some_and(|expected| expected != stored.version)
    {
        return Err(Error::Moved {
            version: stored.version,
        });
    }
    let act = evidence::without_others(work, stored.id, &command.act).await?;
    let stored = carry_out(work, house, claims, stored, (&act, &command.site)).await?;
    evidence::keep(work, claims, stored.id, &act).await?;
    Ok(stored)
}

async fn carry_out(
    work: &mut Work,
    house: &House,
    claims: &Claims,
    mut stored: Stored,
    (act, site): (&Act, &Site),
) -> Result<Stored, Error> {
    match act {
        Act::Event(Event::FoundOff { off_at, reason }) => {
            found_off(work, house, &mut stored, *off_at, reason).await?;
        }
        Act::Event(event) => {
            let event = with_rest_day(work, event, &stored).await?;
            let event = as_manager(claims, &event, &stored.org_path);
            not_a_stranger(work, &event).await?;
            let (before, facts) = (stored.doc.class, house.facts(site, None));
            step(work, &mut stored, &event, &facts).await?;
            if let Event::Classify { class, reason } = event {
                classified(work, &stored, (before, class), &reason).await?;
            }
        }
        Act::Tell(kind) => {
            let facts = house.facts(site, None);
            message::ordered(work, &stored, *kind, &facts).await?;
        }
        Act::Issue { stop_at, supply } => {
            let by = (*stop_at, claims.called());
            issue(work, house, &mut stored, by, (supply, site)).await?;
        }
        Act::Cut(told) => return cut(work, house, stored, (told, site)).await,
    }
    Ok(stored)
}

/// A number that was reported as somebody else's reaches nobody, whoever answered (O15).
async fn not_a_stranger(work: &mut Work, event: &Event) -> Result<(), Error> {
    match event.call() {
        Some(call) if stranger::is_noted(work.conn(), call.contact).await? => Err(Refusal::Proof {
            field: "call.contact_id",
            must: "was reported as somebody else's number: call another one, or visit",
        }
        .into()),
        _ => Ok(()),
    }
}

/// Also for the next case of the account; who said so and why is kept.
async fn classified(
    work: &mut Work,
    stored: &Stored,
    (before, class): (Class, Class),
    reason: &str,
) -> Result<(), Error> {
    let detail = json!({ "from": before.word(), "to": class.word(), "reason": reason });
    work.audit("arrears.classified", stored.id, detail);
    account::classify(work.conn(), stored.account_id, class).await
}

/// Whether the caller may do this there. To others the case does not exist.
fn authorise(claims: &Claims, act: &Act, stored: &Stored) -> Result<(), Error> {
    let org_path = stored.org_path.as_str();
    if !claims.has_at(&ON_SITE, org_path) {
        return Err(Error::NoCase);
    }
    let on_site = matches!(
        act,
        Act::Cut(_)
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
    let by_voice = matches!(act, Act::Cut(told) if told.by_voice);
    if by_voice && !claims.has_at(&DESK, org_path) {
        return Err(Error::Denied(
            "a cut told by voice is recorded by the arrears desk",
        ));
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
    let asks_less =
        matches!(act, Act::Event(Event::Classify { class, .. }) if !class.covers(stored.doc.class));
    if asks_less && !claims.has_at(&MANAGERS, org_path) {
        return Err(Error::Denied(
            "this class asks less of a cut than the one of the case: a manager decides that, and says why",
        ));
    }
    Ok(())
}

/// Whether an approval is a manager's is a matter of the caller's role, not of the request.
fn as_manager(claims: &Claims, event: &Event, org_path: &str) -> Event {
    match event {
        Event::Approve {
            approver,
            approver_name,
            exception,
            ..
        } => Event::Approve {
            approver: approver.clone(),
            approver_name: approver_name.clone(),
            exception: exception.clone(),
            manager: claims.has_at(&MANAGERS, org_path),
        },
        other => other.clone(),
    }
}

/// When the rest beside a disputed part was due is a matter of the bills.
async fn with_rest_day(work: &mut Work, event: &Event, stored: &Stored) -> Result<Event, Error> {
    let mut event = event.clone();
    if let Event::Hold { held, .. } = &mut event
        && let Some(part) = &mut held.part
    {
        let account = account::get(work.conn(), stored.account_id).await?;
        part.rest_due_on = account.oldest_due(part.cents).unwrap_or(stored.doc.due_on);
    }
    Ok(event)
}

async fn issue(
    work: &mut Work,
    house: &House,
    stored: &mut Stored,
    (stop_at, issuer_name): (Instant, &str),
    (supply, site): (&Supply, &Site),
) -> Result<(), Error> {
    let at = work.at();
    let number = case::next_number(work.conn(), "T", stored.doc.zone, at).await?;
    let account = account::get(work.conn(), stored.account_id).await?;
    let told = account.told_cents.unwrap_or(0);
    let due_on = stored.doc.claimed_due_on();
    let bills = bill::lines(&account.bills, (told, stored.doc.claimed_cents()), due_on);
    let event = Event::Issue {
        number: number.clone(),
        issuer: work.actor().to_owned(),
        stop_at,
        overdue: bill::overdue(&bills, at.with_timezone(&stored.doc.zone).date_naive()),
    };
    step(work, stored, &event, &house.facts(site, None)).await?;
    let State::NoticeIssued { basis, notice } = &stored.doc.state else {
        return Err(Error::Stored("notice that was void when it was issued"));
    };
    let reconnect = house.law.reconnect_by(&stored.doc, at) - at;
    let printed = Printed {
        name: supply.name.clone(),
        address_zh: supply.address_zh.clone(),
        address_en: supply.address_en.clone(),
        bills,
        amount_cents: notice.amount_cents,
        issuer: issuer_name.to_owned(),
        approver: basis.approval.called().to_owned(),
        due_on: due_on.to_string(),
        reminders: stored.doc.reminders.clone(),
        legal_basis: house.law.basis(&stored.doc),
        reminded_at: basis.reminder.at,
        reminder_channel: basis.reminder.channel.clone(),
        stop_at: notice.stop_at,
        serve_by: notice.serve_by,
        reconnect_h: u32::try_from(reconnect.num_hours()).unwrap_or(0),
        pay_hint_zh: house.terms.pay_hint_zh.clone(),
        pay_hint_en: house.terms.pay_hint_en.clone(),
    };
    let row = notice::Row {
        number,
        case_id: stored.id,
        issued_at: at,
        doc: Json(printed),
    };
    notice::insert(work.conn(), &row).await
}
