//! Whose a contact is, and since when that is known (operations.md O15, O22).

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use relight_common::{Claims, Role, wire};
use relight_grid::pack::{Channel, Contact, ContactRole, Language};
use relight_proto::registry::v1::{
    ConfirmContactRequest, ContactsRequest, CustomerContact, ListCustomerContactsRequest, ListNumbersRequest,
    MatchContactRequest, SealedNumberRequest, customer_contacts_server::CustomerContacts,
    customer_numbers_server::CustomerNumbers, registry_server::Registry as _,
};
use tonic::{Code, Status};
use uuid::Uuid;

use crate::{
    given::{self, Registry},
    then,
};

const CARER: &str = "+8619900000007";
const HOUSE: &str = "+8619900000008";

/// A contact of A-2, who has a number of their own already.
fn of_a2(value: &str, role: ContactRole, confirmed_on: Option<NaiveDate>) -> Contact {
    Contact {
        role,
        confirmed_on,
        ..given::contact("A-2", Channel::Sms, value, Language::En)
    }
}

fn days_ago(days: i64) -> Option<NaiveDate> {
    Some((given::now() - TimeDelta::days(days)).date_naive())
}

fn agent() -> Claims {
    given::person(Role::Agent, "demo/city/east")
}

/// The small town, in which A-2 has a carer, asked today, and a property manager, asked long ago.
async fn looked_after() -> anyhow::Result<(Registry, Uuid)> {
    let mut pack = given::small_pack();
    pack.contacts.push(of_a2(CARER, ContactRole::Carer, days_ago(0)));
    pack.contacts
        .push(of_a2(HOUSE, ContactRole::PropertyManager, days_ago(400)));
    let registry = given::with(pack).await?;
    let id = then::customer_id(&registry.db, "A-2").await?;
    Ok((registry, id))
}

impl Registry {
    async fn contacts_of(&self, claims: &Claims, customer: Uuid) -> Result<Vec<CustomerContact>, Status> {
        let message = ListCustomerContactsRequest {
            customer_id: customer.to_string(),
        };
        let reply = CustomerContacts::list(&self.api, given::from(claims, message)).await?;
        let mut contacts = reply.into_inner().contacts;
        contacts.sort_by(|a, b| a.masked.cmp(&b.masked));
        Ok(contacts)
    }

    async fn confirm(
        &self,
        claims: &Claims,
        ids: (Uuid, &str),
        command: Uuid,
    ) -> Result<CustomerContact, Status> {
        let message = ConfirmContactRequest {
            command_id: command.to_string(),
            customer_id: ids.0.to_string(),
            contact_id: ids.1.to_owned(),
        };
        let reply = self.api.confirm(given::from(claims, message)).await?;
        Ok(reply.into_inner())
    }
}

/// (what is shown, role, who confirmed, stale) of each.
fn said(contacts: &[CustomerContact]) -> Vec<(&str, &str, &str, bool)> {
    contacts
        .iter()
        .map(|one| {
            let (masked, role) = (one.masked.as_str(), one.role.as_str());
            (masked, role, one.confirmed_by.as_str(), one.stale)
        })
        .collect()
}

/// Who decides on a contact sees whose it is, who asked last and whether that was too long ago; a confirmation is theirs,
/// counts once, and is not forgotten by the next pack, which knows less.
#[tokio::test]
async fn a_desk_sees_since_when_a_contact_is_known_and_confirms_it() -> anyhow::Result<()> {
    let (registry, id) = looked_after().await?;
    let contacts = registry.contacts_of(&agent(), id).await?;
    let expected = [
        ("***0002", "customer", "", true),
        ("***0007", "carer", "import", false),
        ("***0008", "property_manager", "import", true),
    ];
    assert_eq!(said(&contacts), expected);

    let (own, command) = (contacts[0].contact_id.clone(), Uuid::now_v7());
    let confirmed = registry.confirm(&agent(), (id, &own), command).await?;
    assert_eq!(
        said(std::slice::from_ref(&confirmed)),
        [("***0002", "customer", "person-1", false)]
    );
    assert_eq!(confirmed.confirmed_at, Some(wire::timestamp(given::now())));
    assert_eq!(registry.confirm(&agent(), (id, &own), command).await?, confirmed);
    let audited = then::audited(&registry.db, "contact.confirmed").await?;
    assert_eq!(audited, [("person-1".to_owned(), own.clone())], "once");

    let mut pack = given::small_pack();
    pack.contacts.push(of_a2(CARER, ContactRole::Carer, None));
    pack.contacts
        .push(of_a2(HOUSE, ContactRole::PropertyManager, days_ago(-3)));
    registry.import(pack).await?;
    let contacts = registry.contacts_of(&agent(), id).await?;
    let by: Vec<_> = said(&contacts).iter().map(|one| (one.2, one.3)).collect();
    assert_eq!(by, [("person-1", false), ("import", false), ("import", false)]);
    let to_come: DateTime<Utc> = wire::instant("confirmed_at", contacts[2].confirmed_at)?;
    assert_eq!(to_come, given::now(), "nothing is confirmed in advance");
    Ok(())
}

