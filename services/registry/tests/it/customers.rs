//! Who sees whom, what is audited, and how a contact is found.

use relight_common::{Claims, Role};
use relight_proto::{
    common::v1::PageRequest,
    registry::v1::{
        ContactsRequest, Customer, GetCustomerRequest, GetServicePointRequest, ListServicePointsRequest,
        MatchContactRequest, PointsOfAccountsRequest, SearchCustomersReply, SearchCustomersRequest,
        accounts_server::Accounts as _, get_customer_request, get_service_point_request,
        registry_server::Registry as _,
    },
};
use tonic::{Code, Status};

use crate::{
    given::{self, Registry},
    then,
};

impl Registry {
    async fn customer(&self, claims: &Claims, by: get_customer_request::By) -> Result<Customer, Status> {
        let message = GetCustomerRequest { by: Some(by) };
        self.api
            .get_customer(given::from(claims, message))
            .await
            .map(tonic::Response::into_inner)
    }

    async fn search(
        &self,
        claims: &Claims,
        text: &str,
        page: Option<PageRequest>,
    ) -> Result<SearchCustomersReply, Status> {
        let message = SearchCustomersRequest {
            text: text.to_owned(),
            page,
        };
        self.api
            .search_customers(given::from(claims, message))
            .await
            .map(tonic::Response::into_inner)
    }
}

fn by_account(account: &str) -> get_customer_request::By {
    get_customer_request::By::Account(account.to_owned())
}

fn by_contact(contact: &str) -> get_customer_request::By {
    get_customer_request::By::Contact(contact.to_owned())
}

#[tokio::test]
async fn an_agent_sees_the_customers_of_their_area_and_each_view_is_audited() -> anyhow::Result<()> {
    let registry = given::with(given::small_pack()).await?;
    let agent = given::person(Role::Agent, "demo/city/east");
    let seen = registry.customer(&agent, by_account("a-2")).await?;
    assert_eq!(
        (seen.name.as_str(), seen.class.as_str()),
        ("第一医院", "important")
    );
    assert_eq!(seen.service_points.len(), 1);
    assert_eq!(seen.service_points[0].transformer_id, "T1");
    assert!(seen.service_points[0].own_generation && seen.service_points[0].important);

    let elsewhere = registry.customer(&agent, by_account("A-3")).await;
    assert_eq!(elsewhere.err().map(|status| status.code()), Some(Code::NotFound));
    let audited = then::audited(&registry.db, "customer.viewed").await?;
    assert_eq!(
        audited,
        [("person-1".to_owned(), seen.customer_id)],
        "what was not shown is not a view"
    );
    Ok(())
}

/// A city's lamps are one customer: the answer stays small.
#[tokio::test]
async fn a_customer_with_very_many_service_points_is_told_with_the_first_fifty() -> anyhow::Result<()> {
    let mut pack = given::small_pack();
    let lamps = (0..120).map(|n| given::point(&format!("lamp{n}"), "L1", "1", "A-1", "demo/city/east"));
    pack.service_points.extend(lamps);
    let registry = given::with(pack).await?;
    let seen = registry
        .customer(&given::person(Role::Agent, ""), by_account("A-1"))
        .await?;
    assert_eq!(seen.service_points.len(), 50);
    Ok(())
}

#[tokio::test]
async fn a_customer_sees_only_themself() -> anyhow::Result<()> {
    let registry = given::with(given::small_pack()).await?;
    let own = given::customer(then::customer_id(&registry.db, "A-3").await?);
    assert_eq!(
        registry.customer(&own, by_account("A-3")).await?.name,
        "Ann Smith"
    );
    // A-4 has the same number; for A-3 it is their own alone.
    assert_eq!(
        registry
            .customer(&own, by_contact("+44 7700 900003"))
            .await?
            .account,
        "A-3"
    );
    for by in [by_account("A-1"), by_contact("+8619900000001")] {
        let other = registry.customer(&own, by).await;
        assert_eq!(other.err().map(|status| status.code()), Some(Code::NotFound));
    }
    let searched = registry.search(&own, "Smith", None).await;
    assert_eq!(
        searched.err().map(|status| status.code()),
        Some(Code::PermissionDenied)
    );
    Ok(())
}

