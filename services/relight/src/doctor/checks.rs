//! The things a doctor looks at.

use relight_common::{
    Db, audit, config,
    config::Settings,
    db::missing_migrations,
    dead_letter,
    error::chain,
    secrets::{SERVICES, Secrets},
};
use serde::Deserialize;

use super::{Finding, Verdict};
use crate::rooms;

/// Looks at everything that can be looked at.
pub async fn all() -> Vec<Finding> {
    let settings = match config::load() {
        Ok(settings) => settings,
        Err(error) => {
            return vec![Finding::new(
                "configuration",
                Verdict::Wrong,
                format!("{error:#}"),
            )];
        }
    };
    let mut findings = vec![Finding::new("configuration", Verdict::Fine, "readable")];
    findings.push(secrets(&settings));
    for service in SERVICES {
        findings.extend(schema(&settings, service).await);
    }
    findings.push(redis(&settings).await);
    findings.push(provider(
        "sms",
        "no SMS gateway: messages wait; set RELIGHT_SMS__ADDRESS",
    ));
    findings.push(provider(
        "mail",
        "no mail server: mails wait; set RELIGHT_MAIL__ADDRESS",
    ));
    findings
}

fn secrets(settings: &Settings) -> Finding {
    match Secrets::load(&settings.secrets_dir) {
        Ok(_) => Finding::new(
            "secrets",
            Verdict::Fine,
            format!("complete in {}", settings.secrets_dir.display()),
        ),
        Err(error) => Finding::new(
            "secrets",
            Verdict::Wrong,
            format!("{error}; `relight doctor --make-secrets DIR` makes them"),
        ),
    }
}

/// Connection, schema version, own role, parked events and the audit chain of one service.
async fn schema(settings: &Settings, service: &'static str) -> Vec<Finding> {
    let what = format!("schema {service}");
    let db = match Db::connect(&settings.database, service).await {
        Ok(db) => db,
        Err(error) => return vec![Finding::new(what, Verdict::Wrong, chain(&error))],
    };
    let mut findings = vec![version(&db, what.clone()).await];
    if Secrets::database_password(&settings.secrets_dir, service).is_none() {
        let words =
            "logs in as the owner role, which may change tables; make its password and run `relight migrate`";
        findings.push(Finding::new(&what, Verdict::Warning, words));
    }
    findings.extend(parked(&db, &what).await);
    findings.extend(chain_whole(&db, &what).await);
    findings
}

async fn version(db: &Db, what: String) -> Finding {
    match missing_migrations(db, rooms::migrations(db.service())).await {
        Err(_) => Finding::new(what, Verdict::Wrong, "not there: run `relight migrate`"),
        Ok(missing) if missing.is_empty() => Finding::new(what, Verdict::Fine, "up to date"),
        Ok(missing) => {
            let words = format!("older than this program, lacks {missing:?}: run `relight migrate`");
            Finding::new(what, Verdict::Wrong, words)
        }
    }
}

async fn parked(db: &Db, what: &str) -> Vec<Finding> {
    let Ok(letters) = dead_letter::open(db.pool(), None, None).await else {
        return Vec::new();
    };
    let (lost, parked): (Vec<_>, Vec<_>) = letters.into_iter().partition(dead_letter::Letter::is_lost);
    let mut findings: Vec<_> = lost
        .into_iter()
        .map(|letter| Finding::new(what, Verdict::Wrong, letter.reason))
        .collect();
    if !parked.is_empty() {
        let words = format!("{} events are parked: `relight events dead list`", parked.len());
        findings.push(Finding::new(what, Verdict::Warning, words));
    }
    findings
}

async fn chain_whole(db: &Db, what: &str) -> Option<Finding> {
    let n = audit::verify(db.pool()).await.ok()??;
    Some(Finding::new(
        what,
        Verdict::Wrong,
        format!("the audit chain does not fit at row {n}: a row was changed or removed"),
    ))
}

async fn redis(settings: &Settings) -> Finding {
    match policy(settings).await {
        Ok(policy) if policy == "noeviction" => {
            Finding::new("redis", Verdict::Fine, "answers, keeps what it is given")
        }
        Ok(policy) => {
            let words = format!("maxmemory-policy is {policy}: streams may vanish; set it to noeviction");
            Finding::new("redis", Verdict::Warning, words)
        }
        Err(error) => Finding::new(
            "redis",
            Verdict::Wrong,
            format!("does not answer ({error}); events go on, later, by way of Postgres"),
        ),
    }
}

async fn policy(settings: &Settings) -> Result<String, redis::RedisError> {
    let client = redis::Client::open(settings.redis.url.as_str())?;
    let mut connection = client.get_multiplexed_async_connection().await?;
    let (_, policy): (String, String) = redis::cmd("CONFIG")
        .arg("GET")
        .arg("maxmemory-policy")
        .query_async(&mut connection)
        .await?;
    Ok(policy)
}

fn provider(section: &'static str, absent: &str) -> Finding {
    #[derive(Deserialize)]
    struct Provider {
        address: String,
    }
    match config::section::<Provider>(section) {
        Err(error) => Finding::new(section, Verdict::Wrong, format!("{error:#}")),
        Ok(provider) if provider.address.is_empty() => Finding::new(section, Verdict::Warning, absent),
        Ok(provider) => Finding::new(section, Verdict::Fine, provider.address),
    }
}
