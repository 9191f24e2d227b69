//! Which bill was paid and what that leaves: of a notice, of the next case, and of a debt that was given up.

use relight_proto::arrears::v1::{
    self as w, AcceptPlan, Approve, Close, Hold, NoticeRequest, Reason, apply_request::Event,
    arrears_server::Arrears, feed_line::What,
};

use crate::given::{
    DEBT, METER, Room, asked, balance, crew, cut, hu, issue, li, local, payment, reconnect, room,
};

fn bill(period: &str, amount_cents: i64, due_on: &str) -> w::Bill {
    w::Bill {
        period: period.to_owned(),
        amount_cents,
        late_fee_cents: 0,
        due_on: due_on.to_owned(),
    }
}

/// A balance with these bills.
fn billed(external_id: &str, cents: i64, as_of: &str, bills: Vec<w::Bill>) -> w::FeedLine {
    let mut line = balance(external_id, "1001", cents, as_of);
    if let Some(What::Balance(balance)) = &mut line.what {
        balance.due_on = bills
            .first()
            .map_or("2026-06-30".to_owned(), |bill| bill.due_on.clone());
        balance.bills = bills;
    }
    line
}

fn may_and_july() -> Vec<w::Bill> {
    vec![
        bill("2026-05", DEBT, "2026-06-30"),
        bill("2026-07", 48_000, "2026-08-10"),
    ]
}

/// Served for 500, the next bill makes 980, the 500 are paid: the crew is stopped, and the newer bill is a case of its own
/// that begins with a reminder.
#[tokio::test]
async fn paying_the_noticed_bill_ends_the_case_and_the_newer_opens_its_own() -> anyhow::Result<()> {
    let room = room().await?;
    let id = room.case_until("pre_noticed").await?;
    room.until("08-17 10:01").await?;
    let told = room
        .feed(vec![
            billed("more", 98_000, "08-17 10:00", may_and_july()),
            payment("p1", "1001", DEBT, "08-17 10:00:30"),
        ])
        .await?;
    assert_eq!(room.case(&id).await?.state, "settled_before");
    assert!(room.release(&id, METER, false).await.is_err());
    let newer = room.case(&told[1].case_id).await?;
    assert_eq!(
        (newer.state.as_str(), newer.due_on.as_str(), newer.balance_cents),
        ("overdue", "2026-08-10", 48_000)
    );
    Ok(())
}

/// Billing that lists no bills has to tell the day of what is left: until then nobody counts the days of the paid debt.
#[tokio::test]
async fn without_bills_the_rest_waits_for_its_day() -> anyhow::Result<()> {
    let room = room().await?;
    let id = room.case_until("pre_noticed").await?;
    room.until("08-17 10:01").await?;
    room.feed(vec![billed("more", 98_000, "08-17 10:00", Vec::new())])
        .await?;
    let told = room
        .feed(vec![payment("p1", "1001", DEBT, "08-17 10:00:30")])
        .await?;
    assert_eq!((told[0].case_id.as_str(), told[0].balance_cents), ("", 48_000));
    assert_eq!(room.case(&id).await?.state, "settled_before");
    room.mend().await?;
    room.until("08-17 11:00").await?;
    let rest = vec![bill("2026-07", 48_000, "2026-08-10")];
    let told = room
        .feed(vec![billed("rest", 48_000, "08-17 11:00", rest)])
        .await?;
    assert_eq!(room.case(&told[0].case_id).await?.due_on, "2026-08-10");
    Ok(())
}

#[tokio::test]
async fn bills_that_do_not_add_up_are_refused_by_name() -> anyhow::Result<()> {
    let room = room().await?;
    let told = room
        .feed(vec![billed("b1", 98_001, "07-01 00:00", may_and_july())])
        .await?;
    assert_eq!(told[0].outcome, "refused");
    assert!(
        told[0].reason.starts_with("bills") && told[0].reason.contains("98000"),
        "{}",
        told[0].reason
    );
    Ok(())
}

async fn printed(room: &Room, id: &str) -> anyhow::Result<w::Notice> {
    let number = room.case(id).await?.notice_number;
    Ok(room
        .api
        .get_notice(asked(NoticeRequest { number }, &li()))
        .await?
        .into_inner())
}

fn lines(notice: &w::Notice) -> Vec<(&str, i64)> {
    let bills = notice.bills.iter();
    bills
        .map(|bill| (bill.period.as_str(), bill.amount_cents))
        .collect()
}

