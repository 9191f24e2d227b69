//! Who sees which reports and incidents, page by page.

use std::collections::BTreeSet;

use relight_common::{Claims, Code, Role};
use relight_proto::{
    common::v1::{Language, PageRequest},
    intake::v1::{self as pb, get_incident_request, get_report_request::By, intake_server::Intake},
};
use uuid::Uuid;

use crate::{
    given::{House, agent, by_account, by_address, customer, customer_id, dispatcher, from, house, staff},
    then,
};

async fn get(house: &House, claims: Claims, by: Option<By>) -> Result<pb::Report, tonic::Status> {
    Ok(house
        .api
        .get_report(from(claims, pb::GetReportRequest { by }))
        .await?
        .into_inner())
}

#[tokio::test]
async fn staff_see_who_reported_and_that_is_audited() -> anyhow::Result<()> {
    let house = house().await?;
    let accepted = house.accept(by_address()).await?;
    assert_eq!(
        (accepted.reporter_phone.as_str(), accepted.reporter_name.as_str()),
        ("", "")
    );
    // A report nobody could place belongs to the whole utility.
    let head = staff(Role::Agent, "");
    for by in [
        By::ReportId(accepted.report_id.clone()),
        By::Number(accepted.number.clone()),
    ] {
        let seen = get(&house, head.clone(), Some(by)).await?;
        assert_eq!(
            (seen.reporter_name.as_str(), seen.reporter_phone.as_str()),
            ("Li Wei", "+8657188880000")
        );
        assert_eq!(seen.address, "1 Lake Street");
    }
    let viewers: Vec<String> =
        sqlx::query_scalar("select detail ->> 'viewer' from audit where action = 'report.contact_viewed'")
            .fetch_all(house.db.pool())
            .await?;
    assert_eq!(viewers, ["agent-1", "agent-1"]);
    let service = get(
        &house,
        Claims::service("gateway"),
        Some(By::Number(accepted.number)),
    )
    .await?;
    assert_eq!(service.reporter_phone, "", "a service needs no contact here");
    Ok(())
}

#[tokio::test]
async fn a_report_of_another_area_or_customer_is_not_there() -> anyhow::Result<()> {
    let house = house().await?;
    let id = house.accept(by_account("A-1-1-1")).await?.report_id;
    let by = || Some(By::ReportId(id.clone()));
    assert!(get(&house, staff(Role::Agent, "demo/east"), by()).await.is_ok());
    assert!(get(&house, customer("A-1-1-1"), by()).await.is_ok());
    for claims in [
        staff(Role::Agent, "demo/west"),
        customer("A-1-1-2"),
        Claims::anybody(),
        staff(Role::Crew, "demo"),
    ] {
        assert_eq!(
            get(&house, claims, by()).await.unwrap_err().code(),
            Code::NotFound
        );
    }
    let urge = pb::UrgeRequest {
        command_id: Uuid::now_v7().to_string(),
        report_id: id,
    };
    assert!(
        house
            .api
            .urge(from(customer("A-1-1-1"), urge.clone()))
            .await
            .is_ok()
    );
    let stranger = pb::UrgeRequest {
        command_id: Uuid::now_v7().to_string(),
        ..urge
    };
    assert_eq!(
        house
            .api
            .urge(from(customer("A-1-1-2"), stranger))
            .await
            .unwrap_err()
            .code(),
        Code::NotFound
    );
    Ok(())
}

