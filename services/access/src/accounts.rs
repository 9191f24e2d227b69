//! Accounts: put by an administrator, or by the demo loader and the command line.

use chrono::{DateTime, Utc};
use relight_common::{Db, Grant, Work, ids::derived_from_name};

use crate::{
    domain::account::{self, Account, PersonId},
    error::Error,
    secret::Passwords,
    store::{
        people::{self, Person},
        sessions,
    },
};

/// Makes an account, or brings the one with this log-in name to this form. Not for requests: nobody's rights are
/// checked. A repeat changes nothing, and does not end sessions.
///
/// # Errors
/// [`Error::Common`] naming the field that is wrong, or when Postgres is away.
pub async fn put_account(
    db: &Db,
    account: Account,
    password: &str,
    now: DateTime<Utc>,
) -> Result<PersonId, Error> {
    let account = account.checked()?;
    let passwords = Passwords::new().await?;
    let before = people::by_login(db.pool(), &account.login).await?;
    let stored = before.as_ref().map(|person| person.password_hash.as_str());
    let same = !password.is_empty() && passwords.verify(password, stored).await?;
    let new_hash = if same {
        None
    } else {
        new_hash(&passwords, &account, password, before.is_some()).await?
    };
    let id = before.as_ref().map_or_else(
        || PersonId::from_uuid(derived_from_name(&format!("person:{}", account.login))),
        |person| PersonId::from_uuid(person.id),
    );
    let mut work = Work::internal(db, "put_account", now).await?;
    let locked = people::lock(work.conn(), id).await?;
    write(&mut work, id, locked.as_ref(), &account, new_hash).await?;
    work.done().await?;
    Ok(id)
}

/// The hash of a new password; none when an existing account keeps its own.
pub(crate) async fn new_hash(
    passwords: &Passwords,
    account: &Account,
    password: &str,
    exists: bool,
) -> Result<Option<String>, Error> {
    if password.is_empty() && exists {
        return Ok(None);
    }
    account::password(password, &account.login)?;
    passwords.hash(password).await.map(Some)
}

/// Saves an account inside a command; a new password or disabling it ends its sessions at once.
pub(crate) async fn write(
    work: &mut Work,
    id: PersonId,
    before: Option<&Person>,
    account: &Account,
    new_hash: Option<String>,
) -> Result<(), Error> {
    let now = work.at();
    let ends = account.disabled || (before.is_some() && new_hash.is_some());
    let hash = new_hash
        .as_deref()
        .or(before.map(|person| person.password_hash.as_str()));
    people::put(work.conn(), id, account, hash.unwrap_or_default(), now).await?;
    let ended = if ends {
        sessions::end_all(work.conn(), id.uuid()).await?
    } else {
        0
    };
    let detail = serde_json::json!({
        "grants": words(&account.grants),
        "before": before.map(|person| words(&person.grants)),
        "disabled": account.disabled,
        "new_password": new_hash.is_some(),
        "sessions_ended": ended,
    });
    work.audit("account.put", id, detail);
    Ok(())
}

fn words(grants: &[Grant]) -> Vec<String> {
    grants
        .iter()
        .map(|grant| {
            format!("{} {}", grant.role.word(), grant.org_path)
                .trim_end()
                .to_owned()
        })
        .collect()
}
