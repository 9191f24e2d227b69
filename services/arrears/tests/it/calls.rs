//! What was told by a call or at the door counts with its evidence, and falls when the number is a stranger's (O13, O15).

use relight_common::{Code, error::FIELD_KEY, wire::timestamp};
use relight_proto::arrears::v1::{
    CallAnswered, NoticeRequest, PreNotice, Remind, Serve, apply_request::Event, arrears_server::Arrears,
};
use uuid::Uuid;

use crate::given::{
    DEBT, METER, NUMBER, Room, answered, asked, balance, crew, cut, li, local, room, serve, warn,
};

fn by_call() -> Serve {
    Serve {
        method: "recorded_call".to_owned(),
        record: "call 30".to_owned(),
        received_by: "王小明".to_owned(),
        call: answered(),
        position: None,
        photo_sha256: String::new(),
        witness: String::new(),
        ..serve("08-10 09:00")
    }
}

async fn field_of(room: &Room, id: &str, event: Event) -> String {
    let status = room.apply(&li(), id, event).await.expect_err("no proof");
    assert_eq!(status.code(), Code::InvalidArgument, "{}", status.message());
    let field = status
        .metadata()
        .get(FIELD_KEY)
        .and_then(|field| field.to_str().ok());
    field.unwrap_or_default().to_owned()
}

async fn served_by_call(room: &Room) -> anyhow::Result<String> {
    let id = room.case_until("notice_issued").await?;
    room.until("08-10 09:30").await?;
    let served = room.apply(&li(), &id, Event::Serve(by_call())).await?;
    assert_eq!(served.state, "notice_served");
    Ok(id)
}

/// Nobody's number, another customer's number, a child, nobody named.
#[tokio::test]
async fn a_call_names_the_number_and_the_adult_who_answered() -> anyhow::Result<()> {
    let room = room().await?;
    let id = room.case_until("notice_issued").await?;
    room.until("08-10 09:30").await?;
    let with = |change: fn(&mut Serve, &mut CallAnswered)| {
        let (mut served, mut call) = (by_call(), answered().expect("one"));
        change(&mut served, &mut call);
        served.call = Some(call);
        Event::Serve(served)
    };
    let unnamed = Event::Serve(Serve {
        call: None,
        ..by_call()
    });
    let cases = [
        (unnamed, "call"),
        (
            with(|_, call| call.contact_id = "x".to_owned()),
            "call.contact_id",
        ),
        (
            with(|_, call| call.contact_id = Uuid::nil().to_string()),
            "call.contact_id",
        ),
        (with(|_, call| call.adult = false), "call.adult"),
        (
            with(|served, _| served.received_by = String::new()),
            "received_by",
        ),
        (with(|served, _| served.record = String::new()), "record"),
    ];
    for (event, field) in cases {
        assert_eq!(field_of(&room, &id, event).await, field);
    }
    assert_eq!(room.case(&id).await?.state, "notice_issued");
    Ok(())
}

/// The number turns out to be somebody else's: the notice was not served, and the page says so.
#[tokio::test]
async fn a_service_by_a_strangers_number_is_undone() -> anyhow::Result<()> {
    let room = room().await?;
    let id = served_by_call(&room).await?;
    let number = room.case(&id).await?.notice_number;
    let notice = async || {
        let ask = NoticeRequest {
            number: number.clone(),
        };
        anyhow::Ok(room.api.get_notice(asked(ask, &li())).await?.into_inner())
    };
    assert_eq!(notice().await?.served_method, "recorded_call");
    room.stranger_at(Uuid::from_u128(99), false).await?;
    assert_eq!(room.case(&id).await?.state, "notice_served", "another contact");
    room.stranger_at(NUMBER, false).await?;
    assert_eq!(room.case(&id).await?.state, "notice_issued");
    assert_eq!(notice().await?.served_method, "", "served by nothing");

    let again = room.apply(&li(), &id, Event::Serve(by_call())).await.unwrap_err();
    assert!(again.message().contains("somebody else's"), "{}", again.message());
    room.stranger_at(NUMBER, true).await?;
    let served = room.apply(&li(), &id, Event::Serve(by_call())).await?;
    assert_eq!(served.state, "notice_served");
    Ok(())
}

