//! Notices of debts: the amount is asked for, never stored readable; somebody else's number gets none.

use chrono::TimeDelta;
use prost::Message;
use relight_common::{Claims, Grant, Role};
use relight_proto::{
    arrears::v1::TextOfReply,
    common::v1::Language::{En, ZhCn},
    events::v1::ContactNoted,
    notify::v1::{
        ListWrongRequest, ReportWrongRequest, WithdrawWrongRequest, report_wrong_request::By,
        wrong_person_server::WrongPerson,
    },
};
use relight_testkit::smsc::Smsc;
use tonic::{Code, Request};
use uuid::Uuid;

use crate::{
    orders::{member, outage, result, text},
    world::{MORNING, NIGHT, World},
};

const PHONE: &str = "+8619900000001";
const OTHER: &str = "+8619900000002";

fn owes(world: &World, contacts: &[(&str, relight_proto::common::v1::Language)]) -> (Uuid, Uuid) {
    let (customer, case) = (world.customer(contacts, false), Uuid::now_v7());
    let stop_at = world.clock.now() + TimeDelta::hours(1);
    world.town.known().texts.insert(case, text(stop_at));
    (customer, case)
}

fn request<T>(message: T, role: Role, org_path: &str) -> Request<T> {
    let mut request = Request::new(message);
    let grant = Grant {
        role,
        org_path: org_path.into(),
    };
    request.extensions_mut().insert(Claims::of("p", vec![grant]));
    request
}

/// Every kind reaches the debtor once, in their language, whatever comes again; amounts are nowhere readable.
#[tokio::test]
async fn every_kind_reaches_the_debtor_once() -> anyhow::Result<()> {
    let kinds = [
        (
            "reminder",
            "逾期电费123.45元，应于2026-10-01前",
            "CNY 123.45 overdue since 2026-10-01",
        ),
        (
            "disconnection",
            "停电通知N-20261122-0003：尾号0610户号欠费123.45元",
            "DISCONNECTION NOTICE N-20261122-0003",
        ),
        (
            "pre_notice",
            "因欠费123.45元定于11月22日11:00停电",
            "is to be cut at 22 Nov 11:00",
        ),
        (
            "disconnected",
            "已于11月22日11:00因欠费停电",
            "We reconnect within 24 h",
        ),
        (
            "payment_received",
            "最迟11月23日11:00",
            "by 23 Nov 11:00 at the latest",
        ),
        (
            "reconnected",
            "已于11月22日13:00恢复供电",
            "reconnected at 22 Nov 13:00",
        ),
        ("withdrawn", "停电通知已撤销", "WITHDRAWN"),
        ("apology", "11月22日11:00的停电有误，我们诚挚道歉", "We are sorry"),
    ];
    let world = World::start(MORNING).await?;
    let smsc = Smsc::start().await?;
    let texts = world.texts(&smsc).await?;
    for (kind, zh, en) in kinds {
        for (language, words) in [(ZhCn, zh), (En, en)] {
            let (customer, case) = owes(&world, &[(PHONE, language)]);
            world.customer(&[(OTHER, language)], false);
            let event = world.debt(kind, case, customer);
            world.apply(vec![event.clone(), event]).await?;
            world.round(&texts.sender).await?;
            let seen = smsc.texts().all();
            let last = seen.last().map(|sms| sms.text.clone()).unwrap_or_default();
            assert!(last.contains(words) && last.contains("0610"), "{kind}: {last}");
        }
    }
    let seen = smsc.texts().all();
    assert_eq!(seen.len(), 2 * kinds.len());
    assert!(seen.iter().all(|sms| PHONE.ends_with(&sms.destination)));
    let rows: String = sqlx::query_scalar(
        "select string_agg(m::text, ' ') || (select string_agg(n::text, ' ') from notice n) from message m",
    )
    .fetch_one(world.db.pool())
    .await?;
    assert!(!rows.contains("123.45") && !rows.contains("12345") && !rows.contains("19900000001"));
    texts.stop().await
}

