//! Messages: what is ordered, what a delivery counts for, and what notify is told to write.

use relight_arrears::domain::Premises;
use relight_common::{Claims, Code};
use relight_proto::arrears::v1::{self as w, Reason, apply_request::Event};

use crate::given::{
    DEBT, METER, balance, boss, crew, cut, hu, issue, li, local, ordered, payment, reconnect, room, tell,
};

async fn kinds(room: &crate::given::Room) -> anyhow::Result<Vec<String>> {
    Ok(ordered(room)
        .await?
        .into_iter()
        .map(|notice| notice.kind)
        .collect())
}

#[tokio::test]
async fn a_delivered_reminder_is_evidence_and_a_failed_one_is_none() -> anyhow::Result<()> {
    let room = room().await?;
    let id = room.case_until("overdue").await?;
    room.apply(&li(), &id, tell("reminder")).await?;
    room.became("sms", "failed", "07-01 01:59").await?;
    assert_eq!(room.case(&id).await?.state, "overdue");
    room.became("sms", "delivered", "07-01 02:00").await?;
    let case = room.case(&id).await?;
    assert_eq!(case.state, "reminded");
    let message = &case.messages[0];
    assert_eq!(
        (
            message.kind.as_str(),
            message.channel.as_str(),
            message.result.as_str()
        ),
        ("reminder", "sms", "delivered")
    );
    Ok(())
}

/// A hundred delivered text messages do not serve a notice.
#[tokio::test]
async fn a_delivered_message_is_never_service() -> anyhow::Result<()> {
    let room = room().await?;
    let id = room.case_until("notice_issued").await?;
    for kind in ["reminder", "pre_notice"] {
        let refused = room.apply(&li(), &id, tell(kind)).await.unwrap_err();
        assert_eq!(refused.code(), Code::FailedPrecondition, "{}", refused.message());
    }
    let refused = room.apply(&li(), &id, tell("disconnection")).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);
    assert_eq!(room.case(&id).await?.state, "notice_issued");
    Ok(())
}

/// The timer orders the last warning 35 minutes before the stop, once the balance is fresh; its delivery opens the way.
#[tokio::test]
async fn the_last_warning_is_ordered_in_time_and_counts_when_delivered() -> anyhow::Result<()> {
    let room = room().await?;
    let id = room.case_until("window_open").await?;
    assert_eq!(kinds(&room).await?, ["disconnection"]);
    room.until("08-17 09:25").await?;
    assert_eq!(kinds(&room).await?.len(), 1, "the balance is an old one");
    room.until("08-17 09:26").await?;
    room.feed(vec![balance("f1", "1001", DEBT, "08-17 09:26")])
        .await?;
    room.until("08-17 09:27").await?;
    room.until("08-17 09:28").await?;
    assert_eq!(kinds(&room).await?, ["disconnection", "pre_notice"], "once");

    room.premises(Premises::Off);
    room.became("email", "delivered", "08-17 09:28").await?;
    assert_eq!(
        room.case(&id).await?.state,
        "window_open",
        "a mail warns nobody now"
    );
    Ok(())
}

#[tokio::test]
async fn a_delivered_last_warning_is_the_last_warning() -> anyhow::Result<()> {
    let room = room().await?;
    let id = room.case_until("window_open").await?;
    room.until("08-17 09:24").await?;
    room.feed(vec![balance("f1", "1001", DEBT, "08-17 09:24")])
        .await?;
    room.until("08-17 09:25").await?;
    room.became("sms", "delivered", "08-17 09:25").await?;
    let case = room.case(&id).await?;
    assert_eq!(
        (case.state.as_str(), case.pre_noticed_at.is_some()),
        ("pre_noticed", true)
    );
    Ok(())
}

/// Too late for the notified stop, or while another outage is on: the message is kept and moves nothing.
#[tokio::test]
async fn a_warning_that_came_too_late_moves_nothing() -> anyhow::Result<()> {
    let room = room().await?;
    let id = room.case_until("window_open").await?;
    room.until("08-17 09:24").await?;
    room.feed(vec![balance("f1", "1001", DEBT, "08-17 09:24")])
        .await?;
    room.apply(&li(), &id, tell("pre_notice")).await?;
    room.until("08-17 09:31").await?;
    room.became("sms", "delivered", "08-17 09:31").await?;
    assert_eq!(room.case(&id).await?.state, "window_open");
    let late = room.apply(&li(), &id, tell("pre_notice")).await.unwrap_err();
    assert_eq!(late.code(), Code::FailedPrecondition, "{}", late.message());
    Ok(())
}

