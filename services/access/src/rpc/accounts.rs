//! Accounts, put and listed by administrators within their own org paths.

use relight_common::{Begun, Claims, Grant, Invalid, Role, Work, command::Meta, ids::derived, wire};
use relight_proto::access::v1::{
    ListAccountsReply, ListAccountsRequest, Person as WirePerson, PutAccountRequest,
};

use super::{Api, language, wire_person};
use crate::{
    accounts,
    domain::account::{self, Account, PersonId},
    error::Error,
    outside::Outside,
    store::people::{self, Person},
};

impl<O: Outside> Api<O> {
    pub(super) async fn put(&self, claims: &Claims, ask: &PutAccountRequest) -> Result<WirePerson, Error> {
        let (id, account) = read(ask)?;
        reaches(claims, &account.grants)?;
        // What is remembered of a request is a hash; that of a password alone could be guessed.
        let blinded = PutAccountRequest {
            password: self.keyed.blind(&ask.password),
            ..ask.clone()
        };
        let meta = Meta::new(&ask.command_id, claims, &blinded, self.clock.now())?;
        let exists = match id {
            Some(id) => people::exists(self.db.pool(), id).await?,
            None => false,
        };
        let new_hash = accounts::new_hash(&self.passwords, &account, &ask.password, exists).await?;
        let made = PersonId::from_uuid(derived(meta.id.uuid(), "person"));
        let mut work = match Work::begin::<WirePerson>(&self.db, meta).await? {
            Begun::Before(reply) => return Ok(reply),
            Begun::New(work) => work,
        };
        let before = match id {
            Some(id) => people::lock(work.conn(), id).await?,
            None => None,
        };
        if let Some(before) = &before {
            // To others the account does not exist.
            reaches(claims, &before.grants).map_err(|_| Error::NoPerson)?;
        }
        let id = id.unwrap_or(made);
        accounts::write(&mut work, id, before.as_ref(), &account, new_hash).await?;
        let reply = wire_person(&stored(id, account));
        Ok(work.commit(reply).await?)
    }

    pub(super) async fn list(
        &self,
        claims: &Claims,
        ask: &ListAccountsRequest,
    ) -> Result<ListAccountsReply, Error> {
        let org = claims.org_patterns(&[Role::Admin]);
        let filter = format!("accounts:{}", org.join(","));
        let page = self.cursors.page(&filter, ask.page.as_ref())?;
        let rows = people::list(self.db.pool(), &org, page.after_text(), page.size).await?;
        let last = rows.last().map(|row| row.login.clone());
        let next_cursor = self.cursors.next(&filter, &page, rows.len(), last);
        Ok(ListAccountsReply {
            people: rows.iter().map(wire_person).collect(),
            next_cursor,
        })
    }
}

fn read(ask: &PutAccountRequest) -> Result<(Option<PersonId>, Account), Invalid> {
    let person = ask
        .person
        .as_ref()
        .ok_or_else(|| Invalid::new("person", "must be given"))?;
    if !person.customer_id.is_empty() {
        return Err(Invalid::new(
            "person.customer_id",
            "must be empty: customers log in by one-time code",
        ));
    }
    let grants = person.grants.iter();
    let grants = grants.map(|g| {
        Ok(Grant {
            role: account::role(&g.role)?,
            org_path: g.org_path.clone(),
        })
    });
    let account = Account {
        login: person.login.clone(),
        display_name: person.display_name.clone(),
        grants: grants.collect::<Result<_, Invalid>>()?,
        crew_id: wire::uuid_opt("person.crew_id", &person.crew_id)?,
        unit_id: wire::uuid_opt("person.unit_id", &person.unit_id)?,
        language: language(person.language)?,
        disabled: ask.disabled,
    };
    let id = wire::uuid_opt("person.person_id", &person.person_id)?.map(PersonId::from_uuid);
    Ok((id, account.checked()?))
}

fn reaches(claims: &Claims, grants: &[Grant]) -> Result<(), Error> {
    if grants
        .iter()
        .all(|grant| claims.has_at(&[Role::Admin], &grant.org_path))
    {
        Ok(())
    } else {
        Err(Error::AboveYou)
    }
}

fn stored(id: PersonId, account: Account) -> Person {
    Person {
        id: id.uuid(),
        login: account.login,
        display_name: account.display_name,
        crew_id: account.crew_id,
        unit_id: account.unit_id,
        language: account.language,
        disabled: account.disabled,
        grants: account.grants,
        password_hash: String::new(),
    }
}
