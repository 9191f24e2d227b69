//! Notices of planned and temporary outages: to everybody entitled, once, in their language, and told back.

use chrono::TimeDelta;
use relight_common::wire;
use relight_notify::desk;
use relight_proto::{
    common::v1::Language::{En, ZhCn},
    events::v1::{InterruptionStep, OutageNotice},
    registry::v1::Member,
};
use relight_testkit::{
    smsc::{Fate, Sms, Smsc},
    smtp::SmtpSink,
};
use uuid::Uuid;

use crate::{
    attempts::{Silent, attempt},
    orders::{OFF, ON, member, outage, result},
    world::{MORNING, NIGHT, World, at},
};

const PHONE: &str = "+8619900000001";
const OTHER: &str = "+8619900000002";
const THIRD: &str = "+8619900000003";

/// What a number got, in order.
pub(crate) fn got(seen: &[Sms], number: &str) -> Vec<String> {
    let own = seen.iter().filter(|sms| number.ends_with(&sms.destination));
    own.map(|sms| sms.text.clone()).collect()
}

/// Every kind reaches everybody in the set once, in their language, by text and mail, however often it is ordered; who has
/// no contact is told back at once, who is not in the set hears nothing.
#[tokio::test]
async fn every_kind_reaches_everybody_entitled_once() -> anyhow::Result<()> {
    let kinds = [
        ("notice", "计划停电：", "planned power cut of"),
        ("reminder", "提醒：", "reminder: power cut"),
        (
            "changed",
            "时间改为11月30日09:00至17:00（原11月30日08:00起）",
            "has MOVED",
        ),
        ("late_start", "推迟到11月30日09:00开始", "begins later"),
        (
            "extended",
            "延时，预计11月30日17:00恢复（原11月30日16:00）",
            "overrunning",
        ),
        ("cancelled", "已取消", "CANCELLED"),
        (
            "void",
            "原定11月30日08:00至16:00的停电（P-20261130-0001）改期，该通知作废",
            "VOID",
        ),
        ("released", "不再涉及您处", "NO LONGER AFFECTED"),
        (
            "safety",
            "已于11月30日09:00紧急停电",
            "was switched off at 30 Nov 09:00 for safety",
        ),
        ("reliability", "自11月30日09:00起仅剩一路", "09:00 only ONE"),
        ("reliability_over", "已于17:00恢复", "is over"),
        ("fault", "起因故障停电，预计17:00恢复", "POWER FAILURE"),
    ];
    for (kind, zh, en) in kinds {
        let world = World::start(MORNING).await?;
        let (smsc, sink) = (Smsc::start().await?, SmtpSink::start().await?);
        let first = world.customer(&[(PHONE, ZhCn)], false);
        let second = world.customer(&[(OTHER, En), ("reader@example.org", En)], false);
        let silent = world.customer(&[], false);
        world.customer(&[(THIRD, ZhCn)], false);
        let set = world.set(vec![member(first), member(second), member(first), member(silent)]);
        let notice = OutageNotice {
            previous_off_at: Some(wire::timestamp(at(OFF) - TimeDelta::hours(1))),
            previous_on_at: Some(wire::timestamp(at(ON) - TimeDelta::hours(1))),
            ..outage(kind, Uuid::now_v7(), set)
        };
        world.notify(&[&notice, &notice]).await?;
        world.notify(&[&notice]).await?;

        let (texts, mails) = (world.texts(&smsc).await?, world.mails(&sink)?);
        world.round(&texts.sender).await?;
        world.round(&mails).await?;
        let purpose = format!("outage_{kind}");
        // What the law asks for and changes of the day go on every channel at once.
        let is_second = matches!(kind, "reminder" | "released");
        let mail = if is_second { "held" } else { "submitted" };
        let states = [mail, "delivered", "delivered"];
        world.wait_for_states(&purpose, &states).await?;
        let seen = smsc.texts().all();
        assert_eq!(seen.len(), 2, "{kind}: {seen:?}");
        assert!(got(&seen, PHONE)[0].contains(zh), "{kind}: {seen:?}");
        assert!(got(&seen, OTHER)[0].contains(en), "{kind}: {seen:?}");
        assert_eq!(sink.mails().all().len(), usize::from(!is_second));
        let mut expected = vec![
            result(first, "sms", "delivered"),
            result(second, "sms", "delivered"),
            result(silent, "none", "failed"),
        ];
        expected.sort_unstable();
        assert_eq!(
            world.results().await?,
            expected,
            "{kind}: mail is no proof and is not told"
        );
        texts.stop().await?;
    }
    Ok(())
}

