//! Event, holiday, weather: what the planner has locked is not cut either (domain.md 5.5 no. 21).

use relight_arrears::domain::{Locks, Premises};
use relight_common::Code;

use crate::given::{DEBT, METER, Room, balance, crew, cut, issue, li, local, ordered, room, tell, warn};

const LATER: &str = "08-18 18:00";

impl Room {
    fn lock(&self) {
        self.locks(Locks::Locked {
            reason: "event: entrance exam".to_owned(),
            until: local(LATER),
        });
    }
}

#[tokio::test]
async fn no_notice_is_written_for_a_time_that_is_locked() -> anyhow::Result<()> {
    let room = room().await?;
    let id = room.case_until("approved").await?;
    room.lock();
    let refused = room.apply(&li(), &id, issue("08-17 10:00")).await.unwrap_err();
    assert_eq!(refused.code(), Code::FailedPrecondition);
    assert!(
        refused.message().contains("entrance exam") && refused.message().contains("2026-08-18 10:00:00 UTC"),
        "{refused}"
    );
    room.locks(Locks::Unknown);
    let refused = room.apply(&li(), &id, issue("08-17 10:00")).await.unwrap_err();
    assert!(refused.message().contains("ask again"), "{refused}");
    room.locks(Locks::Free);
    let case = room.apply(&li(), &id, issue("08-17 10:00")).await?;
    assert_eq!(case.state, "notice_issued");
    Ok(())
}

#[tokio::test]
async fn nobody_is_warned_of_a_cut_that_is_locked() -> anyhow::Result<()> {
    let room = room().await?;
    let id = room.case_until("window_open").await?;
    room.until("08-17 09:24").await?;
    room.feed(vec![balance("f1", "1001", DEBT, "08-17 09:24")])
        .await?;
    room.lock();
    for event in [warn("08-17 09:24"), tell("pre_notice")] {
        assert!(room.apply(&li(), &id, event).await.is_err());
    }
    Ok(())
}

async fn warnings(room: &Room) -> anyhow::Result<usize> {
    let told = ordered(room).await?;
    Ok(told.iter().filter(|notice| notice.kind == "pre_notice").count())
}

/// At 9:24 with a fresh balance, a minute before the warning goes out by itself.
async fn about_to_be_warned(room: &Room) -> anyhow::Result<String> {
    let id = room.case_until("window_open").await?;
    room.until("08-17 09:24").await?;
    room.feed(vec![balance("f1", "1001", DEBT, "08-17 09:24")])
        .await?;
    Ok(id)
}

/// Locked, or nobody knows whether: the warning waits while it can still be in time, and goes out when it is free.
#[tokio::test]
async fn the_warning_that_goes_out_by_itself_waits_for_a_lock() -> anyhow::Result<()> {
    let room = room().await?;
    about_to_be_warned(&room).await?;
    room.lock();
    room.until("08-17 09:25").await?;
    room.locks(Locks::Unknown);
    room.until("08-17 09:26").await?;
    assert_eq!(warnings(&room).await?, 0, "what is locked is not announced");
    room.locks(Locks::Free);
    room.premises(Premises::Off);
    room.until("08-17 09:27").await?;
    assert_eq!(warnings(&room).await?, 0, "they are off already");
    room.premises(Premises::Supplied);
    room.until("08-17 09:28").await?;
    assert_eq!(warnings(&room).await?, 1);
    Ok(())
}

#[tokio::test]
async fn locked_until_it_is_too_late_nobody_is_warned_and_nobody_is_cut() -> anyhow::Result<()> {
    let room = room().await?;
    let id = about_to_be_warned(&room).await?;
    room.lock();
    for at in ["08-17 09:25", "08-17 09:27", "08-17 09:29", "08-17 09:31"] {
        room.until(at).await?;
    }
    room.locks(Locks::Free);
    room.until("08-17 10:00").await?;
    assert_eq!(warnings(&room).await?, 0);
    assert!(
        room.release(&id, METER, false).await.is_err(),
        "nobody was warned"
    );
    Ok(())
}

/// Locked between the order and the delivery: it moves nothing.
#[tokio::test]
async fn a_warning_that_is_delivered_under_a_lock_moves_nothing() -> anyhow::Result<()> {
    let room = room().await?;
    let id = about_to_be_warned(&room).await?;
    room.until("08-17 09:25").await?;
    assert_eq!(warnings(&room).await?, 1);
    room.lock();
    room.became_of("pre_notice", "delivered", "08-17 09:25").await?;
    assert_eq!(room.case(&id).await?.state, "window_open");
    Ok(())
}

#[tokio::test]
async fn a_lock_that_comes_after_the_warning_stops_leave_and_cut() -> anyhow::Result<()> {
    let room = room().await?;
    let id = room.case_until("pre_noticed").await?;
    room.until("08-17 10:00").await?;
    room.feed(vec![balance("f1", "1001", DEBT, "08-17 10:00")])
        .await?;
    let leave = room.release(&id, METER, false).await?;
    room.lock();
    for spoken in [false, true] {
        let refused = room.release(&id, METER, spoken).await.unwrap_err();
        assert!(refused.message().contains("locked"), "{refused}");
    }
    let refused = room.apply(&crew(), &id, cut(&leave.release)).await.unwrap_err();
    assert!(refused.message().contains("locked"), "{refused}");
    room.locks(Locks::Unknown);
    assert!(room.release(&id, METER, false).await.is_err());
    room.locks(Locks::Free);
    let off = room.apply(&crew(), &id, cut(&leave.release)).await?;
    assert_eq!(off.state, "disconnected");
    Ok(())
}
