//! What billing tells: balances and payments, in any order, each line once. A payment ends or stops a case in the same
//! transaction. A night's feed is a million lines: every statement is about a whole batch, and only a case that really
//! moves is handled by itself.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use relight_common::Work;
use sqlx::types::Json;
use tracing::{Instrument, Span};
use uuid::Uuid;

use super::{
    open::open_many,
    step::{House, step},
    unplaced,
};
use crate::{
    domain::{AHEAD_MAX, Case, Event, Instant, NOT_ASKED, event::Owed, transition},
    error::Error,
    store::{
        account::{self, Account, Bill, Supply},
        case::{self, Stored},
        feed::{self, Line, Paid},
    },
};

/// What a line came with: lines of several requests may be taken together, and each case says what moved it.
#[derive(Debug, Clone)]
pub struct Cause {
    /// Id of the command.
    pub command: String,
    /// Of the request: news carries its trace.
    pub span: Span,
}

/// A line, read.
#[derive(Debug, Clone)]
pub struct FeedLine {
    /// Its id at the source.
    pub external_id: String,
    /// As the source writes it.
    pub account: String,
    /// Folded account.
    pub account_key: String,
    /// What it says.
    pub what: What,
    /// What it came with.
    pub cause: Cause,
}

/// What a line says.
#[derive(Debug, Clone, PartialEq)]
pub enum What {
    /// All that is owed at one moment.
    Balance {
        /// Fees included.
        cents: i64,
        /// The moment.
        as_of: Instant,
        /// Due day of the oldest unpaid bill.
        due_on: Option<NaiveDate>,
        /// Unpaid bills.
        bills: Vec<Bill>,
    },
    /// Money that came.
    Payment {
        /// How much.
        cents: i64,
        /// When.
        paid_at: Instant,
    },
}

impl What {
    fn at(&self) -> Instant {
        match self {
            What::Balance { as_of, .. } => *as_of,
            What::Payment { paid_at, .. } => *paid_at,
        }
    }
}

/// What became of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It counts.
    Taken,
    /// It came before.
    Repeated,
    /// A balance before the last one.
    Older,
    /// A payment of an account nobody knows: it counts as soon as somebody does. In words why.
    Kept(String),
    /// It cannot be taken; in words why.
    Refused(String),
}