/// Found at the last minute: the crew's leave is void. Found after the cut: somebody is alarmed.
#[tokio::test]
async fn a_crew_is_stopped_when_the_service_falls() -> anyhow::Result<()> {
    let room = room().await?;
    let id = served_by_call(&room).await?;
    room.until("08-17 09:14").await?;
    room.feed(vec![balance("f1", "1001", DEBT, "08-17 09:14")])
        .await?;
    room.until("08-17 09:16").await?;
    room.apply(&li(), &id, at_the_door(|_| {})).await?;
    room.until("08-17 10:01").await?;
    room.feed(vec![balance("f2", "1001", DEBT, "08-17 10:01")])
        .await?;
    let release = room.release(&id, METER, false).await?;
    room.stranger_at(NUMBER, false).await?;
    let refused = room.apply(&crew(), &id, cut(&release.release)).await;
    assert!(refused.is_err(), "cut on a notice that nobody got");
    assert!(room.case(&id).await?.off_at.is_none());

    let room = self::room().await?;
    let id = room.case_until("pre_noticed").await?;
    room.until("08-17 10:01").await?;
    room.feed(vec![balance("f3", "1001", DEBT, "08-17 10:01")])
        .await?;
    let release = room.release(&id, METER, false).await?;
    room.apply(&crew(), &id, cut(&release.release)).await?;
    room.stranger_at(NUMBER, false).await?;
    assert_eq!(room.case(&id).await?.state, "disconnected", "for people to judge");
    Ok(())
}

fn at_the_door(change: fn(&mut PreNotice)) -> Event {
    let mut warning = PreNotice {
        warned_at: Some(timestamp(local("08-17 09:15"))),
        channel: "door".to_owned(),
        record: "slip 9".to_owned(),
        photo_sha256: "cd".repeat(32),
        witness: "zhou".to_owned(),
        ..PreNotice::default()
    };
    change(&mut warning);
    Event::PreNotice(warning)
}

/// A text counts by its receipt alone, whoever says that it was sent; the door needs a photo and a witness.
#[tokio::test]
async fn a_word_is_no_warning_and_no_reminder() -> anyhow::Result<()> {
    let room = room().await?;
    let id = room.case_until("overdue").await?;
    let remind = |channel: &str| {
        Event::Remind(Remind {
            reminded_at: Some(timestamp(local("07-10 10:00"))),
            channel: channel.to_owned(),
            record: "as I said".to_owned(),
            ..Remind::default()
        })
    };
    room.until("07-10 11:00").await?;
    for (channel, field) in [
        ("sms", "channel"),
        ("email", "channel"),
        ("phone", "call"),
        ("visit", "photo_sha256"),
    ] {
        assert_eq!(field_of(&room, &id, remind(channel)).await, field, "{channel}");
    }
    assert_eq!(room.case(&id).await?.state, "overdue");

    let room = self::room().await?;
    let id = room.case_until("window_open").await?;
    room.until("08-17 09:14").await?;
    room.feed(vec![balance("f1", "1001", DEBT, "08-17 09:14")])
        .await?;
    room.until("08-17 09:16").await?;
    let Event::PreNotice(phone) = warn("08-17 09:15") else {
        panic!("a warning")
    };
    let unanswered = Event::PreNotice(PreNotice { call: None, ..phone });
    let cases = [
        (at_the_door(|door| door.channel = "sms".to_owned()), "channel"),
        (
            at_the_door(|door| door.photo_sha256 = String::new()),
            "photo_sha256",
        ),
        (at_the_door(|door| door.witness = String::new()), "witness"),
        (at_the_door(|door| door.witness = "li".to_owned()), "witness"),
        (
            at_the_door(|door| door.witness = "li's name".to_owned()),
            "witness",
        ),
        (unanswered, "call"),
    ];
    for (event, field) in cases {
        assert_eq!(field_of(&room, &id, event).await, field);
    }
    assert_eq!(
        room.apply(&li(), &id, at_the_door(|_| {})).await?.state,
        "pre_noticed"
    );
    Ok(())
}
