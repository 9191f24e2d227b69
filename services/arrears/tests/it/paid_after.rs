//! A cut by a code, told after the customer paid: the clocks say which came first (operations.md O9).

use relight_common::wire::timestamp;
use relight_proto::arrears::v1::{self as w, apply_request::Event};

use crate::given::{DEBT, METER, Room, balance, crew, cut, li, local, payment, reconnect, room};

/// Cut at 10:02, by a phone whose clock was `off_s` off ours when it told.
fn done(code: &str, off_s: Option<i32>) -> Event {
    let Event::Cut(told) = cut(code) else {
        unreachable!("a cut")
    };
    Event::Cut(w::Cut {
        done_at: Some(timestamp(local("08-17 10:02"))),
        clock_off_s: off_s,
        ..told
    })
}

/// Warned, with a code that was read out at 10:00.
async fn with_code(room: &Room) -> anyhow::Result<(String, String)> {
    let id = room.case_until("pre_noticed").await?;
    room.until("08-17 10:00").await?;
    room.feed(vec![balance("f1", "1001", DEBT, "08-17 10:00")])
        .await?;
    let code = room.release(&id, METER, true).await?;
    Ok((id, code.release))
}

#[tokio::test]
async fn a_cut_of_before_the_payment_told_after_it_is_lawful_and_supply_comes_back() -> anyhow::Result<()> {
    let room = room().await?;
    let (id, code) = with_code(&room).await?;
    room.until("08-17 10:20").await?;
    room.feed(vec![payment("p1", "1001", DEBT, "08-17 10:20")])
        .await?;
    assert_eq!(room.case(&id).await?.state, "settled_before");
    room.until("08-17 11:00").await?;
    let off = room.apply(&crew(), &id, done(&code, Some(-40))).await?;
    assert_eq!((off.state.as_str(), off.wrongful), ("reconnect_ordered", false));
    assert_eq!(
        (off.off_at, off.paid_at, off.reconnect_by),
        (
            Some(timestamp(local("08-17 10:02"))),
            Some(timestamp(local("08-17 10:20"))),
            Some(timestamp(local("08-18 10:20")))
        )
    );
    let back = room.apply(&crew(), &id, reconnect()).await?;
    assert_eq!((back.state.as_str(), back.wrongful), ("reconnected", false));
    let breaches: i64 = sqlx::query_scalar("select count(*) from breach")
        .fetch_one(room.db.pool())
        .await?;
    assert_eq!(breaches, 0);
    Ok(())
}

/// Told when supply has to be back already: somebody is alarmed at once, and it is on the list of what went wrong.
#[tokio::test]
async fn a_cut_that_is_told_after_the_time_to_reconnect_is_an_alarm_at_once() -> anyhow::Result<()> {
    let room = room().await?;
    let (id, code) = with_code(&room).await?;
    room.until("08-17 10:20").await?;
    room.feed(vec![payment("p1", "1001", DEBT, "08-17 10:20")])
        .await?;
    room.until("08-18 12:00").await?;
    let off = room.apply(&crew(), &id, done(&code, Some(0))).await?;
    assert_eq!((off.state.as_str(), off.wrongful), ("reconnect_ordered", false));
    room.fire().await?;
    let levels: Vec<String> = sqlx::query_scalar("select level from alarm")
        .fetch_all(room.db.pool())
        .await?;
    assert_eq!(levels, ["breach"]);
    let kinds: Vec<String> = sqlx::query_scalar("select kind from breach")
        .fetch_all(room.db.pool())
        .await?;
    assert_eq!(kinds, ["late_reconnection"]);
    room.fire().await?;
    let again: i64 = sqlx::query_scalar("select count(*) from alarm")
        .fetch_one(room.db.pool())
        .await?;
    assert_eq!(again, 1, "once");
    Ok(())
}

/// What billing said before 11:00, how the cut was told, and how it counts.
#[tokio::test]
async fn what_leaves_a_doubt_is_wrongful() -> anyhow::Result<()> {
    let full = || payment("p1", "1001", DEBT, "08-17 10:20");
    let rest = || payment("p3", "1001", DEBT - 100, "08-17 10:20");
    let table = [
        ("paid at 10:20", vec![full()], Some(0), "reconnect_ordered"),
        (
            "still owed at 10:15, paid at 10:20",
            vec![balance("b2", "1001", DEBT, "08-17 10:15"), full()],
            Some(0),
            "reconnect_ordered",
        ),
        (
            "the phone was three minutes off",
            vec![full()],
            Some(180),
            "wrongful",
        ),
        ("nobody measured the clock", vec![full()], None, "wrongful"),
        (
            "paid two minutes after the cut",
            vec![payment("p1", "1001", DEBT, "08-17 10:04")],
            Some(0),
            "wrongful",
        ),
        (
            "paid before it, known later",
            vec![payment("p1", "1001", DEBT, "08-17 10:01")],
            Some(0),
            "wrongful",
        ),
        (
            "a part was paid before it",
            vec![payment("p2", "1001", 100, "08-17 10:01"), rest()],
            Some(0),
            "wrongful",
        ),
        (
            "billing does not say when",
            vec![balance("b2", "1001", 0, "08-17 10:20")],
            Some(0),
            "wrongful",
        ),
    ];
    for (what, lines, off_s, state) in table {
        let room = room().await?;
        let (id, code) = with_code(&room).await?;
        room.until("08-17 10:21").await?;
        for line in lines {
            room.feed(vec![line]).await?;
        }
        room.until("08-17 11:00").await?;
        let off = room.apply(&crew(), &id, done(&code, off_s)).await?;
        assert_eq!(
            (off.state.as_str(), off.wrongful),
            (state, state == "wrongful"),
            "{what}"
        );
        room.db.pool().close().await;
    }
    Ok(())
}

/// The desk writes down what it is told on the phone: a word is no clock.
#[tokio::test]
async fn a_word_on_the_phone_says_nothing_about_what_came_first() -> anyhow::Result<()> {
    let room = room().await?;
    let (id, code) = with_code(&room).await?;
    room.until("08-17 10:21").await?;
    room.feed(vec![payment("p1", "1001", DEBT, "08-17 10:20")])
        .await?;
    let Event::Cut(told) = done(&code, Some(0)) else {
        unreachable!("a cut")
    };
    let by_voice = Event::Cut(w::Cut {
        told_by: "wang".to_owned(),
        ..told
    });
    let off = room.apply(&li(), &id, by_voice).await?;
    assert_eq!((off.state.as_str(), off.wrongful), ("wrongful", true));
    Ok(())
}

/// The account owes again, and that debt has a case: the supply that is off is that one's, and comes back.
#[tokio::test]
async fn with_a_newer_case_of_the_account_it_is_wrongful_on_that_one() -> anyhow::Result<()> {
    let room = room().await?;
    let (id, code) = with_code(&room).await?;
    room.until("08-17 10:21").await?;
    room.feed(vec![payment("p1", "1001", DEBT, "08-17 10:20")])
        .await?;
    let told = room
        .feed(vec![balance("b2", "1001", DEBT, "08-17 10:21")])
        .await?;
    assert_ne!(told[0].case_id, id);
    room.until("08-17 11:00").await?;
    let off = room.apply(&crew(), &id, done(&code, Some(0))).await?;
    assert_eq!(
        (off.case_id.as_str(), off.state.as_str()),
        (told[0].case_id.as_str(), "wrongful")
    );
    Ok(())
}
