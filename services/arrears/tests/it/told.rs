//! Cuts told afterwards: by a crew without a signal, by voice to the desk, or of somebody else's meter.

use relight_common::{Code, wire::timestamp};
use relight_proto::{
    arrears::v1::{
        self as w, AcknowledgeAlarmRequest, Alarm, ListAlarmsRequest, apply_request::Event,
        arrears_alarms_server::ArrearsAlarms, arrears_server::Arrears,
    },
    common::v1::Point,
};
use tonic::Status;

use crate::given::{
    DEBT, METER, NEIGHBOUR, Room, asked, balance, crew, cut, elsewhere, li, local, reconnect, room,
};

/// A cut under `code`, done at that time.
fn done(code: &str, at: &str, change: impl FnOnce(&mut w::Cut)) -> Event {
    let Event::Cut(mut told) = cut(code) else {
        unreachable!("a cut")
    };
    told.done_at = Some(timestamp(local(at)));
    change(&mut told);
    Event::Cut(told)
}

fn by_voice(code: &str, at: &str) -> Event {
    done(code, at, |told| {
        told.told_by = "wang".to_owned();
        told.photo_before_sha256.clear();
        told.photo_after_sha256.clear();
    })
}

impl Room {
    /// Warned, 10:00, with a code that was read out.
    async fn with_code(&self) -> anyhow::Result<(String, String)> {
        let id = self.case_until("pre_noticed").await?;
        self.until("08-17 10:00").await?;
        self.feed(vec![balance("f1", "1001", DEBT, "08-17 10:00")])
            .await?;
        let code = self.release(&id, METER, true).await?;
        Ok((id, code.release))
    }

    async fn alarms(&self, claims: &relight_common::Claims) -> Result<Vec<Alarm>, Status> {
        let ask = ListAlarmsRequest {
            open: true,
            ..ListAlarmsRequest::default()
        };
        Ok(self.api.list(asked(ask, claims)).await?.into_inner().alarms)
    }

    async fn seen(&self, claims: &relight_common::Claims, alarm: &Alarm) -> Result<Alarm, Status> {
        let ask = AcknowledgeAlarmRequest {
            command_id: uuid::Uuid::now_v7().to_string(),
            alarm_id: alarm.alarm_id.clone(),
        };
        Ok(self.api.acknowledge(asked(ask, claims)).await?.into_inner())
    }
}

#[tokio::test]
async fn a_crew_without_a_signal_cuts_lawfully_by_a_code_and_tells_it_later() -> anyhow::Result<()> {
    let room = room().await?;
    let (id, code) = room.with_code().await?;
    // Two hours later the warning has run out, and the ledger knows of another outage there by now.
    room.until("08-17 12:00").await?;
    room.premises(relight_arrears::domain::Premises::Off);
    let off = room
        .apply(&crew(), &id, done(&code, "08-17 10:03", |_| ()))
        .await?;
    assert_eq!((off.state.as_str(), off.wrongful), ("disconnected", false));
    let told = crate::given::ordered(&room).await?;
    assert_eq!(
        told.last().map(|notice| notice.kind.as_str()),
        Some("disconnected")
    );
    Ok(())
}

#[tokio::test]
async fn a_code_that_had_ended_or_a_leave_that_was_fetched_carries_no_late_cut() -> anyhow::Result<()> {
    for (online, at) in [(false, "08-17 10:06"), (true, "08-17 10:03")] {
        let room = room().await?;
        let (id, mut code) = room.with_code().await?;
        if online {
            code = room.release(&id, METER, false).await?.release;
        }
        room.until("08-17 11:00").await?;
        let off = room.apply(&crew(), &id, done(&code, at, |_| ())).await?;
        assert_eq!((off.state.as_str(), off.wrongful), ("wrongful", true), "{at}");
    }
    Ok(())
}

#[tokio::test]
async fn the_desk_records_a_cut_it_is_told_by_voice_and_the_photos_follow() -> anyhow::Result<()> {
    let room = room().await?;
    let (id, code) = room.with_code().await?;
    room.until("08-17 10:04").await?;
    let refused = room
        .apply(&crew(), &id, by_voice(&code, "08-17 10:03"))
        .await
        .unwrap_err();
    assert_eq!(refused.code(), Code::PermissionDenied, "a crew sends its photos");
    let off = room.apply(&li(), &id, by_voice(&code, "08-17 10:03")).await?;
    assert_eq!((off.state.as_str(), off.wrongful), ("disconnected", false));
    room.until("08-17 13:00").await?;
    let phone = room
        .apply(&crew(), &id, done(&code, "08-17 10:03", |_| ()))
        .await?;
    assert_eq!(phone.state, "disconnected");
    let photo: String = sqlx::query_scalar(
        "select doc #>> '{state,cut,photo_after_sha256}' from debt_case where state = 'disconnected'",
    )
    .fetch_one(room.db.pool())
    .await?;
    assert_eq!(photo, "ef".repeat(32));
    Ok(())
}