/// The answer to a line.
#[derive(Debug, Clone)]
pub struct Told {
    /// What became of it.
    pub outcome: Outcome,
    /// What the account owes now.
    pub balance_cents: i64,
    /// Its open case, and where that stands.
    pub case: Option<(Uuid, &'static str)>,
}

/// What became of a batch.
#[derive(Debug, Clone)]
pub enum Fed {
    /// It was taken; the answers.
    Told(Vec<Told>),
    /// These folded accounts are new here, and nothing was taken: where they are supplied has to be asked first, which is
    /// not done inside a transaction.
    New(Vec<String>),
}

/// Accounts of a batch by folded account.
pub(super) type Accounts = BTreeMap<String, Account>;
pub(super) fn by_key(accounts: Vec<Account>) -> Accounts {
    let by_key = accounts
        .into_iter()
        .map(|account| (account.account_key.clone(), account));
    by_key.collect()
}

/// Open cases by account.
type Cases = BTreeMap<Uuid, Stored>;
/// What changed accounts, by folded account.
pub(super) type Touched = BTreeMap<String, Cause>;

/// Takes the lines of `source`. `supplies`: what registry says of accounts that are new here.
///
/// # Errors
/// [`Error::Common`]; nothing of the batch is taken then.
pub async fn feed(
    work: &mut Work,
    house: &House,
    source: &str,
    lines: &[FeedLine],
    supplies: &BTreeMap<String, Result<Supply, String>>,
) -> Result<Fed, Error> {
    for supply in supplies.values().flatten() {
        account::add(work.conn(), supply).await?;
    }
    let keys: BTreeSet<String> = lines.iter().map(|line| line.account_key.clone()).collect();
    let keys: Vec<String> = keys.into_iter().collect();
    let mut accounts = by_key(account::lock(work.conn(), &keys).await?);
    let new: Vec<String> = keys
        .iter()
        .filter(|key| !accounts.contains_key(*key) && !supplies.contains_key(*key))
        .cloned()
        .collect();
    if !new.is_empty() {
        return Ok(Fed::New(new));
    }
    let mut touched = match supplies.is_empty() {
        true => Touched::new(),
        false => unplaced::place(work, &keys).await?,
    };
    let written = write(work, source, lines, &accounts).await?;
    let mut outcomes = Vec::with_capacity(lines.len());
    for (line, written) in lines.iter().zip(written) {
        let outcome = match (written, accounts.get_mut(&line.account_key)) {
            (Written::New, Some(account)) => {
                touched.insert(line.account_key.clone(), line.cause.clone());
                take(line, account)
            }
            (Written::New, None) => {
                let why = unknown(supplies.get(&line.account_key));
                unplaced::keep(work, source, line, why).await?
            }
            (Written::Before(outcome), _) => outcome,
        };
        outcomes.push(outcome);
    }
    let cases = settle(work, house, &mut accounts, &touched).await?;
    let told = lines.iter().zip(outcomes).map(|(line, outcome)| {
        let account = accounts.get(&line.account_key);
        let case = account.and_then(|account| cases.get(&account.id));
        Told {
            outcome,
            balance_cents: account.map_or(0, |account| account.balance_cents),
            case: case.map(|case| (case.id, case.doc.state.word())),
        }
    });
    Ok(Fed::Told(told.collect()))
}

fn unknown(asked: Option<&Result<Supply, String>>) -> String {
    match asked {
        Some(Err(why)) => why.clone(),
        _ => "the account is not known".to_owned(),
    }
}

/// Whether a line was written now.
enum Written {
    /// It is new, or of an account nobody knows.
    New,
    /// It is not; this is the answer.
    Before(Outcome),
}

/// Writes what is new of the lines, in one statement; the others are compared with what came before.
async fn write(
    work: &mut Work,
    source: &str,
    lines: &[FeedLine],
    accounts: &Accounts,
) -> Result<Vec<Written>, Error> {
    let received_at = work.at();
    // A line from further ahead would win over everything that comes later.
    let ahead = received_at + AHEAD_MAX;
    let mut first: BTreeMap<&str, (usize, Line)> = BTreeMap::new();
    let row = |line: &FeedLine| {
        let account = accounts.get(&line.account_key)?;
        (line.what.at() <= ahead).then(|| line.row(account.id))
    };
    for (no, line) in lines.iter().enumerate() {
        if let Some(row) = row(line) {
            first.entry(&line.external_id).or_insert((no, row));
        }
    }
    let rows: Vec<&Line> = first.values().map(|(_, row)| row).collect();
    let new = feed::write(work.conn(), source, &rows, received_at).await?;
    let old: Vec<String> = first
        .keys()
        .filter(|id| !new.contains(**id))
        .map(|id| (*id).to_owned())
        .collect();
    let before = feed::find(work.conn(), source, &old).await?;
    let answer = |(no, line): (usize, &FeedLine)| {
        if line.what.at() > ahead {
            return Written::Before(Outcome::Refused("it is dated in the future".to_owned()));
        }
        let (Some(row), Some((of, written))) = (row(line), first.get(line.external_id.as_str())) else {
            return Written::New;
        };
        let known = before.get(&line.external_id).unwrap_or(written);
        match *known == row {
            true if *of == no && new.contains(&line.external_id) => Written::New,
            true => Written::Before(Outcome::Repeated),
            false => Written::Before(Outcome::Refused(
                "another line with this external_id came before".to_owned(),
            )),
        }
    };
    Ok(lines.iter().enumerate().map(answer).collect())
}

impl FeedLine {
    fn row(&self, account_id: Uuid) -> Line {
        let (kind, amount_cents) = match &self.what {
            What::Balance { cents, .. } => ("balance", *cents),
            What::Payment { cents, .. } => ("payment", *cents),
        };
        Line {
            external_id: self.external_id.clone(),
            account_id,
            kind: kind.to_owned(),
            amount_cents,
            at: self.what.at(),
        }
    }
}

fn take(line: &FeedLine, account: &mut Account) -> Outcome {
    if let What::Balance {
        cents,
        as_of,
        due_on,
        bills,
    } = &line.what
    {
        if account.told_at.is_some_and(|told| told > *as_of) {
            return Outcome::Older;
        }
        account.told_cents = Some(*cents);
        account.told_at = Some(*as_of);
        account.due_on = *due_on;
        account.bills = Json(bills.clone());
    }
    Outcome::Taken
}

/// Names what touched an account as the cause of what follows. The span carries its trace.
pub(super) fn caused(work: &mut Work, touched: &Touched, account_key: &str) -> Span {
    let Some(cause) = touched.get(account_key) else {
        return Span::current();
    };
    work.set_cause(cause.command.clone());
    cause.span.clone()
}

/// What the accounts owe by now, and what that does to their cases. Returns the open cases of all of them.
pub(super) async fn settle(
    work: &mut Work,
    house: &House,
    accounts: &mut Accounts,
    touched: &Touched,
) -> Result<Cases, Error> {
    let since: Vec<(Uuid, Option<Instant>)> = accounts
        .values()
        .filter(|account| touched.contains_key(&account.account_key))
        .map(|account| (account.id, account.told_at))
        .collect();
    let paid = feed::paid_since(work.conn(), &since).await?;
    for account in accounts.values_mut() {
        if let Some(paid) = paid.get(&account.id) {
            account.balance_cents = account.told_cents.unwrap_or(0).saturating_sub(paid.cents);
            account.balance_at = account.told_at.max(paid.last_at);
            account.due_on = account.oldest_due(0);
        }
    }
    let ids: Vec<Uuid> = accounts.values().map(|account| account.id).collect();
    let open = case::lock_open(work.conn(), &ids).await?;
    let mut cases: Cases = open.into_iter().map(|case| (case.account_id, case)).collect();
    let mut changed: Vec<&mut Account> = accounts
        .values_mut()
        .filter(|account| paid.contains_key(&account.id))
        .collect();
    move_cases(work, house, (&mut changed, &paid, touched), &mut cases).await?;
    let changed: Vec<&Account> = changed.into_iter().map(|account| &*account).collect();
    account::save_all(work.conn(), &changed).await?;
    cases.retain(|_, case| !case.doc.state.is_over());
    let without: Vec<&Account> = changed
        .iter()
        .filter(|account| !cases.contains_key(&account.id))
        .copied()
        .collect();
    let opened = open_many(work, house, &without, touched).await?;
    cases.extend(opened.into_iter().map(|case| (case.account_id, case)));
    Ok(cases)
}

/// What the new balances, and the time that has passed, do to open cases. Most only confirm what was known: those are saved
/// together.
async fn move_cases(
    work: &mut Work,
    house: &House,
    (accounts, beside, touched): (&mut [&mut Account], &BTreeMap<Uuid, Paid>, &Touched),
    cases: &mut Cases,
) -> Result<(), Error> {
    let (at, facts) = (work.at(), house.facts(&NOT_ASKED, None));
    let noticed = paid_since_notice(work, cases).await?;
    let mut confirmed = Vec::new();
    for account in accounts {
        let (Some(stored), Some(as_of)) = (cases.get_mut(&account.id), account.balance_at) else {
            continue;
        };
        let event = Event::Money(Owed {
            balance_cents: account.balance_cents,
            as_of,
            due_on: account.due_on,
            paid_cents: noticed.get(&account.id).map_or(0, |paid| paid.cents),
            first_paid_at: first_paid(account, &stored.doc, beside),
        });
        let (next, _) = transition(&stored.doc, &event, &facts, at)?;
        let (next, _) = transition(&next, &Event::Look, &facts, at)?;
        let moved = Case {
            balance_at: next.balance_at,
            ..stored.doc.0.clone()
        } != next;
        if moved {
            let was_paid = stored.doc.state.is_paid();
            let span = caused(work, touched, &account.account_key);
            step(work, stored, &event, &facts).instrument(span).await?;
            if stored.doc.state.is_paid() && !was_paid {
                forget_paid_day(account, &stored.doc);
            }
        } else {
            stored.doc.0 = next;
            confirmed.push(account.id);
        }
    }
    let confirmed: Vec<&Stored> = confirmed.iter().filter_map(|id| cases.get(id)).collect();
    case::save_all(work.conn(), &confirmed).await
}

/// The first payment beside the newest balance; not known where that balance is smaller than what was owed before it.
fn first_paid(account: &Account, case: &Case, beside: &BTreeMap<Uuid, Paid>) -> Option<Instant> {
    let whole = account.told_cents.is_some_and(|told| told >= case.balance_cents);
    let paid = beside.get(&account.id).filter(|_| whole)?;
    paid.first_at
}

/// What was paid since the notices that hold were issued, by account.
async fn paid_since_notice(work: &mut Work, cases: &Cases) -> Result<BTreeMap<Uuid, Paid>, Error> {
    let noticed = cases.values().filter_map(|case| {
        let notice = case.doc.state.notice()?;
        Some((case.account_id, Some(notice.issued_at)))
    });
    let noticed: Vec<(Uuid, Option<Instant>)> = noticed.collect();
    if noticed.is_empty() {
        return Ok(BTreeMap::new());
    }
    feed::paid_since(work.conn(), &noticed).await
}

/// Where billing listed no bills, the day of what is left is not known once the noticed debt is paid. Nobody counts the
/// days of a paid debt for a newer one: billing tells the day with its next balance.
fn forget_paid_day(account: &mut Account, case: &Case) {
    if account.due_on.is_some_and(|due_on| due_on <= case.due_on) {
        account.due_on = None;
    }
}
