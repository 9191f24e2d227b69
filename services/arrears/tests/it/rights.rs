//! Who may do what where; two officers on one case.

use relight_common::Code;
use relight_proto::arrears::v1::{
    self as w, Approve, Classify, Hold, Propose, Reason, ReleaseHold, apply_request::Event,
    arrears_server::Arrears,
};

use crate::given::{Room, anybody, asked, boss, crew, cut, elsewhere, hu, issue, li, propose, room, serve};

#[tokio::test]
async fn each_step_is_somebodys() -> anyhow::Result<()> {
    let room = room().await?;
    let id = room.case_until("eligible").await?;
    let code = |status: Result<w::Case, tonic::Status>| status.unwrap_err().code();
    assert_eq!(
        code(room.apply(&crew(), &id, propose()).await),
        Code::PermissionDenied
    );
    assert_eq!(
        code(room.apply(&elsewhere(), &id, propose()).await),
        Code::NotFound
    );
    assert_eq!(code(room.apply(&anybody(), &id, propose()).await), Code::NotFound);
    let own = room
        .apply(&li(), &id, Event::Approve(Approve::default()))
        .await
        .unwrap_err();
    assert!(own.message().contains("author"), "{}", own.message());
    assert_eq!(
        room.apply(&hu(), &id, Event::Approve(Approve::default()))
            .await?
            .approver,
        "hu"
    );
    Ok(())
}

/// A class that needs a manager gets one by role, whatever the request says.
#[tokio::test]
async fn a_manager_is_a_manager_by_role() -> anyhow::Result<()> {
    let room = room().await?;
    let id = room.case_until("eligible").await?;
    let hospital = Event::Classify(Classify {
        class: "hospital".to_owned(),
        reason: String::new(),
    });
    room.apply(&li(), &id, hospital).await?;
    let desk = room
        .apply(&hu(), &id, Event::Approve(Approve::default()))
        .await
        .unwrap_err();
    assert_eq!(desk.code(), Code::InvalidArgument);
    assert_eq!(
        room.apply(&boss(), &id, Event::Approve(Approve::default()))
            .await?
            .state,
        "approved"
    );
    let lock = |kind: &str| Hold {
        kind: kind.to_owned(),
        until: None,
        reason: "exam week".to_owned(),
        amount_cents: 0,
    };
    room.apply(&li(), &id, Event::Hold(lock("lock"))).await?;
    let lift = || {
        Event::ReleaseHold(ReleaseHold {
            kind: "lock".to_owned(),
        })
    };
    assert_eq!(
        room.apply(&li(), &id, lift()).await.unwrap_err().code(),
        Code::PermissionDenied
    );
    assert!(room.apply(&boss(), &id, lift()).await?.holds.is_empty());
    Ok(())
}

/// Two officers at the same moment: one step each is done, in some order; the case never has both.
#[tokio::test]
async fn two_officers_on_one_case() -> anyhow::Result<()> {
    let room = room().await?;
    let id = room.case_until("approved").await?;
    let withdraw = Event::Withdraw(Reason {
        reason: "paid in cash at the hall".to_owned(),
    });
    let (one, other) = (li(), hu());
    let (issued, withdrawn) = tokio::join!(
        room.apply(&one, &id, issue("08-17 10:00")),
        room.apply(&other, &id, withdraw)
    );
    assert!(withdrawn.is_ok(), "{withdrawn:?}");
    if let Err(status) = issued {
        assert_eq!(status.code(), Code::FailedPrecondition);
    }
    assert_eq!(room.case(&id).await?.state, "withdrawn");
    Ok(())
}

async fn field_of(room: &Room, id: &str, event: Event) -> String {
    let status = room.apply(&li(), id, event).await.expect_err("a wrong request");
    assert_eq!(status.code(), Code::InvalidArgument, "{}", status.message());
    let field = status.metadata().get(relight_common::error::FIELD_KEY);
    field
        .and_then(|field| field.to_str().ok())
        .unwrap_or_default()
        .to_owned()
}