#[tokio::test]
async fn questions_without_an_answerable_key_name_the_field() -> anyhow::Result<()> {
    let house = house().await?;
    let cases = [
        (None, Code::InvalidArgument, "report_id"),
        (
            Some(By::ReportId("x".to_owned())),
            Code::InvalidArgument,
            "report_id",
        ),
        (Some(By::Number(String::new())), Code::InvalidArgument, "number"),
        (
            Some(By::Number("x".repeat(1000))),
            Code::InvalidArgument,
            "number",
        ),
        (Some(By::Number("F-20200101-0001".to_owned())), Code::NotFound, ""),
        (Some(By::ReportId(Uuid::nil().to_string())), Code::NotFound, ""),
    ];
    for (by, code, field) in cases {
        let refused = get(&house, agent(), by.clone()).await.unwrap_err();
        assert_eq!((refused.code(), then::field(&refused)), (code, field), "{by:?}");
    }
    let none = house
        .api
        .get_incident(from(agent(), pb::GetIncidentRequest { by: None }))
        .await
        .unwrap_err();
    assert_eq!(then::field(&none), "incident_id");
    let state = pb::ListIncidentsRequest {
        state: "gone".to_owned(),
        page: None,
    };
    assert_eq!(
        then::field(&house.api.list_incidents(from(agent(), state)).await.unwrap_err()),
        "state"
    );
    let urge = pb::UrgeRequest {
        command_id: Uuid::now_v7().to_string(),
        report_id: "x".to_owned(),
    };
    assert_eq!(
        then::field(&house.api.urge(from(agent(), urge)).await.unwrap_err()),
        "report_id"
    );
    Ok(())
}

#[tokio::test]
async fn lists_are_paged_newest_first_and_each_caller_sees_their_own() -> anyhow::Result<()> {
    let house = house().await?;
    for t in 1..=5 {
        house.accept(by_account(&format!("A-1-{t}-1"))).await?;
        house.accept(by_account(&format!("A-2-{t}-1"))).await?;
        house.later(chrono::TimeDelta::seconds(1));
    }
    let all = pages(&house, dispatcher()).await?;
    assert_eq!(all.len(), 10);
    assert_eq!(
        all.iter().map(|r| &r.report_id).collect::<BTreeSet<_>>().len(),
        10,
        "no row twice"
    );
    let times: Vec<_> = all.iter().map(|r| r.accepted_at.map(|at| at.seconds)).collect();
    assert!(times.is_sorted_by(|a, b| a >= b));
    assert!(all.iter().all(|report| report.reporter_phone.is_empty()));
    let east = pages(&house, staff(Role::UnitDesk, "demo/east")).await?;
    assert_eq!(east.len(), 5);
    let own = pages(&house, customer("A-2-3-1")).await?;
    assert_eq!(own.len(), 1);
    let others = pb::ListReportsRequest {
        customer_id: customer_id("A-1-1-1").to_string(),
        ..Default::default()
    };
    let refused = house
        .api
        .list_reports(from(customer("A-2-3-1"), others))
        .await
        .unwrap_err();
    assert_eq!(refused.code(), Code::PermissionDenied);
    assert_eq!(
        house
            .api
            .list_reports(from(Claims::anybody(), Default::default()))
            .await
            .unwrap_err()
            .code(),
        Code::PermissionDenied
    );

    house.group().await?;
    let west = pb::ListIncidentsRequest {
        state: String::new(),
        page: None,
    };
    let west = house
        .api
        .list_incidents(from(staff(Role::Dispatcher, "demo/west"), west))
        .await?
        .into_inner();
    assert!(west.incidents.len() == 5 && west.incidents.iter().all(|i| i.org_path == "demo/west"));
    let one = &west.incidents[0];
    let request = pb::ListReportsRequest {
        incident_id: one.incident_id.clone(),
        ..Default::default()
    };
    let reports = house
        .api
        .list_reports(from(dispatcher(), request))
        .await?
        .into_inner()
        .reports;
    assert_eq!((reports.len(), &reports[0].incident_id), (1, &one.incident_id));
    for by in [
        get_incident_request::By::IncidentId(one.incident_id.clone()),
        get_incident_request::By::Number(one.number.clone()),
    ] {
        let request = pb::GetIncidentRequest { by: Some(by) };
        assert_eq!(
            &house
                .api
                .get_incident(from(dispatcher(), request.clone()))
                .await?
                .into_inner(),
            one
        );
        let east = house
            .api
            .get_incident(from(staff(Role::Dispatcher, "demo/east"), request))
            .await;
        assert_eq!(east.unwrap_err().code(), Code::NotFound);
    }
    Ok(())
}

