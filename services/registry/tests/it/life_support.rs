//! Who depends on supply to live, for the sheet on paper (operations.md O35).

use relight_common::{Claims, Role};
use relight_grid::pack::{Channel, Contact, ContactRole, Language};
use relight_proto::{
    common::v1::PageRequest,
    registry::v1::{
        LifeSupportCustomer, ListLifeSupportReply, ListLifeSupportRequest, life_support_server::LifeSupport,
    },
};
use tonic::{Code, Status};

use crate::{
    given::{self, Registry},
    then,
};

const CARER: &str = "+8619900000007";

/// The small town with two on life support; one of them has a carer.
async fn town() -> anyhow::Result<Registry> {
    let mut pack = given::small_pack();
    for customer in &mut pack.customers {
        customer.life_support = matches!(customer.account.as_str(), "A-3" | "A-5");
    }
    pack.contacts.push(Contact {
        role: ContactRole::Carer,
        ..given::contact("A-3", Channel::Sms, CARER, Language::En)
    });
    given::with(pack).await
}

impl Registry {
    async fn life_support(
        &self,
        claims: &Claims,
        cursor: &str,
        size: u32,
    ) -> Result<ListLifeSupportReply, Status> {
        let page = Some(PageRequest {
            cursor: cursor.to_owned(),
            size,
        });
        let message = ListLifeSupportRequest { page };
        let reply = LifeSupport::list(&self.api, given::from(claims, message)).await?;
        Ok(reply.into_inner())
    }
}

/// (account, supplies, numbers with role).
type Said = (String, usize, Vec<(String, String)>);

fn said(customers: &[LifeSupportCustomer]) -> Vec<Said> {
    customers
        .iter()
        .map(|one| {
            let customer = one.customer.clone().unwrap_or_default();
            let contacts = one.contacts.iter().map(|c| (c.value.clone(), c.role.clone()));
            let mut contacts: Vec<_> = contacts.collect();
            contacts.sort();
            (customer.account, customer.service_points.len(), contacts)
        })
        .collect()
}

#[tokio::test]
async fn the_sheet_gets_everybody_with_every_number_and_it_is_written_down() -> anyhow::Result<()> {
    let registry = town().await?;
    let gateway = Claims::service("gateway");
    let first = registry.life_support(&gateway, "", 1).await?;
    let number = |value: &str, role: &str| (value.to_owned(), role.to_owned());
    assert_eq!(
        said(&first.customers),
        [(
            "A-3".to_owned(),
            1,
            vec![number("+447700900003", "customer"), number(CARER, "carer")]
        )]
    );
    let second = registry.life_support(&gateway, &first.next_cursor, 1).await?;
    assert_eq!(
        said(&second.customers),
        [("A-5".to_owned(), 1, vec![])],
        "no number"
    );
    let third = registry.life_support(&gateway, &second.next_cursor, 1).await?;
    assert!(third.customers.is_empty() && third.next_cursor.is_empty());
    let opened = then::audited(&registry.db, "contacts.opened").await?;
    assert!(opened.len() >= 2, "{opened:?}");
    assert!(opened.iter().all(|(actor, _)| actor == "service:gateway"));
    Ok(())
}

#[tokio::test]
async fn nobody_else_gets_the_list() -> anyhow::Result<()> {
    let registry = town().await?;
    for claims in [
        given::person(Role::Admin, ""),
        given::person(Role::Dispatcher, ""),
        Claims::service("intake"),
        Claims::anybody(),
    ] {
        let refused = registry.life_support(&claims, "", 10).await.unwrap_err();
        assert_eq!(refused.code(), Code::PermissionDenied, "{}", claims.actor);
    }
    Ok(())
}
