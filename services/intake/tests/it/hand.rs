//! What dispatchers and agents change by hand.

use chrono::TimeDelta;
use relight_common::{Claims, Code};
use relight_proto::intake::v1::{self as pb, inferences_server::Inferences, intake_server::Intake};
use uuid::Uuid;

use crate::{
    given::{House, agent, by_account, dispatcher, from, house_with_network},
    then,
};

fn id() -> String {
    Uuid::now_v7().to_string()
}

/// Calls all over SW1.
async fn a_feeder_calls(house: &House) -> anyhow::Result<(String, Vec<String>)> {
    let mut reports = Vec::new();
    for n in 0..12 {
        let report = house
            .accept(by_account(&format!("A-1-{}-{}", n % 10 + 1, n / 10 + 1)))
            .await?;
        reports.push(report.report_id);
        house.later(TimeDelta::seconds(20));
    }
    house.group().await?;
    Ok((then::open(house).await?.remove(0).incident_id, reports))
}

async fn device(house: &House, incident: &str) -> anyhow::Result<(String, bool)> {
    let open = then::open(house).await?;
    let found = open
        .iter()
        .find(|one| one.incident_id == incident)
        .expect("it is open");
    Ok((found.device_id.clone(), found.confirmed))
}

#[tokio::test]
async fn a_dispatcher_overrules_the_device_and_takes_it_back() -> anyhow::Result<()> {
    let house = house_with_network().await?;
    let (incident, _) = a_feeder_calls(&house).await?;
    let overrule = pb::OverruleRequest {
        command_id: id(),
        incident_id: incident.clone(),
        device_id: "cb".to_owned(),
    };
    let named = house
        .api
        .overrule(from(dispatcher(), overrule.clone()))
        .await?
        .into_inner();
    assert_eq!((named.device_id.as_str(), named.confirmed), ("CB", false));
    assert_eq!(
        house
            .api
            .overrule(from(dispatcher(), overrule))
            .await?
            .into_inner(),
        named
    );
    // More calls do not move it.
    house.accept(by_account("A-1-5-4")).await?;
    house.group().await?;
    assert_eq!(device(&house, &incident).await?, ("CB".to_owned(), false));
    let undo = pb::UndoOverruleRequest {
        command_id: id(),
        incident_id: incident.clone(),
    };
    house.api.undo_overrule(from(dispatcher(), undo)).await?;
    house.group().await?;
    assert_eq!(device(&house, &incident).await?, ("SW1".to_owned(), false));
    let ask = pb::EvidenceRequest {
        incident_id: incident.clone(),
    };
    let told = house.api.evidence(from(dispatcher(), ask)).await?.into_inner();
    let words: Vec<_> = told
        .decisions
        .iter()
        .map(|decision| decision.what.as_str())
        .collect();
    assert!(
        words.contains(&"overruled") && words.contains(&"undone"),
        "{words:?}"
    );
    let wrong = pb::OverruleRequest {
        command_id: id(),
        incident_id: incident,
        device_id: "nothing".to_owned(),
    };
    let refused = house.api.overrule(from(dispatcher(), wrong)).await.unwrap_err();
    assert_eq!(then::field(&refused), "device_id");
    Ok(())
}