#[tokio::test]
async fn everything_that_happens_to_the_customer_is_told() -> anyhow::Result<()> {
    let room = room().await?;
    let id = room.case_until("pre_noticed").await?;
    room.until("08-17 10:01").await?;
    room.feed(vec![balance("fresh", "1001", DEBT, "08-17 10:01")])
        .await?;
    let release = room.release(&id, METER, false).await?;
    room.apply(&crew(), &id, cut(&release.release)).await?;
    room.until("08-18 08:00").await?;
    room.feed(vec![payment("p1", "1001", DEBT, "08-18 07:59")])
        .await?;
    room.apply(&crew(), &id, reconnect()).await?;
    let told = kinds(&room).await?;
    let expected = ["disconnection", "disconnected", "payment_received", "reconnected"];
    assert_eq!(
        told.iter()
            .filter(|kind| *kind != "pre_notice")
            .collect::<Vec<_>>(),
        expected.iter().collect::<Vec<_>>()
    );

    let notices = ordered(&room).await?;
    let asks = Claims::service("notify");
    let back = room.text_of(notices.last().expect("four"), &asks).await?;
    assert!(back.on_at.is_some() && !back.stale, "{back:?}");
    assert_eq!(
        (back.account_tail.as_str(), back.currency.as_str(), back.hours),
        ("1001", "CNY", 24)
    );
    let paid = room.text_of(&notices[notices.len() - 2], &asks).await?;
    assert_eq!((paid.amount_cents, paid.stale), (DEBT, false));
    // A case is often closed before its last message is written.
    room.apply(&li(), &id, Event::Close(w::Close {})).await?;
    let closed = room.text_of(notices.last().expect("four"), &asks).await?;
    assert_eq!((closed.on_at, closed.stale), (back.on_at, false));
    let off = room.text_of(&notices[notices.len() - 3], &asks).await?;
    assert!(
        off.stale,
        "supply is back: nobody is told any more that it is off"
    );
    assert_eq!(
        room.text_of(&notices[0], &li()).await.unwrap_err().code(),
        Code::PermissionDenied
    );
    Ok(())
}

#[tokio::test]
async fn a_notice_that_is_given_up_is_told_void() -> anyhow::Result<()> {
    let room = room().await?;
    let id = room.case_until("notice_served").await?;
    let withdraw = Event::Withdraw(Reason {
        reason: "our own mistake".to_owned(),
    });
    room.apply(&boss(), &id, withdraw).await?;
    assert_eq!(kinds(&room).await?, ["disconnection", "withdrawn"]);
    let notices = ordered(&room).await?;
    let void = room.text_of(&notices[1], &Claims::service("notify")).await?;
    assert!(
        void.notice_number.starts_with("T-2026") && !void.stale,
        "{void:?}"
    );
    Ok(())
}

/// Two officers look at the same version: the second is told to read again, and nothing happened twice.
#[tokio::test]
async fn an_officer_who_was_slower_reads_again() -> anyhow::Result<()> {
    let room = room().await?;
    let id = room.case_until("approved").await?;
    let seen = room.case(&id).await?.version;
    room.apply_at(seen, &li(), &id, issue("08-17 10:00")).await?;
    let withdraw = Event::Withdraw(Reason {
        reason: "paid at the hall".to_owned(),
    });
    let slower = room.apply_at(seen, &hu(), &id, withdraw).await.unwrap_err();
    assert_eq!(slower.code(), Code::Aborted, "{}", slower.message());
    assert_eq!(room.case(&id).await?.state, "notice_issued");
    Ok(())
}

/// The phone had no signal at the meter: what was done is written down, and supply has to come back at once.
#[tokio::test]
async fn a_cut_reported_late_or_refused_is_recorded_as_wrongful() -> anyhow::Result<()> {
    for (done_at, reported_at) in [("08-17 10:01", "08-17 10:03"), ("08-17 10:05:30", "08-17 10:06")] {
        let room = room().await?;
        let id = room.case_until("pre_noticed").await?;
        room.until("08-17 10:00").await?;
        room.feed(vec![balance("f1", "1001", DEBT, "08-17 10:00")])
            .await?;
        let release = room.release(&id, METER, false).await?;
        room.until(reported_at).await?;
        let Event::Cut(mut doing) = cut(&release.release) else {
            unreachable!("a cut");
        };
        doing.done_at = Some(relight_common::wire::timestamp(local(done_at)));
        let case = room.apply(&crew(), &id, Event::Cut(doing)).await?;
        assert_eq!(
            (case.state.as_str(), case.wrongful),
            ("wrongful", true),
            "{done_at}"
        );
        assert_eq!(case.off_at.map(|at| at.seconds), Some(local(done_at).timestamp()));
    }
    Ok(())
}

/// Asked about together, each says what it says alone; one that cannot be told is left out and stops no other.
#[tokio::test]
async fn many_messages_say_together_what_each_says_alone() -> anyhow::Result<()> {
    let room = room().await?;
    let id = room.case_until("notice_served").await?;
    let withdraw = Event::Withdraw(Reason {
        reason: "our own mistake".to_owned(),
    });
    room.apply(&boss(), &id, withdraw).await?;
    let notices = ordered(&room).await?;
    let asks = Claims::service("notify");
    let mut unknown = notices[0].clone();
    unknown.case_id = uuid::Uuid::nil().to_string();
    unknown.notice_id = "unknown".to_owned();
    let mut all = notices.clone();
    all.push(unknown);
    let texts = room.texts_of(&all, &asks).await?;
    assert_eq!(texts.len(), notices.len());
    for notice in &notices {
        let alone = room.text_of(notice, &asks).await?;
        assert_eq!(texts.get(&notice.notice_id), Some(&alone), "{}", notice.kind);
    }
    let many = vec![notices[0].clone(); 501];
    assert_eq!(
        room.texts_of(&many, &asks).await.unwrap_err().code(),
        Code::InvalidArgument
    );
    assert_eq!(
        room.texts_of(&notices, &li()).await.unwrap_err().code(),
        Code::PermissionDenied
    );
    Ok(())
}