#[tokio::test]
async fn a_contact_is_found_however_it_is_typed() -> anyhow::Result<()> {
    let registry = given::with(given::small_pack()).await?;
    let agent = given::person(Role::Agent, "");
    for typed in [
        "19900000001",
        "+86 199 0000 0001",
        "0086 19900000001",
        "Li.Wei@EXAMPLE.org",
    ] {
        assert_eq!(
            registry.customer(&agent, by_contact(typed)).await?.account,
            "A-1",
            "{typed}"
        );
    }
    let shared = registry.customer(&agent, by_contact("+447700900003")).await;
    assert_eq!(
        shared.err().map(|status| status.code()),
        Some(Code::FailedPrecondition)
    );
    let both = registry.search(&agent, "+44 7700 900003", None).await?;
    let accounts: Vec<_> = both
        .customers
        .iter()
        .map(|customer| customer.account.as_str())
        .collect();
    assert_eq!(accounts, ["A-3", "A-4"]);
    Ok(())
}

#[tokio::test]
async fn search_finds_accounts_and_parts_of_names_and_addresses() -> anyhow::Result<()> {
    let registry = given::with(given::small_pack()).await?;
    let agent = given::person(Role::Agent, "demo");
    let table: [(&str, &[&str]); 8] = [
        ("a-4", &["A-4"]),
        ("smith", &["A-3", "A-4"]),
        ("李伟", &["A-1"]),
        ("中山路p2", &["A-2"]),
        ("P3 zhong", &["A-3"]),
        ("b_s", &["A-4"]),
        ("0%", &["A-5"]),
        ("nobody", &[]),
    ];
    for (text, expected) in table {
        let found = registry.search(&agent, text, None).await?;
        let accounts: Vec<_> = found
            .customers
            .iter()
            .map(|customer| customer.account.as_str())
            .collect();
        assert_eq!(accounts, expected, "{text}");
    }
    let west = registry
        .search(&given::person(Role::Agent, "demo/city/west"), "smith", None)
        .await?;
    assert_eq!(west.customers.len(), 1);
    Ok(())
}

#[tokio::test]
async fn search_comes_in_pages_and_every_customer_shown_is_audited() -> anyhow::Result<()> {
    let registry = given::with(given::small_pack()).await?;
    let agent = given::person(Role::Dispatcher, "");
    let (mut cursor, mut seen) = (String::new(), Vec::new());
    loop {
        let page = registry
            .search(&agent, "Zhongshan", Some(PageRequest { cursor, size: 2 }))
            .await?;
        seen.extend(page.customers.into_iter().map(|customer| customer.account));
        cursor = page.next_cursor;
        if cursor.is_empty() {
            break;
        }
    }
    assert_eq!(seen, ["A-1", "A-2", "A-3", "A-4", "A-5"]);
    assert_eq!(then::audited(&registry.db, "customer.viewed").await?.len(), 5);
    Ok(())
}

#[tokio::test]
async fn contacts_are_opened_for_notify_alone_and_counted_in_the_audit() -> anyhow::Result<()> {
    let registry = given::with(given::small_pack()).await?;
    let ids = vec![
        then::customer_id(&registry.db, "A-1").await?.to_string(),
        then::customer_id(&registry.db, "A-5").await?.to_string(),
    ];
    let message = ContactsRequest { customer_ids: ids };
    let reply = registry
        .api
        .contacts(given::from(&Claims::service("notify"), message.clone()))
        .await?
        .into_inner();
    let values: Vec<_> = reply
        .contacts
        .iter()
        .map(|contact| (contact.channel.as_str(), contact.value.as_str()))
        .collect();
    assert_eq!(
        values,
        [("email", "li.wei@example.org"), ("sms", "+8619900000001")]
    );
    let detail: serde_json::Value =
        sqlx::query_scalar("select detail from audit where action = 'contacts.opened'")
            .fetch_one(registry.db.pool())
            .await?;
    assert_eq!(detail, serde_json::json!({ "customers": 2, "contacts": 2 }));

    for claims in [
        Claims::service("intake"),
        given::person(Role::Admin, ""),
        given::person(Role::Dispatcher, ""),
    ] {
        let refused = registry.api.contacts(given::from(&claims, message.clone())).await;
        assert_eq!(
            refused.err().map(|status| status.code()),
            Some(Code::PermissionDenied)
        );
    }
    Ok(())
}