/// A delivered pre-notice is told with its case; at night it is the only one that leaves; after the stop it does not.
#[tokio::test]
async fn a_pre_notice_is_never_put_off_and_ends_with_the_stop() -> anyhow::Result<()> {
    let world = World::start(NIGHT).await?;
    let smsc = Smsc::start().await?;
    let texts = world.texts(&smsc).await?;
    let (customer, case) = owes(&world, &[(PHONE, ZhCn)]);
    let events = ["reminder", "pre_notice"].map(|kind| world.debt(kind, case, customer));
    world.apply(events.to_vec()).await?;
    world.round(&texts.sender).await?;
    world
        .wait_for_states("arrears_pre_notice", &["delivered"])
        .await?;
    world.wait_for_states("arrears_reminder", &["queued"]).await?;
    let told = world.served().await?;
    assert_eq!(told.len(), 1);
    assert_eq!(
        (told[0].1.as_str(), told[0].4.as_str()),
        ("pre_notice", "delivered")
    );

    let (late, case) = owes(&world, &[(OTHER, ZhCn)]);
    world.apply(vec![world.debt("pre_notice", case, late)]).await?;
    world.clock.advance(TimeDelta::hours(1));
    world.round(&texts.sender).await?;
    world
        .wait_for_states("arrears_pre_notice", &["delivered", "expired"])
        .await?;
    assert_eq!(world.served().await?[1].4, "failed");
    assert_eq!(smsc.texts().all().len(), 1);
    texts.stop().await
}

/// A payment takes unsent demands back; a case that went on, and a customer without a contact, get nothing.
#[tokio::test]
async fn nobody_is_told_what_is_not_true_any_more() -> anyhow::Result<()> {
    let world = World::start(NIGHT).await?;
    let (customer, case) = owes(&world, &[(PHONE, ZhCn)]);
    let events = ["reminder", "disconnection"].map(|kind| world.debt(kind, case, customer));
    world.apply(events.to_vec()).await?;
    world
        .apply(vec![world.debt("payment_received", case, customer)])
        .await?;
    world.wait_for_states("arrears_reminder", &["superseded"]).await?;
    let (gone, stale) = owes(&world, &[(OTHER, ZhCn)]);
    world
        .town
        .known()
        .texts
        .entry(stale)
        .and_modify(|text: &mut TextOfReply| text.stale = true);
    let (nobody, other) = owes(&world, &[]);
    world
        .apply(vec![
            world.debt("reminder", stale, gone),
            world.debt("reminder", other, nobody),
        ])
        .await?;
    assert_eq!(world.messages().await?.len(), 3);
    let results = world.results().await?;
    assert!(results.contains(&result(nobody, "none", "failed")), "{results:?}");
    Ok(())
}

