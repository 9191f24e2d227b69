//! A text that proved something reached somebody else (operations.md O15): the proof is void, the cut is refused.

use relight_common::Code;

use crate::given::{DEBT, METER, Room, balance, crew, cut, li, local, ordered, remind, room, tell, warn};

/// Warned by text at 9:25 for 10:00.
async fn warned_by_text(room: &Room) -> anyhow::Result<String> {
    let id = room.case_until("window_open").await?;
    room.until("08-17 09:24").await?;
    room.feed(vec![balance("f1", "1001", DEBT, "08-17 09:24")])
        .await?;
    room.until("08-17 09:25").await?;
    room.became_of("pre_notice", "delivered", "08-17 09:25").await?;
    assert_eq!(room.case(&id).await?.state, "pre_noticed");
    Ok(id)
}

async fn fresh(room: &Room, at: &str) -> anyhow::Result<()> {
    room.until(at).await?;
    room.feed(vec![balance(at, "1001", DEBT, at)]).await?;
    Ok(())
}

#[tokio::test]
async fn a_reminder_that_reached_somebody_else_reminds_nobody() -> anyhow::Result<()> {
    let room = room().await?;
    let id = room.case_until("overdue").await?;
    room.apply(&li(), &id, tell("reminder")).await?;
    room.became_of("reminder", "delivered", "07-01 02:00").await?;
    assert_eq!(room.case(&id).await?.state, "reminded");
    room.until("08-05 10:00").await?;
    assert_eq!(room.case(&id).await?.state, "eligible");
    room.became_of("reminder", "wrong_person", "08-05 10:00").await?;
    let case = room.case(&id).await?;
    assert_eq!(
        (case.state.as_str(), case.messages[0].result.as_str()),
        ("overdue", "wrong_person")
    );
    room.until("08-20 10:00").await?;
    assert_eq!(
        room.case(&id).await?.state,
        "overdue",
        "time alone reminds nobody"
    );
    let audited: i64 =
        sqlx::query_scalar("select count(*) from audit where action = 'arrears.proof_fell_away'")
            .fetch_one(room.db.pool())
            .await?;
    assert_eq!(audited, 1);
    Ok(())
}

/// Reminded by a text and by phone: the phone call carries the case.
#[tokio::test]
async fn another_proof_that_stands_keeps_the_case_where_it_is() -> anyhow::Result<()> {
    let room = room().await?;
    let id = room.case_until("overdue").await?;
    room.until("07-10 11:00").await?;
    room.apply(&li(), &id, remind()).await?;
    room.apply(&li(), &id, tell("reminder")).await?;
    room.became_of("reminder", "delivered", "07-10 11:00").await?;
    room.until("08-05 10:00").await?;
    room.became_of("reminder", "wrong_person", "08-05 10:00").await?;
    assert_eq!(room.case(&id).await?.state, "eligible");
    Ok(())
}

/// The crew stands at the meter with its leave: the leave is void, and another is refused.
#[tokio::test]
async fn a_last_warning_that_reached_somebody_else_stops_the_crew() -> anyhow::Result<()> {
    let room = room().await?;
    let id = warned_by_text(&room).await?;
    fresh(&room, "08-17 10:01").await?;
    let release = room.release(&id, METER, false).await?;
    room.became_of("pre_notice", "wrong_person", "08-17 10:01")
        .await?;
    assert_eq!(room.case(&id).await?.state, "window_open");
    let refused = room.apply(&crew(), &id, cut(&release.release)).await.unwrap_err();
    assert_eq!(refused.code(), Code::FailedPrecondition, "{}", refused.message());
    let refused = room.release(&id, METER, false).await.unwrap_err();
    assert_eq!(refused.code(), Code::FailedPrecondition, "{}", refused.message());
    assert!(room.case(&id).await?.off_at.is_none());
    Ok(())
}

/// While there is time the next warning is ordered by itself: notify knows by now which number not to use.
#[tokio::test]
async fn a_last_warning_that_reached_somebody_else_is_ordered_again_in_time() -> anyhow::Result<()> {
    let room = room().await?;
    let id = warned_by_text(&room).await?;
    room.became_of("pre_notice", "wrong_person", "08-17 09:25")
        .await?;
    room.until("08-17 09:26").await?;
    let warnings = ordered(&room)
        .await?
        .into_iter()
        .filter(|notice| notice.kind == "pre_notice");
    assert_eq!(warnings.count(), 2);
    room.became_of("pre_notice", "delivered", "08-17 09:26").await?;
    assert_eq!(room.case(&id).await?.state, "pre_noticed");
    Ok(())
}

/// Two numbers on file, one of them a stranger's: the customer was warned all the same.
#[tokio::test]
async fn of_two_numbers_one_that_is_the_customers_is_enough() -> anyhow::Result<()> {
    let room = room().await?;
    let id = warned_by_text(&room).await?;
    room.became_of("pre_notice", "delivered", "08-17 09:26").await?;
    room.became_of("pre_notice", "wrong_person", "08-17 09:27")
        .await?;
    let case = room.case(&id).await?;
    assert_eq!(
        (case.state.as_str(), case.pre_noticed_at.map(|at| at.seconds)),
        ("pre_noticed", Some(local("08-17 09:26").timestamp()))
    );
    room.became_of("pre_notice", "wrong_person", "08-17 09:28")
        .await?;
    assert_eq!(room.case(&id).await?.state, "window_open");
    room.became_of("pre_notice", "wrong_person", "08-17 09:29")
        .await?;
    assert_eq!(
        room.case(&id).await?.state,
        "window_open",
        "nothing is left to take back"
    );
    Ok(())
}

/// A person warned by phone: what becomes of an earlier text changes nothing.
#[tokio::test]
async fn a_warning_by_phone_does_not_fall_with_a_text() -> anyhow::Result<()> {
    let room = room().await?;
    let id = room.case_until("window_open").await?;
    fresh(&room, "08-17 09:14").await?;
    room.apply(&li(), &id, tell("pre_notice")).await?;
    room.until("08-17 09:16").await?;
    room.apply(&li(), &id, warn("08-17 09:15")).await?;
    room.became_of("pre_notice", "delivered", "08-17 09:16").await?;
    room.became_of("pre_notice", "wrong_person", "08-17 09:17")
        .await?;
    assert_eq!(room.case(&id).await?.state, "pre_noticed");
    Ok(())
}

/// Anybody can answer a text: supply that is off stays off until somebody has looked, and somebody is alarmed.
#[tokio::test]
async fn a_proof_that_falls_after_the_cut_is_for_people_to_judge() -> anyhow::Result<()> {
    let room = room().await?;
    let id = warned_by_text(&room).await?;
    fresh(&room, "08-17 10:01").await?;
    let release = room.release(&id, METER, false).await?;
    room.apply(&crew(), &id, cut(&release.release)).await?;
    let alarms = async || -> anyhow::Result<usize> {
        Ok(room
            .told()
            .await?
            .iter()
            .filter(|word| *word == "arrears.alarm")
            .count())
    };
    assert_eq!(alarms().await?, 0);
    room.became_of("pre_notice", "wrong_person", "08-17 10:02")
        .await?;
    assert_eq!(
        (room.case(&id).await?.state.as_str(), alarms().await?),
        ("disconnected", 1)
    );
    Ok(())
}
