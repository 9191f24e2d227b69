//! Event, holiday, weather: what the planner has locked is not cut either (domain.md 5.5 no. 21).

use relight_arrears::domain::Locks;
use relight_common::Code;

use crate::given::{DEBT, METER, Room, balance, crew, cut, issue, li, local, room, tell, warn};

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
    // The one the timer ordered is delivered: it moves nothing.
    room.until("08-17 09:25").await?;
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
