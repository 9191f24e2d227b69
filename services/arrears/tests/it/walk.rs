//! One customer from day 1 to reconnection, and who is told what.

use relight_proto::arrears::v1::{Close, apply_request::Event};

use crate::given::{DEBT, METER, balance, crew, cut, li, payment, reconnect, room};

#[tokio::test]
async fn a_debt_from_day_one_to_reconnection() -> anyhow::Result<()> {
    let room = room().await?;
    let id = room.case_until("pre_noticed").await?;
    room.until("08-17 10:01").await?;
    room.feed(vec![balance("fresh", "1001", DEBT, "08-17 10:01")])
        .await?;
    let release = room.release(&id, METER, false).await?;
    let off = room.apply(&crew(), &id, cut(&release.release)).await?;
    assert_eq!((off.state.as_str(), off.off_at.is_some()), ("disconnected", true));

    room.until("08-18 08:00").await?;
    let told = room
        .feed(vec![payment("p1", "1001", DEBT, "08-18 07:59")])
        .await?;
    assert_eq!(
        (told[0].balance_cents, told[0].case_state.as_str()),
        (0, "reconnect_ordered")
    );
    let ordered = room.case(&id).await?;
    assert_eq!(
        ordered.reconnect_by.map(|at| at.seconds),
        ordered.paid_at.map(|at| at.seconds + 24 * 3600)
    );

    // At 70 and 90 % of the 24 hours, and past them.
    for at in ["08-19 00:48", "08-19 05:36", "08-19 08:00"] {
        room.until(at).await?;
    }
    let told = room.told().await?;
    assert_eq!(
        told.iter().filter(|word| *word == "arrears.alarm").count(),
        3,
        "{told:?}"
    );

    let on = room.apply(&crew(), &id, reconnect()).await?;
    assert_eq!(
        (on.state.as_str(), on.on_at.is_some(), on.wrongful),
        ("reconnected", true, false)
    );
    let closed = room.apply(&li(), &id, Event::Close(Close {})).await?;
    assert_eq!(closed.state, "closed");

    let steps = room.case(&id).await?.steps;
    let states: Vec<&str> = steps.iter().map(|step| step.state.as_str()).collect();
    let way = "overdue reminded eligible eligible approved notice_issued notice_served window_open pre_noticed \
               disconnected paid reconnect_ordered reconnected closed";
    assert_eq!(states.join(" "), way);
    Ok(())
}

/// Each state is told with its version; nothing of the debt is in it.
#[tokio::test]
async fn every_step_is_told_and_no_amount_with_it() -> anyhow::Result<()> {
    let room = room().await?;
    let id = room.case_until("pre_noticed").await?;
    let rows: Vec<(i64, Vec<u8>)> =
        sqlx::query_as("select version, data from outbox where type = 'arrears.changed' order by version")
            .fetch_all(room.db.pool())
            .await?;
    let versions: Vec<i64> = rows.iter().map(|(version, _)| *version).collect();
    assert_eq!(versions, (1..=9).collect::<Vec<_>>());
    let case = room.case(&id).await?;
    assert_eq!(case.version, 9);
    for (_, data) in rows {
        let text = String::from_utf8_lossy(&data).into_owned();
        assert!(!text.contains("1001") && !text.contains("王"), "{text}");
    }
    Ok(())
}

#[tokio::test]
async fn a_debt_whose_day_comes_without_news_is_found() -> anyhow::Result<()> {
    let room = room().await?;
    let mut line = balance("b1", "1001", DEBT, "07-01 00:00");
    if let Some(relight_proto::arrears::v1::feed_line::What::Balance(balance)) = &mut line.what {
        balance.due_on = "2026-07-03".to_owned();
    }
    let told = room.feed(vec![line]).await?;
    assert_eq!(told[0].case_id, "", "not overdue yet");
    for (at, open) in [("07-03 23:59", 0_i64), ("07-04 00:01", 1)] {
        room.until(at).await?;
        room.mend().await?;
        let count: i64 = sqlx::query_scalar("select count(*) from debt_case")
            .fetch_one(room.db.pool())
            .await?;
        assert_eq!(count, open, "{at}");
    }
    Ok(())
}

#[tokio::test]
async fn a_timer_that_was_lost_is_set_again() -> anyhow::Result<()> {
    let room = room().await?;
    let id = room.case_until("notice_served").await?;
    sqlx::query("delete from timer").execute(room.db.pool()).await?;
    room.until("08-17 09:10").await?;
    assert_eq!(room.case(&id).await?.state, "notice_served");
    assert_eq!(room.mend().await?, 1);
    room.fire().await?;
    assert_eq!(room.case(&id).await?.state, "window_open");
    Ok(())
}