#[tokio::test]
async fn a_cut_of_a_neighbours_meter_is_wrongful_for_the_neighbour() -> anyhow::Result<()> {
    let room = room().await?;
    let (id, code) = room.with_code().await?;
    room.until("08-17 10:03").await?;
    let wrong = done(&code, "08-17 10:02", |told| {
        told.scanned_meter_no = NEIGHBOUR.to_owned()
    });
    let theirs = room.apply(&crew(), &id, wrong).await?;
    assert_ne!(theirs.case_id, id);
    assert_eq!(
        (
            theirs.account.as_str(),
            theirs.state.as_str(),
            theirs.warning.as_str()
        ),
        ("1002", "wrongful", "wrong_meter")
    );
    assert_eq!(theirs.meter_no, NEIGHBOUR);
    assert_eq!(room.case(&id).await?.state, "pre_noticed", "nobody is off there");
    let late = room.apply(&crew(), &id, cut(&code)).await.unwrap_err();
    assert!(late.message().contains("taken back"), "{late}");

    room.fire().await?;
    let alarms = room.alarms(&li()).await?;
    let levels: Vec<(&str, &str)> = alarms
        .iter()
        .map(|one| (one.level.as_str(), one.meter_no.as_str()))
        .collect();
    assert_eq!(levels, [("breach", ""), ("wrong_meter", NEIGHBOUR)]);
    let back = room.apply(&crew(), &theirs.case_id, reconnect()).await?;
    assert_eq!((back.state.as_str(), back.wrongful), ("reconnected", true));
    Ok(())
}

#[tokio::test]
async fn a_meter_nobody_knows_is_an_alarm_with_its_place_until_it_is_acknowledged() -> anyhow::Result<()> {
    let room = room().await?;
    let (id, code) = room.with_code().await?;
    room.until("08-17 10:03").await?;
    let wrong = done(&code, "08-17 10:02", |told| {
        told.scanned_meter_no = "M-9".to_owned();
        told.position = Some(Point {
            lon: 120.1,
            lat: 30.2,
        });
    });
    let case = room.apply(&crew(), &id, wrong).await?;
    assert_eq!(
        (case.state.as_str(), case.warning.as_str()),
        ("pre_noticed", "wrong_meter")
    );
    let alarm = room.alarms(&li()).await?.pop().expect("an alarm");
    assert_eq!(
        (alarm.level.as_str(), alarm.meter_no.as_str()),
        ("unknown_meter", "M-9")
    );
    assert_eq!(alarm.address_en, "1 Wenyi Road");
    assert_eq!(
        alarm.position,
        Some(Point {
            lon: 120.1,
            lat: 30.2
        })
    );

    assert!(room.alarms(&elsewhere()).await?.is_empty());
    assert!(room.alarms(&crew()).await.is_err());
    let code = |result: Result<Alarm, Status>| result.map_err(|status| status.code());
    assert_eq!(code(room.seen(&elsewhere(), &alarm).await), Err(Code::NotFound));
    assert_eq!(room.seen(&li(), &alarm).await?.acknowledged_by, "li");
    assert!(room.alarms(&li()).await?.is_empty());
    let again = room.seen(&crate::given::hu(), &alarm).await?;
    assert_eq!(again.acknowledged_by, "li", "who was first stays");
    Ok(())
}

/// The phone lost our answer and sends again; its clock is measured anew, so the corrected time is a little different.
#[tokio::test]
async fn a_cut_that_is_sent_again_is_the_same_cut() -> anyhow::Result<()> {
    let room = room().await?;
    let (id, code) = room.with_code().await?;
    room.until("08-17 10:40").await?;
    let ask = |at| w::ApplyRequest {
        command_id: "0193f1c2-7b1e-7c3a-9b5d-0a4f6e2d8c11".to_owned(),
        case_id: id.clone(),
        event: Some(done(&code, at, |_| ())),
        expected_version: 0,
        photos_stored: ["ab", "cd", "ef"].map(|two| two.repeat(32)).into(),
    };
    let first = room
        .api
        .apply(asked(ask("08-17 10:02:00"), &crew()))
        .await?
        .into_inner();
    let again = room
        .api
        .apply(asked(ask("08-17 10:02:01"), &crew()))
        .await?
        .into_inner();
    assert_eq!(first, again);
    assert_eq!(room.case(&id).await?.state, "disconnected");
    Ok(())
}