/// When the ledger closes the records of a planned outage, those people are told by the number they know; an outage nobody
/// was told of ends in silence.
#[tokio::test]
async fn the_end_of_a_planned_outage_is_told() -> anyhow::Result<()> {
    let world = World::start(MORNING).await?;
    let back = world.customer(&[(PHONE, ZhCn)], false);
    let set = world.set(vec![member(back)]);
    let known = Uuid::now_v7();
    let over = |outage: Uuid| {
        let step = world.step_of(&[back]);
        let data = InterruptionStep {
            step_id: step.to_string(),
            outage_id: outage.to_string(),
            kind: "closed".into(),
            at: Some(wire::timestamp(world.clock.now())),
            customers: 1,
            ..InterruptionStep::default()
        };
        world.event("interruption.step", step, 1, &data)
    };
    world.notify(&[&outage("notice", known, set)]).await?;
    world.apply(vec![over(Uuid::now_v7())]).await?;
    world.wait_for_states("restored", &[]).await?;
    world.apply(vec![over(known)]).await?;
    world.wait_for_states("restored", &["queued"]).await
}

/// The ledger also closes what was off for a debt, for safety or at a customer's wish: others tell the end of those.
#[tokio::test]
async fn the_end_of_what_has_neither_incident_nor_outage_is_not_told_from_the_ledger() -> anyhow::Result<()> {
    let world = World::start(MORNING).await?;
    let back = world.customer(&[(PHONE, ZhCn)], false);
    for class in ["ARREARS", "SAFETY", "CUSTOMER_REQUEST"] {
        let step = world.step_of(&[back]);
        let data = InterruptionStep {
            step_id: step.to_string(),
            basis_id: Uuid::now_v7().to_string(),
            class: class.into(),
            kind: "closed".into(),
            at: Some(wire::timestamp(world.clock.now())),
            customers: 1,
            ..InterruptionStep::default()
        };
        let event = world.event("interruption.step", step, 1, &data);
        world.apply(vec![event]).await?;
    }
    world.wait_for_states("restored", &[]).await
}

/// The legal notice carries area, line, time, reason, number and phone; own supply is warned; a temporary one says so; an
/// important customer has words of their own and is asked to confirm.
#[tokio::test]
async fn words_follow_the_person() -> anyhow::Result<()> {
    let world = World::start(MORNING).await?;
    let smsc = Smsc::start().await?;
    let plain = world.customer(&[(PHONE, ZhCn)], false);
    let own = world.customer(&[(OTHER, ZhCn)], false);
    let important = world.customer(&[(THIRD, En)], false);
    let members = vec![
        member(plain),
        Member {
            own_generation: true,
            ..member(own)
        },
        Member {
            important: true,
            ..member(important)
        },
    ];
    let set = world.set(members);
    let planned = outage("notice", Uuid::now_v7(), set);
    let temporary = OutageNotice {
        class: "TEMPORARY".into(),
        ..outage("notice", Uuid::now_v7(), set)
    };
    world.notify(&[&planned, &temporary]).await?;
    let texts = world.texts(&smsc).await?;
    world.round(&texts.sender).await?;
    world.wait_for_states("outage_notice", &["delivered"; 6]).await?;
    let seen = smsc.texts().all();
    let own_words = "自备电源须先与电网可靠隔离";
    let mut plain = got(&seen, PHONE);
    plain.sort_unstable();
    assert_eq!(
        plain,
        [
            "【示范供电】10kV城北线因检修需临时停电，示例路1至20号：11月30日09:00起，预计17:00恢复，敬请谅解。线路视为带电，可能提前来电。编号P-20261130-0001，咨询95598。",
            "【示范供电】计划停电：10kV城北线因检修，示例路1至20号定于11月30日09:00停电，预计17:00恢复。线路视为带电，可能提前来电；有人依赖供电维持健康请速联系。编号P-20261130-0001，咨询95598。",
        ]
    );
    let own = got(&seen, OTHER);
    assert!(own.iter().all(|text| text.contains(own_words)) && own.len() == 2);
    let important = got(&seen, THIRD);
    assert!(
        important.iter().all(|text| text.contains("IMPORTANT CUSTOMER")
            && text.contains("isolate it from the grid first")
            && text.contains("Call 95598 to confirm receipt")),
        "{important:?}"
    );
    assert_eq!(
        important
            .iter()
            .filter(|text| text.contains("short-notice"))
            .count(),
        1
    );
    texts.stop().await
}