#[tokio::test]
async fn account_and_contact_match_only_together() -> anyhow::Result<()> {
    let registry = given::with(given::small_pack()).await?;
    let ask = async |account: &str, value: &str| {
        let message = MatchContactRequest {
            account: account.to_owned(),
            value: value.to_owned(),
        };
        let reply = registry
            .api
            .match_contact(given::from(&Claims::service("access"), message))
            .await;
        reply.map(tonic::Response::into_inner)
    };
    let own = ask("a-1", "199 0000 0001").await?;
    assert_eq!(
        own.customer_id,
        then::customer_id(&registry.db, "A-1").await?.to_string()
    );
    assert!(!own.contact_id.is_empty());
    for (account, value) in [
        ("A-2", "19900000001"),
        ("A-1", "19900000002"),
        ("A-99", "19900000001"),
    ] {
        assert_eq!(
            ask(account, value).await?,
            Default::default(),
            "{account} {value}"
        );
    }
    Ok(())
}

#[tokio::test]
async fn many_accounts_are_found_at_once_in_their_order() -> anyhow::Result<()> {
    let registry = given::with(given::small_pack()).await?;
    let message = PointsOfAccountsRequest {
        accounts: ["a-3", "nobody's", "\0", "A-1", " A-3"]
            .map(str::to_owned)
            .to_vec(),
    };
    let intake = Claims::service("intake");
    let asked = registry
        .api
        .points_of_accounts(given::from(&intake, message.clone()));
    let points = asked.await?.into_inner().points;
    let found = |at: usize| {
        points[at]
            .service_point
            .as_ref()
            .map(|point| point.account.as_str())
    };
    assert_eq!(
        [0, 1, 2, 3, 4].map(found),
        [Some("A-3"), None, None, Some("A-1"), Some("A-3")]
    );
    let notify = Claims::service("notify");
    let refused = registry
        .api
        .points_of_accounts(given::from(&notify, message))
        .await;
    assert_eq!(refused.unwrap_err().code(), Code::PermissionDenied);
    Ok(())
}

#[tokio::test]
async fn services_find_a_service_point_by_account_and_list_all() -> anyhow::Result<()> {
    let registry = given::with(given::small_pack()).await?;
    let intake = Claims::service("intake");
    let by = get_service_point_request::By::Account("a-3".to_owned());
    let message = GetServicePointRequest { by: Some(by) };
    let found = registry
        .api
        .get_service_point(given::from(&intake, message))
        .await?
        .into_inner();
    assert_eq!(
        (
            found.external_id.as_str(),
            found.transformer_id.as_str(),
            found.life_support
        ),
        ("p3", "T2", true)
    );

    let by = get_service_point_request::By::ServicePointId(found.service_point_id.clone());
    let message = GetServicePointRequest { by: Some(by) };
    assert_eq!(
        registry
            .api
            .get_service_point(given::from(&intake, message))
            .await?
            .into_inner(),
        found
    );

    let (mut cursor, mut seen) = (String::new(), Vec::new());
    loop {
        let message = ListServicePointsRequest {
            page: Some(PageRequest { cursor, size: 2 }),
        };
        let page = registry
            .api
            .list_service_points(given::from(&intake, message))
            .await?
            .into_inner();
        seen.extend(page.service_points.into_iter().map(|point| point.external_id));
        cursor = page.next_cursor;
        if cursor.is_empty() {
            break;
        }
    }
    seen.sort();
    assert_eq!(seen, ["p1", "p2", "p3", "p4", "p5"]);
    Ok(())
}

