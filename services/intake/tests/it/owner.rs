//! The first-contact owner (domain.md F10): who took a report tells its reporter until it is over, or hands it over.

use relight_common::{Claims, Role};
use relight_proto::intake::v1::{self as pb, report_owners_server::ReportOwners};
use tonic::{Code, Status};
use uuid::Uuid;

use crate::{
    given::{House, agent, by_account, dispatcher, from, house_with_network, staff},
    inference::restored,
    then,
};

fn other() -> Claims {
    Claims {
        actor: "agent-2".to_owned(),
        ..agent()
    }
}

impl House {
    async fn own(&self, claims: Claims) -> anyhow::Result<Vec<String>> {
        let ask = pb::OwnReportsRequest { page: None };
        let reply = ReportOwners::own(&self.api, from(claims, ask))
            .await?
            .into_inner();
        Ok(reply.reports.into_iter().map(|report| report.report_id).collect())
    }

    async fn hand(&self, claims: Claims, report: &str, to: &str) -> Result<pb::Report, Status> {
        let ask = pb::HandOverRequest {
            command_id: Uuid::now_v7().to_string(),
            report_id: report.to_owned(),
            to: to.to_owned(),
            reason: "end of shift".to_owned(),
        };
        Ok(self.api.hand_over(from(claims, ask)).await?.into_inner())
    }
}

#[tokio::test]
async fn who_took_a_report_sees_it_until_it_is_over_or_handed_over() -> anyhow::Result<()> {
    let house = house_with_network().await?;
    let first = house.accept(by_account("A-1-1-1")).await?;
    house.accept_as(other(), by_account("A-1-2-1")).await?;
    house.group().await?;
    // Much later: at once they would be taken for one fault above both.
    house.later(chrono::TimeDelta::minutes(50));
    let second = house.accept(by_account("A-2-1-1")).await?.report_id;
    assert_eq!(first.owner, "agent-1");
    let first = first.report_id;
    assert_eq!(house.own(agent()).await?, [second.clone(), first.clone()]);
    let handed = house.hand(agent(), &first, "agent-2").await?;
    assert_eq!(handed.owner, "agent-2");
    assert_eq!(house.own(agent()).await?, std::slice::from_ref(&second));
    assert_eq!(house.own(other()).await?.len(), 2);
    for (claims, report, to, code) in [
        (agent(), &first, "agent-3", Code::PermissionDenied),
        (other(), &first, "agent-2", Code::InvalidArgument),
        (other(), &first, "", Code::InvalidArgument),
        (
            staff(Role::Dispatcher, "elsewhere"),
            &first,
            "agent-3",
            Code::NotFound,
        ),
        (
            staff(Role::Crew, "demo"),
            &first,
            "agent-3",
            Code::PermissionDenied,
        ),
    ] {
        let refused = house.hand(claims, report, to).await.expect_err("refused");
        assert_eq!(refused.code(), code, "{to}");
    }
    // Somebody fell ill: the dispatcher does it.
    house.hand(dispatcher(), &first, "agent-1").await?;
    assert_eq!(then::count(&house.db, "report_handover").await?, 2);
    house.group().await?;
    let open = then::open(&house).await?;
    let incident = open
        .iter()
        .find(|one| one.report_count == 1)
        .expect("of the second");
    restored(&house, 1, &incident.incident_id, "", true).await?;
    assert_eq!(house.own(agent()).await?, [first], "the other one is over");
    Ok(())
}