/// At night ordinary notices and reminders wait; important and life-support customers, changes and cancellations do not,
/// nor does what would be worth nothing in the morning.
#[tokio::test]
async fn the_night_waits_for_the_morning_unless_it_matters() -> anyhow::Result<()> {
    let world = World::start(NIGHT).await?;
    let plain = world.customer(&[(PHONE, ZhCn)], false);
    let important = world.customer(&[(OTHER, ZhCn)], false);
    let life = world.customer(&[(THIRD, ZhCn)], false);
    let members = vec![
        member(plain),
        Member {
            important: true,
            ..member(important)
        },
        Member {
            life_support: true,
            ..member(life)
        },
    ];
    let set = world.set(members);
    let at_once = async |notice: &OutageNotice| -> anyhow::Result<i64> {
        world.notify(&[notice]).await?;
        let id: Uuid = notice.notice_id.parse()?;
        Ok(
            sqlx::query_scalar("select count(*) from message where subject = $1 and due_at <= $2")
                .bind(id)
                .bind(world.clock.now())
                .fetch_one(world.db.pool())
                .await?,
        )
    };
    for (kind, leave) in [
        ("notice", 2),
        ("reminder", 2),
        ("released", 2),
        ("changed", 3),
        ("cancelled", 3),
        ("void", 3),
    ] {
        let notice = outage(kind, Uuid::now_v7(), set);
        assert_eq!(at_once(&notice).await?, leave, "{kind}");
    }
    let soon = OutageNotice {
        off_at: Some(wire::timestamp(world.clock.now() + TimeDelta::hours(5))),
        ..outage("reminder", Uuid::now_v7(), set)
    };
    assert_eq!(at_once(&soon).await?, 3, "worth nothing in the morning");
    Ok(())
}

/// A dead number and a message nobody could send in time are told as failed, once, also when receipts come again.
#[tokio::test]
async fn what_does_not_arrive_is_told_as_failed() -> anyhow::Result<()> {
    let world = World::start(MORNING).await?;
    let smsc = Smsc::start().await?;
    let dead = world.customer(&[(PHONE, ZhCn)], false);
    let set = world.set(vec![member(dead)]);
    let texts = world.texts(&smsc).await?;
    smsc.receipts_say(Fate::Undeliverable);
    smsc.receipt_copies(2);
    let notice = outage("notice", Uuid::now_v7(), set);
    world.notify(&[&notice]).await?;
    world.round(&texts.sender).await?;
    world.wait_for_states("outage_notice", &["failed"]).await?;
    let failed = vec![result(dead, "sms", "failed")];
    assert_eq!(world.results().await?, failed);
    smsc.settled().wait_for_count(2).await?;
    assert_eq!(world.results().await?, failed);

    let reminder = outage("reminder", Uuid::now_v7(), set);
    world.notify(&[&reminder]).await?;
    world.clock.advance(at(OFF) - at(MORNING));
    world.round(&texts.sender).await?;
    world.wait_for_states("outage_reminder", &["expired"]).await?;
    assert_eq!(world.results().await?, [failed.clone(), failed].concat());
    texts.stop().await
}