/// Every door, knocked at by those it is not for.
#[tokio::test]
async fn nobody_gets_in_by_a_door_that_is_not_theirs() -> anyhow::Result<()> {
    let registry = given::with(given::small_pack()).await?;
    let api = &registry.api;
    let strangers = [
        Claims::anybody(),
        given::person(Role::Crew, ""),
        given::person(Role::Admin, ""),
        Claims::service("nobody"),
    ];
    for claims in &strangers {
        macro_rules! refused {
            ($($call:ident),+) => {
                $(let code = api.$call(given::from(claims, Default::default())).await.err().map(|status| status.code());
                assert_eq!(code, Some(Code::PermissionDenied), "{} {}", claims.actor, stringify!($call));)+
            };
        }
        refused!(
            get_customer,
            search_customers,
            list_service_points,
            contacts,
            match_contact,
            grid_snapshot,
            create_affected_set,
            members,
            list_devices
        );
    }
    let nobody = api
        .get_customer(tonic::Request::new(GetCustomerRequest::default()))
        .await;
    assert_eq!(
        nobody.err().map(|status| status.code()),
        Some(Code::Unauthenticated)
    );
    Ok(())
}

/// Who calls sees which numbers there are, never a whole one; the planner gets it sealed, and its seal opens with the
/// registry's keys alone.
#[tokio::test]
async fn numbers_are_shown_by_their_last_digits_and_given_out_sealed() -> anyhow::Result<()> {
    use relight_grid::pack::Channel;
    use relight_proto::registry::v1::{
        ListNumbersRequest, SealedNumberRequest, customer_numbers_server::CustomerNumbers as _,
    };
    let registry = given::with(given::small_pack()).await?;
    let id = then::customer_id(&registry.db, "A-1").await?;
    let ask = || ListNumbersRequest {
        customer_id: id.to_string(),
    };
    let agent = given::person(Role::Agent, "demo/city/east");
    let numbers = registry
        .api
        .list(given::from(&agent, ask()))
        .await?
        .into_inner()
        .numbers;
    let masked: Vec<&str> = numbers.iter().map(|one| one.masked.as_str()).collect();
    assert_eq!(masked, ["***0001"], "mail is not called");
    assert!(!then::audited(&registry.db, "customer.viewed").await?.is_empty());
    let elsewhere = given::person(Role::Agent, "demo/county");
    let hidden = registry
        .api
        .list(given::from(&elsewhere, ask()))
        .await
        .unwrap_err();
    assert_eq!(hidden.code(), Code::NotFound);

    let sealed = |customer: uuid::Uuid| SealedNumberRequest {
        customer_id: customer.to_string(),
        contact_id: numbers[0].contact_id.clone(),
    };
    let planner = Claims::service("planner");
    let told = registry
        .api
        .sealed(given::from(&planner, sealed(id)))
        .await?
        .into_inner();
    let sealer = relight_registry::seal::Sealer::new(&registry.secrets);
    let kept = relight_registry::seal::Sealed {
        bytes: told.sealed,
        key_id: told.seal_key,
    };
    assert_eq!(sealer.open(id, Channel::Sms, &kept)?, "+8619900000001");
    let other = then::customer_id(&registry.db, "A-2").await?;
    let foreign = registry
        .api
        .sealed(given::from(&planner, sealed(other)))
        .await
        .unwrap_err();
    assert_eq!(foreign.code(), Code::NotFound);
    let person = registry
        .api
        .sealed(given::from(&agent, sealed(id)))
        .await
        .unwrap_err();
    assert_eq!(person.code(), Code::PermissionDenied);
    Ok(())
}