#[tokio::test]
async fn reports_split_off_keep_their_acceptance_and_merge_back() -> anyhow::Result<()> {
    let house = house_with_network().await?;
    let (incident, reports) = a_feeder_calls(&house).await?;
    let split = pb::SplitRequest {
        command_id: id(),
        report_ids: vec![reports[3].clone()],
    };
    let new = house
        .api
        .split(from(dispatcher(), split.clone()))
        .await?
        .into_inner();
    assert_eq!((new.report_count, new.device_id.as_str()), (1, "T1-4"));
    let by = pb::GetReportRequest {
        by: Some(pb::get_report_request::By::ReportId(reports[3].clone())),
    };
    let report = house.api.get_report(from(dispatcher(), by)).await?.into_inner();
    assert_eq!(
        (report.accepted_at, &report.incident_id),
        (new.accepted_at, &new.incident_id)
    );
    assert_eq!(
        house.api.split(from(dispatcher(), split)).await?.into_inner(),
        new
    );
    // The engine leaves both alone.
    house.later(TimeDelta::minutes(1));
    house.group().await?;
    let open = then::open(&house).await?;
    let counts: Vec<_> = open
        .iter()
        .map(|one| (one.incident_id.as_str(), one.report_count))
        .collect();
    assert!(counts.contains(&(incident.as_str(), 11)) && counts.contains(&(new.incident_id.as_str(), 1)));
    assert_eq!(open.len(), 2);

    let merge = pb::MergeRequest {
        command_id: id(),
        incident_id: new.incident_id.clone(),
        into_id: incident.clone(),
    };
    let whole = house.api.merge(from(dispatcher(), merge)).await?.into_inner();
    assert_eq!((whole.report_count, &whole.incident_id), (12, &incident));
    house.group().await?;
    let open = then::open(&house).await?;
    assert_eq!((open.len(), open[0].report_count), (1, 12));
    assert_eq!(
        then::in_state(&house, "merged")
            .await?
            .iter()
            .filter(|one| one.merged_into == incident)
            .count(),
        then::in_state(&house, "merged").await?.len()
    );
    Ok(())
}

#[tokio::test]
async fn what_cannot_be_split_or_merged_says_why() -> anyhow::Result<()> {
    let house = house_with_network().await?;
    let (incident, reports) = a_feeder_calls(&house).await?;
    let split = |report_ids| pb::SplitRequest {
        command_id: id(),
        report_ids,
    };
    for (ids, code) in [
        (vec![], Code::InvalidArgument),
        (vec!["x".to_owned()], Code::InvalidArgument),
        (vec![id()], Code::FailedPrecondition),
        (reports.clone(), Code::FailedPrecondition),
    ] {
        let refused = house.api.split(from(dispatcher(), split(ids))).await.unwrap_err();
        assert_eq!(refused.code(), code, "{refused:?}");
    }
    let merge = pb::MergeRequest {
        command_id: id(),
        incident_id: incident.clone(),
        into_id: incident,
    };
    let refused = house.api.merge(from(dispatcher(), merge)).await.unwrap_err();
    assert_eq!(refused.code(), Code::FailedPrecondition);
    let refused = house
        .api
        .split(from(agent(), split(vec![reports[0].clone()])))
        .await
        .unwrap_err();
    assert_eq!(refused.code(), Code::PermissionDenied);
    Ok(())
}

#[tokio::test]
async fn a_corrected_transformer_is_weighed_again() -> anyhow::Result<()> {
    let house = house_with_network().await?;
    for customer in 1..=4 {
        house.accept(by_account(&format!("A-1-1-{customer}"))).await?;
    }
    house.later(TimeDelta::minutes(50));
    // In the books below the other switch; really a neighbour of the four.
    let wrong = house.accept(by_account("A-2-9-1")).await?;
    house.group().await?;
    let mut before: Vec<_> = then::open(&house)
        .await?
        .into_iter()
        .map(|one| (one.device_id, one.report_count))
        .collect();
    before.sort();
    assert_eq!(before, [("T1-1".to_owned(), 4), ("T2-9".to_owned(), 1)]);
    let correct = |transformer: &str| pb::CorrectLinkRequest {
        command_id: id(),
        report_id: wrong.report_id.clone(),
        transformer_id: transformer.to_owned(),
    };
    let refused = house
        .api
        .correct_link(from(agent(), correct("SW1")))
        .await
        .unwrap_err();
    assert_eq!(then::field(&refused), "transformer_id");
    house
        .api
        .correct_link(from(Claims::service("dispatch"), correct("t1-1")))
        .await?;
    house.group().await?;
    let open = then::open(&house).await?;
    assert_eq!(
        (open.len(), open[0].device_id.as_str(), open[0].report_count),
        (1, "T1-1", 5),
        "{open:?}"
    );
    Ok(())
}