/// The oldest bill is paid first, on paper too; where billing lists none, the whole is a line.
#[tokio::test]
async fn the_lines_of_a_notice_add_up_after_a_part_payment() -> anyhow::Result<()> {
    for (bills, expected) in [
        (may_and_july(), vec![("2026-05", 38_000), ("2026-07", 48_000)]),
        (Vec::new(), vec![("", 86_000)]),
    ] {
        let room = room().await?;
        let id = room.case_until("approved").await?;
        room.feed(vec![
            billed("more", 98_000, "08-06 08:00", bills),
            payment("p1", "1001", 12_000, "08-06 08:30"),
        ])
        .await?;
        room.apply(&li(), &id, issue("08-17 10:00")).await?;
        let notice = printed(&room, &id).await?;
        assert_eq!((lines(&notice), notice.amount_cents), (expected, 86_000));
    }
    Ok(())
}

/// The disputed part is held; the rest is noticed anew, for what it is.
#[tokio::test]
async fn a_dispute_about_a_part_leaves_a_notice_of_the_rest() -> anyhow::Result<()> {
    let room = room().await?;
    let id = room.case_until("notice_issued").await?;
    let dispute = |kind: &str, amount_cents| {
        Event::Hold(Hold {
            kind: kind.to_owned(),
            until: None,
            reason: "the meter was read wrong".to_owned(),
            amount_cents,
        })
    };
    for (kind, amount) in [("payment", 5), ("dispute", -5)] {
        assert!(
            room.apply(&li(), &id, dispute(kind, amount)).await.is_err(),
            "{kind}"
        );
    }
    let held = room.apply(&li(), &id, dispute("dispute", 20_000)).await?;
    assert_eq!(
        (held.state.as_str(), held.holds[0].amount_cents),
        ("expired", 20_000)
    );
    room.apply(&li(), &id, issue("08-18 10:00")).await?;
    let notice = printed(&room, &id).await?;
    assert_eq!(
        (lines(&notice), notice.amount_cents),
        (vec![("2026-05", DEBT - 20_000)], DEBT - 20_000)
    );
    Ok(())
}

/// A plan after the cut is kept on the next case of the account: nobody is cut while it runs.
#[tokio::test]
async fn a_plan_after_the_cut_holds_the_next_case() -> anyhow::Result<()> {
    let room = room().await?;
    let id = room.case_until("pre_noticed").await?;
    room.until("08-17 10:01").await?;
    room.feed(vec![balance("fresh", "1001", DEBT, "08-17 10:01")])
        .await?;
    let release = room.release(&id, METER, false).await?;
    room.apply(&crew(), &id, cut(&release.release)).await?;
    let plan = AcceptPlan {
        until: Some(relight_common::wire::timestamp(local("11-30 00:00"))),
    };
    room.apply(&li(), &id, Event::AcceptPlan(plan)).await?;
    room.apply(&crew(), &id, reconnect()).await?;
    room.apply(&li(), &id, Event::Close(Close {})).await?;
    room.mend().await?;
    let next = room
        .feed(vec![balance("next", "1001", DEBT, "08-17 10:01")])
        .await?;
    let next = room.case(&next[0].case_id).await?;
    assert_ne!(next.case_id, id);
    assert_eq!(
        (next.state.as_str(), next.holds[0].kind.as_str()),
        ("overdue", "plan")
    );
    assert_eq!(
        next.holds[0].until.map(|at| at.seconds),
        Some(local("11-30 00:00").timestamp())
    );
    Ok(())
}

/// A debt that was given up stays so, whoever tells of it again; a bill that is due later is another.
#[tokio::test]
async fn a_debt_that_was_given_up_is_not_opened_again() -> anyhow::Result<()> {
    let room = room().await?;
    let id = room.case_until("eligible").await?;
    let why = Reason {
        reason: "the estate is bankrupt".to_owned(),
    };
    room.apply(&hu(), &id, Event::Withdraw(why)).await?;
    room.mend().await?;
    let told = room
        .feed(vec![balance("b2", "1001", DEBT, "08-05 10:00")])
        .await?;
    assert_eq!(told[0].case_id, "");
    room.until("08-12 10:00").await?;
    let newer = vec![bill("2026-07", 48_000, "2026-08-10")];
    let told = room
        .feed(vec![billed("b3", 48_000, "08-12 10:00", newer)])
        .await?;
    assert_eq!(told[0].case_state, "overdue");
    let refused = room
        .apply(&hu(), &told[0].case_id, Event::Approve(Approve::default()))
        .await;
    assert!(refused.is_err(), "it begins at the beginning");
    Ok(())
}
