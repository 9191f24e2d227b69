//! What the database says afterwards.

use relight_common::Db;
use relight_proto::registry::v1::Member;
use uuid::Uuid;

/// Types of the events told so far, in the order they were told.
pub async fn told(db: &Db) -> anyhow::Result<Vec<String>> {
    Ok(sqlx::query_scalar("select type from outbox order by id")
        .fetch_all(db.pool())
        .await?)
}

/// Accounts told of by `customer.changed`, sorted.
pub async fn accounts_told(db: &Db) -> anyhow::Result<Vec<String>> {
    let accounts = sqlx::query_scalar(
        "select c.account from outbox o join registry.customer c on c.id = o.subject
         where o.type = 'customer.changed' and o.version = c.version order by 1",
    );
    Ok(accounts.fetch_all(db.pool()).await?)
}

/// (actor, action, subject) of the audit rows so far.
pub async fn audited(db: &Db, action: &str) -> anyhow::Result<Vec<(String, String)>> {
    let rows = sqlx::query_as("select actor, subject from audit where action = $1 order by id");
    Ok(rows.bind(action).fetch_all(db.pool()).await?)
}

pub async fn count(db: &Db, what: &'static str) -> anyhow::Result<i64> {
    Ok(sqlx::query_scalar(what).fetch_one(db.pool()).await?)
}

pub async fn customer_id(db: &Db, account: &str) -> anyhow::Result<Uuid> {
    let id = sqlx::query_scalar("select id from registry.customer where account = $1");
    Ok(id.bind(account).fetch_one(db.pool()).await?)
}

/// External ids of a set's members, sorted.
pub async fn members(db: &Db, set: &str) -> anyhow::Result<Vec<String>> {
    let ids = sqlx::query_scalar(
        "select p.external_id from registry.affected_set_member m
         join registry.service_point p on p.id = m.service_point_id where m.set_id = $1::uuid order by p.external_id collate \"C\"",
    );
    Ok(ids.bind(Uuid::parse_str(set)?).fetch_all(db.pool()).await?)
}

/// Accounts of these members, sorted.
pub async fn accounts(db: &Db, members: &[Member]) -> anyhow::Result<Vec<String>> {
    let customers: Vec<&str> = members.iter().map(|member| member.customer_id.as_str()).collect();
    let accounts = sqlx::query_scalar(
        "select account from registry.customer where id = any($1::text[]::uuid[]) order by account",
    );
    Ok(accounts.bind(customers).fetch_all(db.pool()).await?)
}

/// Waits until this many sessions of this database wait for a lock.
pub async fn waiting(db: &Db, sessions: i64) -> anyhow::Result<()> {
    let count = "select count(*) from pg_locks where not granted
        and database = (select oid from pg_database where datname = current_database())";
    let reached = async {
        while self::count(db, count).await? < sessions {
            tokio::task::yield_now().await;
        }
        anyhow::Ok(())
    };
    tokio::time::timeout(std::time::Duration::from_secs(20), reached).await?
}
