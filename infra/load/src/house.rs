//! A migrated database with people in it, and the settings a process runs under there.

use std::{path::PathBuf, time::Duration};

use anyhow::Context;
use bytes::Bytes;
use hyper::StatusCode;
use serde::Deserialize;
use serde_json::json;
use sqlx::{Connection, PgConnection};
use uuid::Uuid;

use crate::{
    county::{self, County},
    line::Line,
    process::Program,
    server::Given,
};

/// Log-in of the agent that reports.
const AGENT: &str = "load-agent";
/// Longest wait for a session.
const SIGN_IN_TRIES: usize = 120;

/// One database of ours and the program set up for it.
#[derive(Debug, Clone)]
pub struct House {
    /// The program with its settings.
    pub program: Program,
    /// Name of the database.
    pub database: String,
    /// Prefix of its keys in Redis.
    pub namespace: String,
    given: Given,
    password: String,
}

#[derive(Deserialize)]
struct Session {
    token: String,
}

impl House {
    /// An empty, migrated database. Nothing runs yet; texts and mails go nowhere until told.
    ///
    /// # Errors
    /// When the server refuses or a verb fails.
    pub async fn build(given: &Given, database: &str) -> anyhow::Result<Self> {
        let house = Self::empty(given, database).await?;
        house.program.run(&["migrate"], "").await?;
        Ok(house)
    }

    /// An empty database, not even migrated.
    ///
    /// # Errors
    /// When the server refuses or secrets cannot be made.
    pub async fn empty(given: &Given, database: &str) -> anyhow::Result<Self> {
        given.make_database(database).await?;
        // One set for all databases: the roles in it belong to the whole server.
        let secrets = given.dir.join("secrets").display().to_string();
        let namespace = format!("{database}-{}", Uuid::now_v7().simple());
        let mut program = Program {
            path: given.relight.clone(),
            environment: Vec::new(),
        };
        program.set("DATABASE_URL", given.database_url_of(database));
        program.set("REDIS_URL", &given.redis_url);
        program.set("REDIS__NAMESPACE", &namespace);
        program.set("SECRETS_DIR", &secrets);
        program.set("DATA_DIR", given.dir.join("data").display());
        program.run(&["doctor", "--make-secrets", &secrets], "").await?;
        Ok(Self {
            program,
            database: database.to_owned(),
            namespace,
            given: given.clone(),
            password: Uuid::new_v4().simple().to_string(),
        })
    }

    /// Loads a county and makes the agent's account.
    ///
    /// # Errors
    /// With what the binary said.
    pub async fn populate(&self, towns: usize) -> anyhow::Result<County> {
        let pack = self.given.dir.join(format!("pack-{}", self.database));
        let county = county::write(towns, &pack)?;
        let path = pack.to_str().context("the folder's path is not UTF-8")?;
        self.program.run(&["import", "--pack", path], "").await?;
        self.person(AGENT, "agent").await?;
        Ok(county)
    }

    /// Makes an account.
    ///
    /// # Errors
    /// With what the binary said.
    pub async fn person(&self, login: &str, role: &str) -> anyhow::Result<()> {
        let put = ["account", "put", "--login", login, "--role", role];
        self.program.run(&put, &format!("{}\n", self.password)).await?;
        Ok(())
    }

    /// Where a process of this house logs.
    pub fn log(&self, name: &str) -> PathBuf {
        self.given.dir.join(format!("{}-{name}.log", self.database))
    }

    /// A connection as the owner.
    ///
    /// # Errors
    /// When the server does not answer.
    pub async fn connect(&self) -> anyhow::Result<PgConnection> {
        let options = self.given.database(&self.database)?;
        PgConnection::connect_with(&options)
            .await
            .context("Postgres does not answer")
    }

    /// Tokens of `count` sessions of the agent: one per desk, since each session has a limit of its own. Log-ins are
    /// limited by address; what is refused is tried again when the answer says so.
    ///
    /// # Errors
    /// When the edge refuses for another reason.
    pub async fn sign_in(&self, gateway: &str, count: usize) -> anyhow::Result<Vec<String>> {
        self.sign_in_as(gateway, AGENT, count).await
    }

    /// As [`House::sign_in`], of another account made by [`House::person`].
    ///
    /// # Errors
    /// When the edge refuses for another reason.
    pub async fn sign_in_as(&self, gateway: &str, login: &str, count: usize) -> anyhow::Result<Vec<String>> {
        let mut line = Line::to(gateway);
        let body = Bytes::from(serde_json::to_vec(
            &json!({ "login": login, "password": self.password }),
        )?);
        let mut tokens = Vec::new();
        for _ in 0..SIGN_IN_TRIES.max(2 * count) {
            if tokens.len() == count {
                break;
            }
            let answer = line
                .post("/api/v1/sessions", Uuid::now_v7(), body.clone())
                .await?;
            match answer.status {
                StatusCode::CREATED => {
                    tokens.push(serde_json::from_slice::<Session>(&answer.body)?.token);
                }
                StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
                    tokio::time::sleep(Duration::from_secs(answer.retry_after_s.unwrap_or(1))).await;
                }
                status => anyhow::bail!(
                    "{login} cannot sign in: {status}: {}",
                    String::from_utf8_lossy(&answer.body)
                ),
            }
        }
        anyhow::ensure!(
            tokens.len() == count,
            "{login} got {} of {count} sessions",
            tokens.len()
        );
        Ok(tokens)
    }
}
