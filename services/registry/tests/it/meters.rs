//! Whose supply a meter measures: asked when one was cut by mistake (operations.md O10).

use relight_common::{Claims, Role};
use relight_proto::registry::v1::{
    MeterSupplyRequest, SupplyOfReply, meter_supplies_server::MeterSupplies as _,
};
use tonic::{Code, Status};

use crate::given::{self, Registry};

impl Registry {
    async fn of_meter(&self, claims: &Claims, meter_no: &str) -> Result<SupplyOfReply, Status> {
        let message = MeterSupplyRequest {
            meter_no: meter_no.to_owned(),
        };
        let reply = self.api.of_meter(given::from(claims, message)).await;
        reply.map(tonic::Response::into_inner)
    }
}

#[tokio::test]
async fn a_meter_is_found_by_its_number_for_arrears_alone() -> anyhow::Result<()> {
    let mut pack = given::small_pack();
    let point = pack.service_points[0].clone();
    let twin = |id: &str| relight_grid::pack::ServicePoint {
        id: id.to_owned(),
        meter_no: "M-twice".to_owned(),
        ..point.clone()
    };
    pack.service_points.extend([twin("twin1"), twin("twin2")]);
    let registry = given::with(pack).await?;
    let arrears = Claims::service("arrears");
    let found = registry.of_meter(&arrears, &point.meter_no).await?;
    assert_eq!(
        (found.supplies, found.meter_no.as_str()),
        (1, point.meter_no.as_str())
    );
    let told = found.service_point.expect("a place");
    assert_eq!(told.account, point.account);
    assert_eq!(
        registry.of_meter(&arrears, "M-twice").await?.supplies,
        2,
        "said, not guessed"
    );
    let nobodys = registry
        .of_meter(&arrears, "M-9")
        .await
        .map_err(|status| status.code());
    assert_eq!(nobodys.err(), Some(Code::NotFound));
    for claims in [Claims::service("intake"), given::person(Role::Agent, "demo")] {
        let refused = registry.of_meter(&claims, &point.meter_no).await;
        assert_eq!(
            refused.err().map(|status| status.code()),
            Some(Code::PermissionDenied)
        );
    }
    Ok(())
}