/// A pack that is read again with its roles and days changes nothing; a role that changes is a change.
#[tokio::test]
async fn the_same_roles_and_days_change_nothing() -> anyhow::Result<()> {
    let mut pack = given::small_pack();
    pack.contacts.push(of_a2(CARER, ContactRole::Carer, days_ago(1)));
    let registry = given::with(pack.clone()).await?;
    let again = registry.import(pack.clone()).await?;
    assert_eq!(again.customers_told, 0);
    if let Some(carer) = pack.contacts.last_mut() {
        carer.role = ContactRole::PropertyManager;
    }
    assert_eq!(registry.import(pack).await?.customers_told, 1);
    Ok(())
}

/// A desk of another area sees and confirms nothing, nor does anybody confirm a contact of somebody else's account.
#[tokio::test]
async fn contacts_are_seen_and_confirmed_in_the_own_area_only() -> anyhow::Result<()> {
    let (registry, id) = looked_after().await?;
    let own = registry.contacts_of(&agent(), id).await?[0].contact_id.clone();
    let code = |status: Status| status.code();
    let away = given::person(Role::Agent, "demo/county");
    let seen = registry.contacts_of(&away, id).await.map(drop).map_err(code);
    assert_eq!(seen, Err(Code::NotFound));
    let confirmed = registry.confirm(&away, (id, &own), Uuid::now_v7()).await;
    assert_eq!(confirmed.map(drop).map_err(code), Err(Code::NotFound));
    let crew = given::person(Role::Crew, "demo/city/east");
    let seen = registry.contacts_of(&crew, id).await.map(drop).map_err(code);
    assert_eq!(seen, Err(Code::PermissionDenied));
    let other = then::customer_id(&registry.db, "A-1").await?;
    let confirmed = registry.confirm(&agent(), (other, &own), Uuid::now_v7()).await;
    assert_eq!(confirmed.map(drop).map_err(code), Err(Code::NotFound));
    Ok(())
}

/// Who calls sees the same of each number. Who manages the house does not answer for the customer: that number is not among
/// them, nor given out as the proof of a call.
#[tokio::test]
async fn a_call_is_made_to_the_customer_or_their_carer() -> anyhow::Result<()> {
    let (registry, id) = looked_after().await?;
    let message = ListNumbersRequest {
        customer_id: id.to_string(),
    };
    let reply = CustomerNumbers::list(&registry.api, given::from(&agent(), message)).await?;
    let mut numbers = reply.into_inner().numbers;
    numbers.sort_by(|a, b| a.masked.cmp(&b.masked));
    let said: Vec<_> = numbers
        .iter()
        .map(|one| (one.masked.as_str(), one.role.as_str(), one.stale))
        .collect();
    assert_eq!(said, [("***0002", "customer", true), ("***0007", "carer", false)]);
    let house = registry.contacts_of(&agent(), id).await?[2].contact_id.clone();
    let sealed = SealedNumberRequest {
        customer_id: id.to_string(),
        contact_id: house,
    };
    let refused = registry
        .api
        .sealed(given::from(&Claims::service("planner"), sealed))
        .await;
    assert_eq!(
        refused.map(drop).map_err(|status| status.code()),
        Err(Code::NotFound)
    );
    Ok(())
}

/// notify is told whose each contact is, and nobody but the customer gets in by a number.
#[tokio::test]
async fn a_carers_number_lets_nobody_in() -> anyhow::Result<()> {
    let (registry, id) = looked_after().await?;
    let message = ContactsRequest {
        customer_ids: vec![id.to_string()],
    };
    let reply = registry
        .api
        .contacts(given::from(&Claims::service("notify"), message))
        .await?;
    let mut roles: Vec<_> = reply
        .into_inner()
        .contacts
        .into_iter()
        .map(|one| one.role)
        .collect();
    roles.sort();
    assert_eq!(roles, ["carer", "customer", "property_manager"]);
    for (value, is_in) in [("+8619900000002", true), (CARER, false), (HOUSE, false)] {
        let message = MatchContactRequest {
            account: "A-2".to_owned(),
            value: value.to_owned(),
        };
        let reply = registry
            .api
            .match_contact(given::from(&Claims::service("access"), message))
            .await?;
        assert_eq!(!reply.into_inner().customer_id.is_empty(), is_in, "{value}");
    }
    Ok(())
}
