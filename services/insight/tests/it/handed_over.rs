//! Planned outages that could not be restored: the plan ends where it was told to, a fault goes on.

use relight_proto::insight::v1::{OutageRestRequest, outage_rest_server::OutageRest};
use uuid::Uuid;

use crate::{
    classes::row,
    given::{Incident, asked, notify, people, world},
};

/// domain.md 5.5 no. 26: reported and confirmed after the announced end, and yet one time without supply, split where the plan
/// ended; nobody is told to be back.
#[tokio::test]
async fn a_plan_handed_over_to_a_fault_leaves_no_gap() -> anyhow::Result<()> {
    let world = world().await?;
    let who = people(2);
    let outage = Uuid::now_v7();
    world.planned(outage, &who, 0, 60).await?;
    let rest = async || -> anyhow::Result<(u32, u32)> {
        let message = OutageRestRequest {
            outage_id: outage.to_string(),
        };
        let reply = world.api.of(asked(&notify(), message)).await?.into_inner();
        Ok((reply.off, reply.without_fault))
    };
    assert_eq!(rest().await?, (2, 2), "nobody would look after them");
    let mut fault = Incident::reported(&[(who[0], 75)]);
    world.confirm(&mut fault, &who).await?;
    assert_eq!(rest().await?, (2, 0));
    world.planned_ends(outage, 60, "handed_over").await?;
    assert_eq!(world.off_since().await?.len(), 2);
    let closed: Vec<_> = world
        .told()
        .await?
        .into_iter()
        .filter(|s| s.kind == "closed")
        .collect();
    assert!(closed.iter().all(|step| step.customers == 0), "{closed:?}");
    world.restore(&fault, 95, None).await?;
    for one in who {
        assert_eq!(
            world.book(one).await?,
            [row("PLANNED", 0, 60), row("FAULT", 60, 95)]
        );
    }
    Ok(())
}