/// A cancellation takes unsent notices back, ends pages to come, and reaches everybody; a release does so for its people.
#[tokio::test]
async fn newer_news_takes_unsent_notices_back() -> anyhow::Result<()> {
    let world = World::start(MORNING).await?;
    let customers: Vec<Uuid> = (1..=5)
        .map(|n| world.customer(&[(format!("+861990000000{n}").as_str(), ZhCn)], false))
        .collect();
    let (id, set) = (
        Uuid::now_v7(),
        world.set(customers.iter().map(|one| member(*one)).collect()),
    );
    world
        .apply(vec![world.ordered(&outage("notice", id, set))])
        .await?;
    assert!(world.page().await?, "the first page: two of five");
    let released = OutageNotice {
        customer_ids: vec![customers[0].to_string()],
        ..outage("released", id, set)
    };
    world.notify(&[&released]).await?;
    world.wait_for_states("outage_released", &["queued"]).await?;
    world
        .wait_for_states(
            "outage_notice",
            &["queued", "queued", "queued", "queued", "superseded"],
        )
        .await?;

    world
        .apply(vec![world.ordered(&outage("reminder", id, set))])
        .await?;
    world.notify(&[&outage("cancelled", id, set)]).await?;
    world.wait_for_states("outage_notice", &["superseded"; 5]).await?;
    world.wait_for_states("outage_reminder", &[]).await?;
    world.wait_for_states("outage_cancelled", &["queued"; 5]).await?;
    let results = world.results().await?;
    assert!(
        results.iter().all(|one| one.2 == "failed") && results.len() == 5,
        "{results:?}"
    );
    Ok(())
}

/// Customers who share a number hear it once and are both proven by it, on one page or on several.
#[tokio::test]
async fn who_shares_a_number_is_proven_by_one_message() -> anyhow::Result<()> {
    let world = World::start(MORNING).await?;
    let smsc = Smsc::start().await?;
    let family: Vec<Uuid> = (0..5).map(|_| world.customer(&[(PHONE, ZhCn)], false)).collect();
    let set = world.set(family.iter().map(|one| member(*one)).collect());
    let texts = world.texts(&smsc).await?;
    world
        .apply(vec![world.ordered(&outage("notice", Uuid::now_v7(), set))])
        .await?;
    world.page().await?;
    // The message is delivered before the later pages are written.
    world.round(&texts.sender).await?;
    world.wait_for_states("outage_notice", &["delivered"]).await?;
    world.spread().await?;
    world.round(&texts.sender).await?;
    assert_eq!(smsc.texts().all().len(), 1);
    let mut expected: Vec<_> = family
        .iter()
        .map(|one| result(*one, "sms", "delivered"))
        .collect();
    expected.sort_unstable();
    assert_eq!(world.results().await?, expected);
    texts.stop().await
}

/// A sender dies between attempt and receipt: nothing is told of a message nobody knows the fate of, and it is not sent
/// again; the receipt that comes later is told once.
#[tokio::test]
async fn an_unknown_fate_is_told_when_it_is_known() -> anyhow::Result<()> {
    let world = World::start(MORNING).await?;
    let smsc = Smsc::start().await?;
    let customer = world.customer(&[(PHONE, ZhCn)], false);
    let set = world.set(vec![member(customer)]);
    world.notify(&[&outage("cancelled", Uuid::now_v7(), set)]).await?;
    let silent = world.sender(Silent);
    tokio::select! {
        sent = world.round(&silent) => anyhow::bail!("answered: {sent:?}"),
        claimed = world.wait_for_states("outage_cancelled", &["submitting"]) => claimed?,
    }
    sqlx::query("update lease set until = now() - interval '1 second'")
        .execute(world.db.pool())
        .await?;
    let texts = world.texts(&smsc).await?;
    assert_eq!(desk::orphans(&world.db, "smpp", world.clock.now()).await?, 1);
    assert_eq!(world.round(&texts.sender).await?, 0);
    assert_eq!(world.results().await?, []);
    let mut told = world.delivered(PHONE, "77");
    told.reference = Some(attempt(&world).await?.1);
    for _ in 0..2 {
        desk::settle(
            &world.db,
            "smpp",
            &[],
            std::slice::from_ref(&told),
            world.clock.now(),
        )
        .await?;
        assert_eq!(world.results().await?, [result(customer, "sms", "delivered")]);
    }
    assert!(smsc.submits().all().is_empty());
    texts.stop().await
}

