//! What a customer is supplied at, asked by who holds service points in memory.

use relight_common::Claims;
use relight_proto::registry::v1::{
    PointsOfAccountsRequest, PointsOfCustomerRequest, accounts_server::Accounts as _,
};
use tonic::Code;
use uuid::Uuid;

use crate::given;

/// What intake asks for a customer who changed: theirs in the network, in pages, and nobody else's.
#[tokio::test]
async fn the_service_points_of_one_customer_come_in_pages() -> anyhow::Result<()> {
    let mut pack = given::small_pack();
    let (first, account) = (
        pack.service_points[0].clone(),
        pack.service_points[0].account.clone(),
    );
    let own = pack
        .service_points
        .iter()
        .filter(|point| point.account == account)
        .count();
    for n in 0..600 {
        let mut point = first.clone();
        point.id = format!("LAMP-{n}");
        pack.service_points.push(point);
    }
    let registry = given::with(pack).await?;
    let intake = Claims::service("intake");
    let accounts = PointsOfAccountsRequest {
        accounts: vec![account.clone()],
    };
    let known = registry.api.points_of_accounts(given::from(&intake, accounts));
    let known = known.await?.into_inner().points.remove(0);
    let customer_id = known.service_point.expect("an account").customer_id;
    let (mut all, mut sizes, mut after) = (Vec::new(), Vec::new(), String::new());
    loop {
        let message = PointsOfCustomerRequest {
            customer_id: customer_id.clone(),
            after,
        };
        let asked = registry.api.points_of_customer(given::from(&intake, message));
        let reply = asked.await?.into_inner();
        sizes.push(reply.service_points.len());
        all.extend(reply.service_points);
        after = reply.next_after;
        if after.is_empty() {
            break;
        }
    }
    assert_eq!(sizes, [500, 100 + own]);
    assert!(all.iter().all(|point| point.account == account));
    all.dedup_by(|a, b| a.service_point_id == b.service_point_id);
    assert_eq!(all.len(), 600 + own);

    let ask = |customer_id: &str, claims: Claims| {
        let message = PointsOfCustomerRequest {
            customer_id: customer_id.to_owned(),
            after: String::new(),
        };
        registry.api.points_of_customer(given::from(&claims, message))
    };
    let nobody = ask(&Uuid::now_v7().to_string(), Claims::service("intake")).await?;
    assert!(nobody.into_inner().service_points.is_empty());
    let wrong = ask("no id", Claims::service("intake")).await;
    assert_eq!(wrong.unwrap_err().code(), Code::InvalidArgument);
    let refused = ask(&customer_id, Claims::service("notify")).await;
    assert_eq!(refused.unwrap_err().code(), Code::PermissionDenied);
    Ok(())
}
