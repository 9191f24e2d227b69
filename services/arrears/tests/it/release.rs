//! Releases: fetched at the moment of cutting, for one meter, five minutes long, kept as a hash; a payment takes them back.

use relight_arrears::domain::Premises;
use relight_common::Code;
use relight_proto::arrears::v1::{FoundOff, ReleaseRequest, apply_request::Event, arrears_server::Arrears};

use crate::given::{DEBT, METER, asked, balance, crew, cut, local, payment, reconnect, room};

#[tokio::test]
async fn a_payment_at_the_last_minute_stops_the_crew() -> anyhow::Result<()> {
    let room = room().await?;
    let id = room.case_until("pre_noticed").await?;
    room.until("08-17 10:00").await?;
    room.feed(vec![balance("fresh", "1001", DEBT, "08-17 10:00")])
        .await?;
    let release = room.release(&id, METER, false).await?;
    room.feed(vec![payment("p1", "1001", DEBT, "08-17 10:00:30")])
        .await?;
    let status = room.apply(&crew(), &id, cut(&release.release)).await.unwrap_err();
    assert_eq!(status.code(), Code::FailedPrecondition);
    assert_eq!(room.case(&id).await?.state, "settled_before");
    let unspent: i64 = sqlx::query_scalar("select count(*) from release where spent_at is null")
        .fetch_one(room.db.pool())
        .await?;
    assert_eq!(unspent, 0);
    Ok(())
}

#[tokio::test]
async fn a_release_is_for_one_meter_five_minutes_and_one_cut() -> anyhow::Result<()> {
    let room = room().await?;
    let id = room.case_until("pre_noticed").await?;
    room.until("08-17 10:00").await?;
    room.feed(vec![balance("f1", "1001", DEBT, "08-17 10:00")])
        .await?;
    let refused = room.release(&id, "M-9", false).await.unwrap_err();
    assert!(
        refused.message().contains("not the meter"),
        "{}",
        refused.message()
    );
    for premises in [Premises::Off, Premises::Unknown] {
        room.premises(premises);
        assert!(room.release(&id, METER, false).await.is_err());
    }
    room.premises(Premises::Supplied);

    let old = room.release(&id, METER, false).await?;
    let made_up = room.apply(&crew(), &id, cut("0000000000")).await.unwrap_err();
    assert!(
        made_up.message().contains("there is none"),
        "{}",
        made_up.message()
    );
    room.until("08-17 10:05").await?;
    room.feed(vec![balance("f2", "1001", DEBT, "08-17 10:05")])
        .await?;
    let expired = room.apply(&crew(), &id, cut(&old.release)).await.unwrap_err();
    assert!(expired.message().contains("expired"), "{}", expired.message());

    let spoken = room.release(&id, METER, true).await?;
    assert!(spoken.release.len() == 10 && spoken.release.bytes().all(|b| b.is_ascii_digit()));
    let off = room.apply(&crew(), &id, cut(&spoken.release)).await?;
    assert_eq!(off.state, "disconnected");
    let stored: Vec<Vec<u8>> = sqlx::query_scalar("select hash from release")
        .fetch_all(room.db.pool())
        .await?;
    assert!(stored.iter().all(|hash| hash.len() == 32));
    let remembered: Vec<Vec<u8>> = sqlx::query_scalar("select reply from command_seen")
        .fetch_all(room.db.pool())
        .await?;
    assert!(
        remembered
            .iter()
            .all(|reply| !String::from_utf8_lossy(reply).contains(&spoken.release))
    );
    Ok(())
}

/// A crew on a bad link asks twice: the same release, not a second one.
#[tokio::test]
async fn the_same_question_gets_the_same_release() -> anyhow::Result<()> {
    let room = room().await?;
    let id = room.case_until("pre_noticed").await?;
    room.until("08-17 10:00").await?;
    room.feed(vec![balance("f1", "1001", DEBT, "08-17 10:00")])
        .await?;
    let ask = ReleaseRequest {
        command_id: uuid::Uuid::now_v7().to_string(),
        case_id: id,
        scanned_meter_no: METER.to_owned(),
        spoken: false,
    };
    let first = room.api.release(asked(ask.clone(), &crew())).await?.into_inner();
    let again = room.api.release(asked(ask, &crew())).await?.into_inner();
    assert_eq!(first, again);
    let count: i64 = sqlx::query_scalar("select count(*) from release")
        .fetch_one(room.db.pool())
        .await?;
    assert_eq!(count, 1);
    Ok(())
}

/// Cut without a signal: recorded as what it may be, and switched on again at once.
#[tokio::test]
async fn a_cut_without_a_release_is_recorded_as_wrongful() -> anyhow::Result<()> {
    let room = room().await?;
    let id = room.case_until("pre_noticed").await?;
    room.until("08-17 10:30").await?;
    let found = Event::FoundOff(FoundOff {
        off_at: Some(relight_common::wire::timestamp(local("08-17 10:02"))),
        reason: "cut without a signal".to_owned(),
    });
    let wrong = room.apply(&crew(), &id, found).await?;
    assert_eq!((wrong.state.as_str(), wrong.wrongful), ("wrongful", true));
    room.fire().await?;
    assert!(room.told().await?.contains(&"arrears.alarm".to_owned()));
    let back = room.apply(&crew(), &id, reconnect()).await?;
    assert_eq!((back.state.as_str(), back.wrongful), ("reconnected", true));
    Ok(())
}

/// Paid, and cut all the same: it is written down and switched on again, although the case was over.
#[tokio::test]
async fn a_cut_of_a_settled_debt_is_recorded_as_wrongful() -> anyhow::Result<()> {
    let room = room().await?;
    let id = room.case_until("pre_noticed").await?;
    room.until("08-17 10:00").await?;
    room.feed(vec![payment("p1", "1001", DEBT, "08-17 10:00")])
        .await?;
    assert_eq!(room.case(&id).await?.state, "settled_before");
    let asks = room.apply(&crew(), &id, cut("0000000000")).await.unwrap_err();
    assert_eq!(asks.code(), Code::FailedPrecondition, "nothing is off yet");
    let Event::Cut(mut done) = cut("0000000000") else {
        unreachable!("a cut");
    };
    done.done_at = Some(relight_common::wire::timestamp(local("08-17 10:00")));
    let wrong = room.apply(&crew(), &id, Event::Cut(done)).await?;
    assert_eq!((wrong.state.as_str(), wrong.wrongful), ("wrongful", true));
    Ok(())
}

/// Nobody decides on a case that nobody's life depends on the supply any more.
#[tokio::test]
async fn life_support_is_not_lifted_on_a_case() -> anyhow::Result<()> {
    let room = room().await?;
    let id = room.case_until("eligible").await?;
    let classify = |class: &str| {
        Event::Classify(relight_proto::arrears::v1::Classify {
            class: class.to_owned(),
            reason: "said so".to_owned(),
        })
    };
    let case = room
        .apply(&crate::given::boss(), &id, classify("life_support"))
        .await?;
    assert_eq!(case.class, "life_support");
    for class in ["ordinary", "hospital"] {
        let refused = room.apply(&crate::given::boss(), &id, classify(class)).await;
        assert!(refused.is_err(), "{class}");
    }
    let refused = room
        .apply(&crate::given::li(), &id, crate::given::propose())
        .await
        .unwrap_err();
    assert!(refused.message().contains("never cut"), "{}", refused.message());
    Ok(())
}
