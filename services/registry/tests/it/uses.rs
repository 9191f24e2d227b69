//! What a supply is used for, and until when a certificate of life support goes.

use relight_common::{Claims, Role};
use relight_grid::pack::UseClass;
use relight_proto::{
    common::v1::PageRequest,
    registry::v1::{
        ListCertificatesReply, ListCertificatesRequest, SupplyOfReply, SupplyOfRequest,
        life_support_certificates_server::LifeSupportCertificates, supplies_server::Supplies,
    },
};
use tonic::Code;

use crate::{
    given::{self, Registry},
    then,
};

impl Registry {
    async fn supply(&self, account: &str) -> anyhow::Result<SupplyOfReply> {
        let ask = SupplyOfRequest {
            account: account.to_owned(),
        };
        let arrears = Claims::service("arrears");
        Ok(self.api.supply_of(given::from(&arrears, ask)).await?.into_inner())
    }

    async fn certificates(
        &self,
        claims: &Claims,
        cursor: &str,
    ) -> Result<ListCertificatesReply, tonic::Status> {
        let page = Some(PageRequest {
            cursor: cursor.to_owned(),
            size: 1,
        });
        let ask = ListCertificatesRequest { page };
        let reply = LifeSupportCertificates::list(&self.api, given::from(claims, ask)).await?;
        Ok(reply.into_inner())
    }
}

/// Known of one, so nothing is special about the others; a pack that says it of nobody does not know.
#[tokio::test]
async fn arrears_is_told_the_use_and_a_pack_without_it_leaves_it() -> anyhow::Result<()> {
    let mut pack = given::small_pack();
    pack.customers[0].use_class = Some(UseClass::School);
    let registry = given::with(pack).await?;
    assert_eq!(registry.supply("a-1").await?.use_class, "school");
    assert_eq!(registry.supply("A-4").await?.use_class, "");

    let told = async || -> anyhow::Result<usize> {
        let told = then::told(&registry.db).await?;
        Ok(told.iter().filter(|word| *word == "customer.changed").count())
    };
    let before = told().await?;
    registry.import(given::small_pack()).await?;
    assert_eq!(
        registry.supply("A-1").await?.use_class,
        "school",
        "nobody said otherwise"
    );
    assert_eq!(told().await?, before, "nothing changed");

    let mut pack = given::small_pack();
    pack.customers[3].use_class = Some(UseClass::ElderlyAlone);
    registry.import(pack).await?;
    assert_eq!(registry.supply("A-1").await?.use_class, "");
    assert_eq!(registry.supply("A-4").await?.use_class, "elderly_alone");
    assert_eq!(told().await?, before + 2, "both are told");
    Ok(())
}

/// It is 1 March: 30 days ahead is 31 March. The day itself still counts.
#[tokio::test]
async fn a_certificate_is_listed_before_its_end_and_after_and_ends_nothing() -> anyhow::Result<()> {
    let mut pack = given::small_pack();
    for (at, day) in [
        (0, "2026-03-31"),
        (1, "2026-04-01"),
        (2, "2026-02-28"),
        (4, "2026-03-01"),
    ] {
        pack.customers[at].life_support = true;
        pack.customers[at].life_support_until = Some(day.parse()?);
    }
    let registry = given::with(pack.clone()).await?;
    let desk = given::person(Role::Agent, "demo/city");
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let reply = registry.certificates(&desk, &cursor).await?;
        assert_eq!(reply.renew_before_days, 30);
        for one in reply.certificates {
            let customer = one.customer.unwrap_or_default();
            assert!(customer.life_support, "nothing ends by itself");
            seen.push((customer.account, customer.life_support_until, one.ended));
        }
        cursor = reply.next_cursor;
        if cursor.is_empty() {
            break;
        }
    }
    let row = |account: &str, day: &str, ended| (account.to_owned(), day.to_owned(), ended);
    assert_eq!(
        seen,
        [
            row("A-3", "2026-02-28", true),
            row("A-5", "2026-03-01", false),
            row("A-1", "2026-03-31", false)
        ]
    );
    let supply = registry.supply("A-3").await?;
    assert!(supply.service_point.is_some_and(|point| point.life_support));

    // A pack without the day leaves it; one that ends life support, by somebody's decision, ends the certificate.
    pack.customers[2].life_support_until = None;
    pack.customers[4].life_support = false;
    pack.customers[4].life_support_until = None;
    registry.import(pack).await?;
    let first = registry.certificates(&desk, "").await?;
    let account = |reply: &ListCertificatesReply| {
        let customer = reply.certificates.first().and_then(|one| one.customer.clone());
        customer.unwrap_or_default().account
    };
    assert_eq!(account(&first), "A-3");
    let second = registry.certificates(&desk, &first.next_cursor).await?;
    assert_eq!(account(&second), "A-1");
    Ok(())
}

#[tokio::test]
async fn certificates_are_for_the_desk_of_the_area() -> anyhow::Result<()> {
    let mut pack = given::small_pack();
    pack.customers[2].life_support_until = Some("2026-03-02".parse()?);
    let registry = given::with(pack).await?;
    let elsewhere = registry
        .certificates(&given::person(Role::Agent, "demo/county"), "")
        .await?;
    assert!(elsewhere.certificates.is_empty());
    for claims in [given::person(Role::Crew, "demo/city"), Claims::anybody()] {
        let refused = registry.certificates(&claims, "").await.unwrap_err();
        assert_eq!(refused.code(), Code::PermissionDenied);
    }
    let seen = registry
        .certificates(&given::person(Role::Planner, "demo/city/west"), "")
        .await?;
    assert_eq!(seen.certificates.len(), 1);
    let viewed = then::audited(&registry.db, "customer.viewed").await?;
    assert_eq!(viewed.len(), 1);
    Ok(())
}
