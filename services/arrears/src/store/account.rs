//! Accounts with what they owe.

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::{PgConnection, types::Json};
use uuid::Uuid;

use super::db;
pub use crate::domain::bill::Bill;
use crate::{
    domain::{bill::unpaid, class::Class},
    error::Error,
};

/// Where an account is supplied, as registry says.
#[derive(Debug, Clone, PartialEq)]
pub struct Supply {
    /// As registry writes it.
    pub account: String,
    /// Whose it is.
    pub customer_id: Uuid,
    /// The supply.
    pub service_point_id: Uuid,
    /// Place in the organisation.
    pub org_path: String,
    /// IANA.
    pub zone: String,
    /// Number on the meter.
    pub meter_no: String,
    /// Kind of customer.
    pub class: Class,
    /// Name for the notice.
    pub name: String,
    /// Address in Chinese.
    pub address_zh: String,
    /// Address in English.
    pub address_en: String,
}

/// An account.
#[derive(Debug, Clone)]
pub struct Account {
    /// Id here.
    pub id: Uuid,
    /// As registry writes it.
    pub account: String,
    /// Without case.
    pub account_key: String,
    /// Whose it is.
    pub customer_id: Uuid,
    /// The supply.
    pub service_point_id: Uuid,
    /// Place in the organisation.
    pub org_path: String,
    /// IANA.
    pub zone: String,
    /// Number on the meter.
    pub meter_no: String,
    /// Word of the class.
    pub class: String,
    /// Newest balance told.
    pub told_cents: Option<i64>,
    /// Its moment.
    pub told_at: Option<DateTime<Utc>>,
    /// What is owed by now.
    pub balance_cents: i64,
    /// The moment of the newest fact in it.
    pub balance_at: Option<DateTime<Utc>>,
    /// Due day of the oldest bill that payments have left; none while billing has not told it.
    pub due_on: Option<NaiveDate>,
    /// Unpaid bills, as told with the newest balance.
    pub bills: Json<Vec<Bill>>,
}

impl Account {
    /// The day the oldest bill was due that payments and `disputed_cents` leave; as told, where no bills were.
    pub fn oldest_due(&self, disputed_cents: i64) -> Option<NaiveDate> {
        let paid = self.told_cents.unwrap_or(0).saturating_sub(self.balance_cents);
        let left = unpaid(&self.bills, paid.saturating_add(disputed_cents));
        left.first().map(|bill| bill.due_on).max(self.due_on)
    }
}

/// Accounts are compared without case.
pub fn key(account: &str) -> String {
    account.trim().to_lowercase()
}

/// Writes an account that is new here.
///
/// # Errors
/// [`Error::Common`].
pub async fn add(conn: &mut PgConnection, supply: &Supply) -> Result<(), Error> {
    sqlx::query!(
        "insert into arrears.account (id, account, account_key, customer_id, service_point_id, org_path, zone, meter_no, class)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9) on conflict (account_key) do nothing",
        Uuid::now_v7(),
        supply.account,
        key(&supply.account),
        supply.customer_id,
        supply.service_point_id,
        supply.org_path,
        supply.zone,
        supply.meter_no,
        supply.class.word(),
    )
    .execute(conn)
    .await
    .map(drop)
    .map_err(db("add an account"))
}

/// These accounts, locked in one order so that two feeds never wait for each other.
///
/// # Errors
/// [`Error::Common`].
pub async fn lock(conn: &mut PgConnection, keys: &[String]) -> Result<Vec<Account>, Error> {
    sqlx::query_as!(
        Account,
        r#"select id, account, account_key, customer_id, service_point_id, org_path, zone, meter_no, class, told_cents, told_at,
            balance_cents, balance_at, due_on, bills as "bills: Json<Vec<Bill>>"
         from arrears.account where account_key = any($1) order by account_key for update"#,
        keys
    )
    .fetch_all(conn)
    .await
    .map_err(db("lock accounts"))
}