async fn pages(house: &House, claims: Claims) -> anyhow::Result<Vec<pb::Report>> {
    let (mut all, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = Some(PageRequest { cursor, size: 3 });
        let request = pb::ListReportsRequest {
            page,
            ..Default::default()
        };
        let reply = house
            .api
            .list_reports(from(claims.clone(), request))
            .await?
            .into_inner();
        assert!(reply.reports.len() <= 3);
        all.extend(reply.reports);
        if reply.next_cursor.is_empty() {
            return Ok(all);
        }
        cursor = reply.next_cursor;
    }
}

#[tokio::test]
async fn a_cursor_of_another_list_is_refused() -> anyhow::Result<()> {
    let house = house().await?;
    for t in 1..=4 {
        house.accept(by_account(&format!("A-1-{t}-1"))).await?;
    }
    let page = |cursor: String| Some(PageRequest { cursor, size: 2 });
    let request = pb::ListReportsRequest {
        page: page(String::new()),
        ..Default::default()
    };
    let cursor = house
        .api
        .list_reports(from(dispatcher(), request))
        .await?
        .into_inner()
        .next_cursor;
    for (claims, cursor) in [
        (staff(Role::Agent, "demo/east"), cursor.clone()),
        (dispatcher(), "nonsense".to_owned()),
    ] {
        let request = pb::ListReportsRequest {
            page: page(cursor),
            ..Default::default()
        };
        let refused = house.api.list_reports(from(claims, request)).await.unwrap_err();
        assert_eq!(then::field(&refused), "page.cursor");
    }
    Ok(())
}

#[tokio::test]
async fn notify_alone_gets_the_numbers_reporters_left() -> anyhow::Result<()> {
    let house = house().await?;
    let mut one = by_account("A-1-1-1");
    one.reporter_phone = "19900000001".to_owned();
    one.language = Language::En.into();
    let one = house.accept(one).await?;
    let two = house.accept(by_account("A-1-1-2")).await?;
    let mut odd = by_account("A-1-1-3");
    (odd.danger, odd.reporter_phone) = (true, "the red house".to_owned());
    house.accept(odd).await?;
    house.group().await?;
    let incident_id = then::open(&house).await?.remove(0).incident_id;
    let request = pb::ReportersRequest {
        incident_id,
        report_id: String::new(),
    };
    for claims in [
        dispatcher(),
        agent(),
        Claims::service("dispatch"),
        Claims::anybody(),
    ] {
        let refused = house
            .api
            .reporters(from(claims, request.clone()))
            .await
            .unwrap_err();
        assert_eq!(refused.code(), Code::PermissionDenied);
    }
    let notify = Claims::service("notify");
    let all = house
        .api
        .reporters(from(notify.clone(), request))
        .await?
        .into_inner()
        .reporters;
    let phones: Vec<_> = all
        .iter()
        .map(|r| (r.report_id.clone(), r.phone.as_str(), r.language()))
        .collect();
    assert_eq!(phones.len(), 3);
    assert!(phones.contains(&(one.report_id.clone(), "+8619900000001", Language::En)));
    assert!(phones.contains(&(two.report_id, "", Language::Unspecified)));
    assert!(
        phones
            .iter()
            .all(|(_, phone, _)| phone.is_empty() || phone.starts_with('+'))
    );
    let single = pb::ReportersRequest {
        incident_id: String::new(),
        report_id: one.report_id,
    };
    let single = house
        .api
        .reporters(from(notify.clone(), single))
        .await?
        .into_inner()
        .reporters;
    assert_eq!(
        (single.len(), single[0].customer_id.as_str()),
        (1, customer_id("A-1-1-1").to_string().as_str())
    );
    let neither = house
        .api
        .reporters(from(notify.clone(), Default::default()))
        .await
        .unwrap_err();
    assert_eq!(then::field(&neither), "incident_id");
    let unknown = pb::ReportersRequest {
        incident_id: Uuid::now_v7().to_string(),
        report_id: String::new(),
    };
    assert_eq!(
        house
            .api
            .reporters(from(notify, unknown))
            .await
            .unwrap_err()
            .code(),
        Code::NotFound
    );
    Ok(())
}
