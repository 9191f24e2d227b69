//! Alarms: a start that did not happen is said in time, seen by those of the area, acknowledged by name.

use relight_common::{Claims, Role};
use relight_planner::{desk::act::Act, domain::event::Event};
use relight_proto::planner::v1::{
    AcknowledgeAlarmRequest, Alarm, ListAlarmsRequest, outage_alarms_server::OutageAlarms,
};
use tonic::Code;
use uuid::Uuid;

use crate::{
    given::{self, House, h, manager, min, planner, window, with},
    served::from,
    then,
};

impl House {
    async fn open_alarms(&self, claims: &Claims) -> anyhow::Result<Vec<Alarm>> {
        let wanted = ListAlarmsRequest {
            open: true,
            ..ListAlarmsRequest::default()
        };
        let reply = self.served_api()?.list(from(claims, wanted)).await?;
        Ok(reply.into_inner().alarms)
    }

    async fn ready(&self) -> anyhow::Result<()> {
        self.noticed().await?;
        self.answered(1).await?;
        self.until(window().off_at - h(3)).await
    }
}

/// Ten minutes after the announced time, when it may not be switched off any more, and at the announced end.
#[tokio::test]
async fn a_start_that_does_not_happen_is_said_while_it_still_can_and_when_it_cannot() -> anyhow::Result<()> {
    let house = given::house().await?;
    house.ready().await?;
    let said = async || -> anyhow::Result<Vec<String>> {
        let all = then::alarms(&house.db).await?;
        Ok(all
            .into_iter()
            .map(|(what, _)| what)
            .filter(|what| what.starts_with("not_begun"))
            .collect())
    };
    house.until(window().off_at + min(9)).await?;
    assert!(said().await?.is_empty(), "the crew has ten minutes");
    house.until(window().off_at + min(10)).await?;
    assert_eq!(said().await?, ["not_begun"]);
    let alarms = then::alarms(&house.db).await?;
    let because = &alarms.last().expect("an alarm").1;
    assert!(
        because.contains("09:00") && because.contains("09:30"),
        "times of the place: {because}"
    );
    house.until(window().off_at + min(31)).await?;
    assert_eq!(said().await?, ["not_begun", "not_begun_late"]);
    house.until(window().on_at + h(1)).await?;
    assert_eq!(said().await?, ["not_begun", "not_begun_late", "not_begun_over"]);
    Ok(())
}

/// Who switches off in time hears nothing; a later start that a manager confirmed and people were told of is waited for anew.
#[tokio::test]
async fn a_late_start_is_told_and_waited_for_anew() -> anyhow::Result<()> {
    let house = given::house().await?;
    house.ready().await?;
    house.until(window().off_at + min(12)).await?;
    let later = Event::StartLate {
        off_at: window().off_at + h(1),
    };
    house.event(&manager(), later).await?;
    let notices = then::notices(&house.db).await?;
    assert_eq!(notices.last().map(|(kind, _)| kind.as_str()), Some("late_start"));
    house.until(window().off_at + h(1) + min(9)).await?;
    assert_eq!(
        then::alarms(&house.db)
            .await?
            .iter()
            .filter(|(what, _)| what.starts_with("not_begun"))
            .count(),
        1
    );
    house.until(window().off_at + h(1) + min(11)).await?;
    let alarms = then::alarms(&house.db).await?;
    assert!(
        alarms
            .last()
            .is_some_and(|(what, because)| what == "not_begun" && because.contains("10:00")),
        "{alarms:?}"
    );

    let on_time = given::house().await?;
    on_time.ready().await?;
    on_time.until(window().off_at - min(2)).await?;
    on_time.off().await?;
    on_time.until(window().on_at).await?;
    let alarms = then::alarms(&on_time.db).await?;
    assert!(
        alarms.iter().all(|(what, _)| !what.starts_with("not_begun")),
        "{alarms:?}"
    );
    Ok(())
}

/// Called off: nobody waits for it any more.
#[tokio::test]
async fn an_outage_that_is_called_off_raises_no_alarm() -> anyhow::Result<()> {
    let house = given::house().await?;
    house.ready().await?;
    house.act(&planner(), Act::Event(Event::Cancel)).await?;
    house.until(window().on_at + h(1)).await?;
    let alarms = then::alarms(&house.db).await?;
    assert!(
        alarms.iter().all(|(what, _)| !what.starts_with("not_begun")),
        "{alarms:?}"
    );
    Ok(())
}

#[tokio::test]
async fn alarms_are_seen_and_acknowledged_in_their_area_only() -> anyhow::Result<()> {
    let house = given::house().await?;
    house.ready().await?;
    house.until(window().off_at + min(11)).await?;
    let open = house.open_alarms(&given::dispatcher()).await?;
    let alarm = open.first().expect("the start did not happen");
    assert_eq!(
        (alarm.what.as_str(), alarm.acknowledged_by.as_str()),
        ("not_begun", "")
    );
    assert_eq!(
        (alarm.because_zh.as_str(), alarm.because.as_str()),
        (
            "公告时间09:00无人停电：09:30前仍可停电，之后须确认推迟开始",
            "nobody switched off at 09:00, the announced time: it may be until 09:30, later only with a later start"
        )
    );
    let stranger = Claims::of(
        "far",
        vec![relight_common::Grant {
            role: Role::Dispatcher,
            org_path: "demo/county".to_owned(),
        }],
    );
    assert!(house.open_alarms(&stranger).await?.is_empty());
    let seen = AcknowledgeAlarmRequest {
        command_id: Uuid::now_v7().to_string(),
        alarm_id: alarm.alarm_id.clone(),
    };
    let api = house.served_api()?;
    let code = async |claims: &Claims| {
        let reply = api.acknowledge(from(claims, seen.clone())).await;
        reply
            .map(|reply| reply.into_inner())
            .map_err(|status| status.code())
    };
    assert_eq!(code(&stranger).await, Err(Code::NotFound));
    assert_eq!(code(&with("crew", Role::Crew)).await, Err(Code::PermissionDenied));
    let done = code(&planner()).await.map_err(|code| anyhow::anyhow!("{code}"))?;
    assert_eq!(done.acknowledged_by, "pat");
    assert!(
        house
            .open_alarms(&planner())
            .await?
            .iter()
            .all(|one| one.alarm_id != alarm.alarm_id)
    );
    let later = AcknowledgeAlarmRequest {
        command_id: Uuid::now_v7().to_string(),
        ..seen.clone()
    };
    let again = api
        .acknowledge(from(&given::dispatcher(), later))
        .await?
        .into_inner();
    assert_eq!(again.acknowledged_by, "pat", "who was first stays");
    Ok(())
}