/// "Not my number" from the desk: unsent demands end, proof is taken back, no debt is told there, the next number is used,
/// outages still are told; taken back, everything is as before. Each with audit.
#[tokio::test]
async fn a_number_that_is_somebody_elses_hears_no_debt() -> anyhow::Result<()> {
    let world = World::start(MORNING).await?;
    let smsc = Smsc::start().await?;
    let texts = world.texts(&smsc).await?;
    let (customer, case) = owes(&world, &[(PHONE, ZhCn), (OTHER, ZhCn)]);
    world
        .apply(vec![world.debt("pre_notice", case, customer)])
        .await?;
    world.round(&texts.sender).await?;
    world
        .wait_for_states("arrears_pre_notice", &["delivered"])
        .await?;
    assert_eq!(world.results().await?, [result(customer, "sms", "delivered")]);
    world.apply(vec![world.debt("reminder", case, customer)]).await?;

    let message: Uuid = sqlx::query_scalar("select id from message where purpose = 'arrears_pre_notice'")
        .fetch_one(world.db.pool())
        .await?;
    let report = ReportWrongRequest {
        command_id: Uuid::now_v7().to_string(),
        customer_id: customer.to_string(),
        note: "a child answered".into(),
        by: Some(By::MessageId(message.to_string())),
    };
    let send = async |role, org: &str, wanted: &ReportWrongRequest| {
        let reply = world.api.report(request(wanted.clone(), role, org)).await;
        reply
            .map(tonic::Response::into_inner)
            .map_err(|status| status.code())
    };
    assert_eq!(send(Role::Crew, "33", &report).await, Err(Code::PermissionDenied));
    assert_eq!(send(Role::Agent, "33/02", &report).await, Err(Code::NotFound));
    let wrong = send(Role::Agent, "33", &report)
        .await
        .map_err(|code| anyhow::anyhow!("{code}"))?;
    assert_eq!(wrong.recipient_masked, "***0001");
    assert_eq!(send(Role::Agent, "33", &report).await.as_ref(), Ok(&wrong));
    world.wait_for_states("arrears_reminder", &["failed"]).await?;
    let mut expected = vec![
        result(customer, "sms", "delivered"),
        result(customer, "sms", "failed"),
        result(customer, "sms", "wrong_person"),
    ];
    assert_eq!(world.results().await?, expected);

    // Debts go to the other number; outages go to both, and the wrong one is no proof.
    world.apply(vec![world.debt("reminder", case, customer)]).await?;
    let set = world.set(vec![member(customer)]);
    world.notify(&[&outage("notice", Uuid::now_v7(), set)]).await?;
    world.round(&texts.sender).await?;
    world.wait_for_states("outage_notice", &["delivered"; 2]).await?;
    world
        .wait_for_states("arrears_reminder", &["delivered", "failed"])
        .await?;
    let to_wrong = smsc
        .texts()
        .all()
        .into_iter()
        .filter(|sms| PHONE.ends_with(&sms.destination));
    assert_eq!(to_wrong.count(), 2, "the pre-notice before, and the outage");
    expected.extend([
        result(customer, "sms", "delivered"),
        result(customer, "sms", "delivered"),
        result(customer, "sms", "failed"),
    ]);
    expected.sort_unstable();
    assert_eq!(world.results().await?, expected);

    let withdraw = WithdrawWrongRequest {
        command_id: Uuid::now_v7().to_string(),
        wrong_id: wrong.wrong_id.clone(),
        reason: "it was the holder".into(),
    };
    let taken_back = world
        .api
        .withdraw(request(withdraw.clone(), Role::Manager, ""))
        .await?
        .into_inner();
    assert!(taken_back.withdrawn_at.is_some());
    world.clock.advance(TimeDelta::minutes(1));
    let again = WithdrawWrongRequest {
        command_id: Uuid::now_v7().to_string(),
        ..withdraw
    };
    let again = world.api.withdraw(request(again, Role::Manager, "")).await;
    assert_eq!(again.err().map(|status| status.code()), Some(Code::NotFound));
    world.apply(vec![world.debt("reminder", case, customer)]).await?;
    world.round(&texts.sender).await?;
    let to_first = smsc
        .texts()
        .all()
        .into_iter()
        .filter(|sms| PHONE.ends_with(&sms.destination));
    assert_eq!(to_first.count(), 3);
    world
        .wait_for_states("arrears_reminder", &["delivered", "delivered", "failed"])
        .await?;

    // Reported again: only what was proof until now is none any more.
    let contact = world.town.known().contacts[0].contact_id.clone();
    let again = ReportWrongRequest {
        command_id: Uuid::now_v7().to_string(),
        by: Some(By::ContactId(contact.clone())),
        ..report
    };
    send(Role::Agent, "", &again)
        .await
        .map_err(|code| anyhow::anyhow!("{code}"))?;
    expected.extend([
        result(customer, "sms", "delivered"),
        result(customer, "sms", "wrong_person"),
    ]);
    expected.sort_unstable();
    assert_eq!(world.results().await?, expected);
    let listed = ListWrongRequest {
        customer_id: customer.to_string(),
    };
    let listed = world
        .api
        .list(request(listed, Role::Agent, ""))
        .await?
        .into_inner();
    assert_eq!(listed.contacts.len(), 2);
    assert_eq!(listed.contacts[1], taken_back);
    let audited: Vec<String> = sqlx::query_scalar("select action from audit order by id")
        .fetch_all(world.db.pool())
        .await?;
    assert_eq!(
        audited,
        ["contact.wrong", "contact.wrong_withdrawn", "contact.wrong"]
    );
    assert_eq!(
        noted(&world).await?,
        [
            (1, contact.clone(), false),
            (2, String::new(), true),
            (1, contact, false)
        ],
        "told on, so that a call to it proves nothing"
    );
    texts.stop().await
}

/// What is told of notes: version, contact, taken back.
async fn noted(world: &World) -> anyhow::Result<Vec<(i64, String, bool)>> {
    let rows: Vec<(i64, Vec<u8>)> =
        sqlx::query_as("select version, data from outbox where type = 'contact.noted' order by id")
            .fetch_all(world.db.pool())
            .await?;
    let told = rows.into_iter().map(|(version, data)| {
        let told = ContactNoted::decode(data.as_slice())?;
        Ok((version, told.contact_id, told.withdrawn))
    });
    told.collect()
}