/// A spreader that dies after a page goes on with the next; a notice that can never be spread holds nobody up.
#[tokio::test]
async fn a_notice_is_spread_from_where_it_stopped() -> anyhow::Result<()> {
    let world = World::start(MORNING).await?;
    let customers: Vec<Uuid> = (0..7)
        .map(|n| world.customer(&[(format!("+861990000000{n}").as_str(), En)], false))
        .collect();
    let set = world.set(customers.iter().map(|one| member(*one)).collect());
    let broken = outage("cancelled", Uuid::now_v7(), Uuid::now_v7());
    let whole = outage("notice", Uuid::now_v7(), set);
    world
        .apply(vec![world.ordered(&broken), world.ordered(&whole)])
        .await?;
    for pages in 1..=3 {
        assert!(world.page().await?, "{pages}");
    }
    world.wait_for_states("outage_notice", &["queued"; 4]).await?;
    assert_eq!(world.spread().await?, 2);
    world.wait_for_states("outage_notice", &["queued"; 7]).await?;
    let failed: i64 = sqlx::query_scalar("select count(*) from notice where state = 'failed'")
        .fetch_one(world.db.pool())
        .await?;
    assert_eq!(failed, 1);
    Ok(())
}

/// A big outage: page by page, one message each, told in parts.
#[tokio::test]
async fn a_big_outage_is_spread_in_pages() -> anyhow::Result<()> {
    const PEOPLE: usize = 6_000;
    let world = World::start(MORNING).await?;
    let members: Vec<Member> = (0..PEOPLE)
        .map(|n| {
            let contact = format!("+86199{n:08}");
            let contacts = [(contact.as_str(), ZhCn)];
            member(world.customer(if n % 10 == 0 { &[] } else { &contacts[..] }, false))
        })
        .collect();
    world.town.known().set_page = 5_000;
    let set = world.set(members);
    world
        .apply(vec![world.ordered(&outage("notice", Uuid::now_v7(), set))])
        .await?;
    assert_eq!(world.spread().await?, 2);
    let made: i64 = sqlx::query_scalar("select count(*) from message")
        .fetch_one(world.db.pool())
        .await?;
    assert_eq!(made, 5_400);
    let told = world.served().await?;
    assert_eq!(told.len(), 600, "at most 500 in one event");
    Ok(())
}

/// Who has own supply anywhere in the set hears to isolate it: at a point on a later page, or of somebody who shares the
/// contact. Nobody gets two messages.
#[tokio::test]
async fn own_supply_on_a_later_page_is_told_to_isolate_it() -> anyhow::Result<()> {
    let world = World::start(MORNING).await?;
    let two_points = world.customer(&[(PHONE, En)], false);
    let flat = world.customer(&[(OTHER, En)], false);
    let plant = world.customer(&[(OTHER, En)], false);
    let plain = world.customer(&[(THIRD, En)], false);
    let set = world.set(vec![
        member(two_points),
        member(flat),
        member(plain),
        Member {
            own_generation: true,
            ..member(two_points)
        },
        Member {
            own_generation: true,
            ..member(plant)
        },
    ]);
    world.notify(&[&outage("notice", Uuid::now_v7(), set)]).await?;
    let smsc = Smsc::start().await?;
    let texts = world.texts(&smsc).await?;
    world.round(&texts.sender).await?;
    let sent = smsc.texts().all();
    let told = |phone: &str| {
        let to = got(&sent, phone);
        (to.len(), to.iter().any(|text| text.contains("solate")))
    };
    assert_eq!(
        [told(PHONE), told(OTHER), told(THIRD)],
        [(1, true), (1, true), (1, false)]
    );
    texts.stop().await
}