/// Accounts by id, locked in one order.
///
/// # Errors
/// [`Error::Common`].
pub async fn lock_all(conn: &mut PgConnection, ids: &[Uuid]) -> Result<Vec<Account>, Error> {
    sqlx::query_as!(
        Account,
        r#"select id, account, account_key, customer_id, service_point_id, org_path, zone, meter_no, class, told_cents, told_at,
            balance_cents, balance_at, due_on, bills as "bills: Json<Vec<Bill>>"
         from arrears.account where id = any($1) order by account_key for update"#,
        ids
    )
    .fetch_all(conn)
    .await
    .map_err(db("lock accounts by id"))
}

/// An account. Not locked: a feed locks accounts before cases, a step has its case already.
///
/// # Errors
/// [`Error::Common`].
pub async fn get(conn: &mut PgConnection, id: Uuid) -> Result<Account, Error> {
    sqlx::query_as!(
        Account,
        r#"select id, account, account_key, customer_id, service_point_id, org_path, zone, meter_no, class, told_cents, told_at,
            balance_cents, balance_at, due_on, bills as "bills: Json<Vec<Bill>>"
         from arrears.account where id = $1"#,
        id
    )
    .fetch_one(conn)
    .await
    .map_err(db("read an account"))
}

/// Writes what is owed.
///
/// # Errors
/// [`Error::Common`].
pub async fn save_all(conn: &mut PgConnection, accounts: &[&Account]) -> Result<(), Error> {
    if accounts.is_empty() {
        return Ok(());
    }
    let ids: Vec<Uuid> = accounts.iter().map(|a| a.id).collect();
    let told: Vec<Option<i64>> = accounts.iter().map(|a| a.told_cents).collect();
    let told_at: Vec<Option<DateTime<Utc>>> = accounts.iter().map(|a| a.told_at).collect();
    let balances: Vec<i64> = accounts.iter().map(|a| a.balance_cents).collect();
    let balance_at: Vec<Option<DateTime<Utc>>> = accounts.iter().map(|a| a.balance_at).collect();
    let due_on: Vec<Option<NaiveDate>> = accounts.iter().map(|a| a.due_on).collect();
    let bills: Vec<&Json<Vec<Bill>>> = accounts.iter().map(|a| &a.bills).collect();
    let bills = serde_json::to_value(bills).map_err(|_| Error::Stored("list of bills"))?;
    sqlx::query!(
        "update arrears.account a set told_cents = n.told_cents, told_at = n.told_at, balance_cents = n.balance_cents,
             balance_at = n.balance_at, due_on = n.due_on, bills = $7::jsonb -> (n.no - 1)::int
         from unnest($1::uuid[], $2::bigint[], $3::timestamptz[], $4::bigint[], $5::timestamptz[], $6::date[])
             with ordinality n (id, told_cents, told_at, balance_cents, balance_at, due_on, no)
         where a.id = n.id",
        &ids,
        &told as &[Option<i64>],
        &told_at as &[Option<DateTime<Utc>>],
        &balances,
        &balance_at as &[Option<DateTime<Utc>>],
        &due_on as &[Option<NaiveDate>],
        bills,
    )
    .execute(conn)
    .await
    .map(drop)
    .map_err(db("save balances"))
}

/// Writes where an account is supplied by now, for its next case.
///
/// # Errors
/// [`Error::Common`].
pub async fn refresh(conn: &mut PgConnection, id: Uuid, supply: &Supply, class: Class) -> Result<(), Error> {
    sqlx::query!(
        "update arrears.account set service_point_id = $2, org_path = $3, zone = $4, meter_no = $5, class = $6 where id = $1",
        id,
        supply.service_point_id,
        supply.org_path,
        supply.zone,
        supply.meter_no,
        class.word()
    )
    .execute(conn)
    .await
    .map(drop)
    .map_err(db("save where an account is supplied"))
}

/// Writes the class found out on a case, for the next one.
///
/// # Errors
/// [`Error::Common`].
pub async fn classify(conn: &mut PgConnection, id: Uuid, class: Class) -> Result<(), Error> {
    sqlx::query!(
        "update arrears.account set class = $2 where id = $1",
        id,
        class.word()
    )
    .execute(conn)
    .await
    .map(drop)
    .map_err(db("save a class"))
}
