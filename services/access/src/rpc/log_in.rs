//! Sessions of staff.

use relight_common::{Work, wire};
use relight_proto::access::v1::{LogInRequest, LogOutReply, Person as WirePerson, Session};
use uuid::Uuid;

use super::{Api, wire_bearer, wire_person};
use crate::{
    domain::account,
    error::Error,
    outside::Outside,
    secret::{new_token, sha256},
    store::{
        attempts,
        people::{self, Person},
        sessions::{self, Owner},
    },
};

/// Characters of a password or token that are looked at at all.
const TEXT_MAX: usize = 256;

impl<O: Outside> Api<O> {
    /// An attempt is counted before the password is looked at; the same answer for whatever is wrong.
    pub(super) async fn log_in_with(&self, ask: &LogInRequest) -> Result<Session, Error> {
        let password = wire::text("password", &ask.password, TEXT_MAX).map(|_| ask.password.as_str())?;
        // A log-in name that cannot exist is as wrong as one that does not.
        let login = account::login(&ask.login).unwrap_or_default();
        let key = sha256(&login);
        let attempt = attempts::reserve(&self.db, &key, self.clock.now()).await?;
        match self.prove(&login, password).await {
            Ok(person) => {
                attempts::forget(self.db.pool(), &key).await?;
                self.open_session(&person).await
            }
            Err(error) => self.count(attempt, error).await,
        }
    }

    async fn prove(&self, login: &str, password: &str) -> Result<Person, Error> {
        let person = people::by_login(self.db.pool(), login).await?;
        let hash = person.as_ref().map(|person| person.password_hash.as_str());
        let right = self.passwords.verify(password, hash).await?;
        person
            .filter(|person| right && !person.disabled)
            .ok_or(Error::WrongLogIn)
    }

    /// Only a wrong password counts, not our own trouble.
    async fn count(&self, attempt: Uuid, error: Error) -> Result<Session, Error> {
        if !matches!(error, Error::WrongLogIn) {
            attempts::take_back(self.db.pool(), attempt).await?;
        }
        Err(error)
    }

    async fn open_session(&self, person: &Person) -> Result<Session, Error> {
        let (now, token) = (self.clock.now(), new_token());
        let mut work = Work::internal(&self.db, "log_in", now).await?;
        let owner = Owner::Person(person.id);
        let lifetime = person.lifetime();
        let expires_at = sessions::open(
            work.conn(),
            &sha256(&token),
            owner,
            person.language,
            lifetime,
            now,
        )
        .await?;
        work.audit(
            "session.opened",
            person.id,
            serde_json::json!({ "until": expires_at }),
        );
        work.done().await?;
        Ok(Session {
            token,
            expires_at: Some(wire::timestamp(expires_at)),
            person: Some(wire_person(person)),
        })
    }

    pub(super) async fn bearer_of(&self, token: &str) -> Result<WirePerson, Error> {
        if token.is_empty() || token.len() > TEXT_MAX {
            return Err(Error::NoSession);
        }
        let bearer = sessions::check(self.db.pool(), &sha256(token), self.clock.now()).await?;
        bearer.map(wire_bearer).ok_or(Error::NoSession)
    }

    pub(super) async fn end_session(&self, token: &str) -> Result<LogOutReply, Error> {
        sessions::end(self.db.pool(), &sha256(token)).await?;
        Ok(LogOutReply {})
    }
}