#[tokio::test]
async fn a_wrong_request_is_named_by_its_field() -> anyhow::Result<()> {
    let room = room().await?;
    let id = room.case_until("notice_issued").await?;
    let with = |change: fn(&mut w::Serve)| {
        let mut asked = serve("08-06 10:00");
        change(&mut asked);
        Event::Serve(asked)
    };
    let cases = [
        (with(|s| s.method = "fax".to_owned()), "method"),
        (with(|s| s.method = "delivered_sms".to_owned()), "method"),
        (with(|s| s.photo_sha256 = String::new()), "photo_sha256"),
        (with(|s| s.photo_sha256 = "AB".repeat(32)), "photo_sha256"),
        (with(|s| s.position = None), "position"),
        (with(|s| s.witness = "li".to_owned()), "witness"),
        (with(|s| s.received_by = String::new()), "received_by"),
        (
            Event::Propose(Propose {
                reason: " ".to_owned(),
            }),
            "reason",
        ),
        (
            Event::Classify(Classify {
                class: "poor".to_owned(),
                reason: String::new(),
            }),
            "class",
        ),
        (cut(""), "release"),
    ];
    for (event, field) in cases {
        assert_eq!(field_of(&room, &id, event).await, field);
    }
    let ask = w::ApplyRequest {
        command_id: "x".to_owned(),
        case_id: id,
        event: Some(propose()),
        expected_version: 0,
        photos_stored: Vec::new(),
    };
    let status = room.api.apply(asked(ask, &li())).await.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument);
    Ok(())
}

#[tokio::test]
async fn lists_go_page_by_page_in_the_own_area() -> anyhow::Result<()> {
    let room = room().await?;
    let lines =
        (0..5).map(|n| crate::given::balance(&format!("b{n}"), &format!("1001{n}"), 50_000, "07-01 00:00"));
    room.feed(lines.collect()).await?;
    let mut ask = w::ListCasesRequest {
        state: "overdue".to_owned(),
        account: String::new(),
        page: Some(relight_proto::common::v1::PageRequest {
            cursor: String::new(),
            size: 2,
        }),
        to_serve: false,
    };
    let mut seen = Vec::new();
    loop {
        let reply = room.api.list_cases(asked(ask.clone(), &li())).await?.into_inner();
        seen.extend(reply.cases.into_iter().map(|case| case.account));
        if reply.next_cursor.is_empty() {
            break;
        }
        ask.page.get_or_insert_default().cursor = reply.next_cursor;
    }
    seen.sort();
    assert_eq!(seen, ["10010", "10011", "10012", "10013", "10014"]);
    ask.page = None;
    assert_eq!(
        room.api
            .list_cases(asked(ask.clone(), &elsewhere()))
            .await?
            .into_inner()
            .cases
            .len(),
        0
    );
    ask.account = "10012".to_owned();
    assert_eq!(
        room.api
            .list_cases(asked(ask.clone(), &li()))
            .await?
            .into_inner()
            .cases
            .len(),
        1
    );
    ask.state = "late".to_owned();
    assert!(room.api.list_cases(asked(ask, &li())).await.is_err());
    Ok(())
}

/// An upgrade is anybody's at the desk; what asks less of a cut is a manager's, with a reason that is kept.
#[tokio::test]
async fn a_class_that_asks_less_is_a_managers_step_with_a_reason() -> anyhow::Result<()> {
    let room = room().await?;
    let id = room.case_until("eligible").await?;
    let classify = |class: &str, reason: &str| {
        Event::Classify(Classify {
            class: class.to_owned(),
            reason: reason.to_owned(),
        })
    };
    for class in ["important", "hospital", "shared"] {
        let case = room.apply(&li(), &id, classify(class, "")).await?;
        assert_eq!(case.class, class);
    }
    let needs = room.case(&id).await?.needs;
    assert_eq!(needs, ["manager", "filing", "occupants", "exception"]);
    let desk = room.apply(&li(), &id, classify("ordinary", "it is a flat")).await;
    assert_eq!(desk.unwrap_err().code(), Code::PermissionDenied);
    let silent = room.apply(&boss(), &id, classify("ordinary", " ")).await;
    assert_eq!(silent.unwrap_err().code(), Code::InvalidArgument);
    let lowered = room
        .apply(&boss(), &id, classify("ordinary", "it is a flat"))
        .await?;
    assert_eq!(lowered.class, "ordinary");
    let kept: String = sqlx::query_scalar(
        "select detail ->> 'reason' from audit where action = 'arrears.classified' and detail ->> 'to' = 'ordinary'",
    )
    .fetch_one(room.db.pool())
    .await?;
    assert_eq!(kept, "it is a flat");
    Ok(())
}