/// Bad input to the desk's rpcs names its field.
#[tokio::test]
async fn bad_reports_name_their_field() -> anyhow::Result<()> {
    let world = World::start(MORNING).await?;
    let customer = world.customer(&[(PHONE, ZhCn)], false);
    let report = |by| ReportWrongRequest {
        command_id: Uuid::now_v7().to_string(),
        customer_id: customer.to_string(),
        note: String::new(),
        by,
    };
    let send = async |wanted| {
        let reply = world.api.report(request(wanted, Role::Agent, "")).await;
        reply
            .map(drop)
            .map_err(|status| (status.code(), status.message().to_owned()))
    };
    let table = [
        (report(None), Code::InvalidArgument, "message_id"),
        (
            report(Some(By::ContactId("x".into()))),
            Code::InvalidArgument,
            "contact_id",
        ),
        (
            report(Some(By::ContactId(Uuid::now_v7().to_string()))),
            Code::NotFound,
            "contact",
        ),
        (
            report(Some(By::MessageId(Uuid::now_v7().to_string()))),
            Code::NotFound,
            "message",
        ),
    ];
    for (wanted, code, word) in table {
        let (got, message) = send(wanted).await.expect_err("a bad report");
        assert!(got == code && message.contains(word), "{got:?} {message}");
    }
    let contact = world.town.known().contacts[0].contact_id.clone();
    assert_eq!(send(report(Some(By::ContactId(contact)))).await, Ok(()));
    Ok(())
}

/// An answer with the word itself does the same and is told what was understood, once; digits and other words do nothing.
#[tokio::test]
async fn an_answer_says_it_in_whole_words_only() -> anyhow::Result<()> {
    let world = World::start(MORNING).await?;
    let smsc = Smsc::start().await?;
    let texts = world.texts(&smsc).await?;
    let (customer, case) = owes(&world, &[(PHONE, ZhCn)]);
    smsc.write_to_client("8619900000001", "95598", "非本人");
    smsc.settled().wait_for_count(1).await?;
    world.apply(vec![world.debt("reminder", case, customer)]).await?;
    world.round(&texts.sender).await?;
    world.wait_for_states("arrears_reminder", &["delivered"]).await?;
    // The first answer and the receipt: its acknowledgement comes a moment after what it commits.
    let settled = smsc.settled().wait_for_count(2).await?.len();
    for (n, word) in ["1", "我是本人", "not wrong"].into_iter().enumerate() {
        smsc.write_to_client("8619900000001", "95598", word);
        smsc.settled().wait_for_count(settled + n + 1).await?;
    }
    assert_eq!(world.messages().await?.len(), 1, "nothing was understood so far");
    for n in 0..2 {
        smsc.write_to_client("8619900000001", "95598", "非本人。");
        smsc.settled().wait_for_count(settled + n + 4).await?;
    }
    world.round(&texts.sender).await?;
    world.wait_for_states("wrong_person", &["delivered"]).await?;
    let seen = smsc.texts().all();
    assert_eq!(seen.len(), 2);
    assert!(seen[1].text.contains("已记录本号码非户主本人") && !seen[1].text.contains("0610"));
    world.apply(vec![world.debt("reminder", case, customer)]).await?;
    world.round(&texts.sender).await?;
    assert_eq!(smsc.texts().all().len(), 2);
    let mut expected = vec![
        result(customer, "none", "failed"),
        result(customer, "sms", "delivered"),
        result(customer, "sms", "wrong_person"),
    ];
    expected.sort_unstable();
    assert_eq!(world.results().await?, expected);
    texts.stop().await
}

/// A morning's notices ask arrears together; one it cannot tell is asked alone, so that its event says why and the others
/// are written.
#[tokio::test]
async fn many_debts_are_asked_about_at_once() -> anyhow::Result<()> {
    let world = World::start(MORNING).await?;
    let mut events = Vec::new();
    for n in 10..30 {
        let (customer, case) = owes(&world, &[(format!("+86199000000{n}").as_str(), ZhCn)]);
        events.push(world.debt("reminder", case, customer));
    }
    world.apply(events).await?;
    world.wait_for_states("arrears_reminder", &["queued"; 20]).await?;
    let known = world.town.known();
    assert_eq!(known.alone, 0, "{:?}", known.batches);
    assert_eq!(known.batches.iter().max(), Some(&20), "{:?}", known.batches);
    Ok(())
}
