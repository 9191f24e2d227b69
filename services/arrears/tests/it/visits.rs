//! The visits to make, and where to pay in what the customer reads.

use relight_proto::{
    arrears::v1::{ListCasesRequest, NoticeRequest, apply_request::Event, arrears_server::Arrears},
    common::v1::PageRequest,
};

use crate::given::{
    DEBT, asked, balance, crew, elsewhere, hu, issue, li, ordered, propose, remind, room, tell,
};

/// The notice that has to be served first comes first, whenever it was issued.
#[tokio::test]
async fn visits_are_listed_by_the_last_moment_they_are_of_use() -> anyhow::Result<()> {
    let room = room().await?;
    let accounts = ["1001", "10012"];
    let told = room
        .feed(
            accounts
                .map(|account| balance(account, account, DEBT, "07-01 00:00"))
                .to_vec(),
        )
        .await?;
    room.until("07-10 11:00").await?;
    for one in &told {
        room.apply(&li(), &one.case_id, remind()).await?;
    }
    room.until("08-05 10:00").await?;
    for (one, stop_at) in told.iter().zip(["08-18 10:00", "08-17 10:00"]) {
        room.apply(&li(), &one.case_id, propose()).await?;
        let approve = Event::Approve(relight_proto::arrears::v1::Approve::default());
        room.apply(&hu(), &one.case_id, approve).await?;
        room.apply(&li(), &one.case_id, issue(stop_at)).await?;
    }
    let ask = |size| ListCasesRequest {
        to_serve: true,
        page: Some(PageRequest {
            cursor: String::new(),
            size,
        }),
        ..ListCasesRequest::default()
    };
    let listed = room
        .api
        .list_cases(asked(ask(200), &crew()))
        .await?
        .into_inner()
        .cases;
    let accounts: Vec<&str> = listed.iter().map(|case| case.account.as_str()).collect();
    assert_eq!(accounts, ["10012", "1001"]);
    assert!(listed.iter().all(|case| case.serve_by.is_some()));
    let first = room
        .api
        .list_cases(asked(ask(1), &crew()))
        .await?
        .into_inner()
        .cases;
    assert_eq!(first.len(), 1);
    let others = room
        .api
        .list_cases(asked(ask(200), &elsewhere()))
        .await?
        .into_inner()
        .cases;
    assert!(others.is_empty());
    Ok(())
}

#[tokio::test]
async fn where_to_pay_is_in_the_reminder_and_on_the_notice_and_not_in_a_receipt() -> anyhow::Result<()> {
    let room = room().await?;
    let id = room.case_until("overdue").await?;
    room.apply(&li(), &id, tell("reminder")).await?;
    let notify = relight_common::Claims::service("notify");
    let mut notice = ordered(&room).await?.pop().expect("a message was ordered");
    for (kind, hint) in [
        ("reminder", "any of our halls"),
        ("disconnection", "any of our halls"),
        ("pre_notice", "any of our halls"),
        ("payment_received", ""),
    ] {
        notice.kind = kind.to_owned();
        let text = room.text_of(&notice, &notify).await?;
        assert_eq!(text.pay_hint_en, hint, "{kind}");
    }
    let issued = crate::given::room().await?;
    let id = issued.case_until("notice_issued").await?;
    let number = issued.case(&id).await?.notice_number;
    let printed = issued
        .api
        .get_notice(asked(NoticeRequest { number }, &li()))
        .await?
        .into_inner();
    assert_eq!(
        (printed.pay_hint_zh.as_str(), printed.pay_hint_en.as_str()),
        ("任一营业厅", "any of our halls")
    );
    Ok(())
}
