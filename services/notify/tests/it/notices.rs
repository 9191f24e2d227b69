//! Events become messages, messages reach those they concern.

use chrono::TimeDelta;
use relight_common::{Claims, Code as Meaning, Coded, Grant, Role, reader::Consumer};
use relight_proto::{
    common::v1::Language::{En, ZhCn},
    notify::v1::{ListMessagesRequest, SendCodeRequest, notify_server::Notify},
};
use relight_testkit::{smsc::Smsc, smtp::SmtpSink};
use tonic::{Code, Request};
use uuid::Uuid;

use crate::world::{MORNING, NIGHT, World, at};

const PHONE: &str = "+8619900000001";
const OTHER: &str = "+8619900000002";

/// Two accounts with one phone, a person with phone and mail, a stranger: each hears it once per channel, in their
/// language, however often the events come.
#[tokio::test]
async fn everybody_entitled_hears_it_once() -> anyhow::Result<()> {
    let world = World::start(MORNING).await?;
    let (smsc, sink) = (Smsc::start().await?, SmtpSink::start().await?);
    let first = world.customer(&[(PHONE, ZhCn)], true);
    world.customer(&[(PHONE, ZhCn)], false);
    world.customer(&[(OTHER, En), ("reader@example.org", En)], false);
    world.customer(&[], false);
    world.stranger("+447700900123");
    let report = Uuid::now_v7();
    let mut events = vec![world.incident_changed()];
    for _ in 0..3 {
        events.extend([
            world.accepted(report, Some(first)),
            world.step("en_route", 4),
            world.etr(Some("2026-11-22T04:20:00Z"), 6),
        ]);
    }
    world.apply(events).await?;

    let (texts, mails) = (world.texts(&smsc).await?, world.mails(&sink)?);
    world.round(&texts.sender).await?;
    world.round(&mails).await?;
    let seen = smsc.texts().all();
    let to = |number: &str| -> Vec<&str> {
        let own = seen.iter().filter(|sms| number.ends_with(&sms.destination));
        own.map(|sms| sms.text.as_str()).collect()
    };
    assert_eq!(seen.len(), 7);
    let mut own = to(PHONE);
    own.sort_unstable();
    assert_eq!(
        own,
        [
            "【示范供电】停电I-20261122-0007预计22日12:30恢复，如有变化另行通知。咨询95598",
            "【示范供电】停电事件I-20261122-0007：抢修人员已出发。咨询95598。",
            "【示范供电】已受理您的报修F-20261122-0042，正在查找原因。请勿靠近断落电线。咨询95598。",
        ]
    );
    let etr = "Demo Electric: power cut I-20261122-0007: supply expected back by 12:30 on 22 Nov. We text if this changes. Info 95598.";
    assert!(
        to(OTHER).contains(&etr) && to(OTHER).len() == 2,
        "{:?}",
        to(OTHER)
    );
    assert_eq!(to("+447700900123").len(), 2);
    let mut subjects: Vec<String> = sink.mails().all().into_iter().map(|mail| mail.subject).collect();
    subjects.sort_unstable();
    assert_eq!(
        subjects,
        [
            "Power cut I-20261122-0007: a crew is on its way",
            "Power cut I-20261122-0007: supply expected back by 12:30 on 22 Nov",
        ]
    );
    world
        .wait_for_states("etr", &["submitted", "delivered", "delivered", "delivered"])
        .await?;
    assert_eq!(world.round(&texts.sender).await?, 0);
    texts.stop().await
}

/// Newer news takes unsent older news back; older news that comes late says nothing.
#[tokio::test]
async fn newer_news_supersedes() -> anyhow::Result<()> {
    let world = World::start(MORNING).await?;
    let back = world.customer(&[(PHONE, ZhCn)], true);
    world.customer(&[(OTHER, ZhCn)], false);
    world
        .apply(vec![
            world.incident_changed(),
            world.step("en_route", 4),
            world.etr(Some("2026-11-22T04:00:00Z"), 6),
            world.etr(Some("2026-11-22T05:00:00Z"), 7),
            world.etr(Some("2026-11-22T04:30:00Z"), 5),
        ])
        .await?;
    world
        .wait_for_states("etr", &["queued", "queued", "superseded", "superseded"])
        .await?;
    let step = world.step_of(&[back]);
    world.apply(vec![world.closed(step), world.closed(step)]).await?;
    world.wait_for_states("restored", &["queued"]).await?;
    world
        .wait_for_states("etr", &["queued", "superseded", "superseded", "superseded"])
        .await?;
    world
        .wait_for_states("crew_en_route", &["queued", "superseded"])
        .await?;
    world
        .apply(vec![world.step("arrived", 8), world.etr(None, 9)])
        .await?;
    world.wait_for_states("etr", &["superseded"; 4]).await?;
    world.wait_for_states("crew_en_route", &["superseded"; 2]).await
}

/// At night estimates and "restored" go to reporters at once and to the others at 08:00.
#[tokio::test]
async fn the_night_waits_for_the_morning() -> anyhow::Result<()> {
    let world = World::start(NIGHT).await?;
    let smsc = Smsc::start().await?;
    let reporter = world.customer(&[(PHONE, ZhCn)], true);
    world.customer(&[(OTHER, ZhCn)], false);
    world
        .apply(vec![
            world.incident_changed(),
            world.accepted(Uuid::now_v7(), Some(reporter)),
            world.etr(Some("2026-11-23T03:00:00Z"), 6),
        ])
        .await?;
    let texts = world.texts(&smsc).await?;
    world.round(&texts.sender).await?;
    world.wait_for_states("etr", &["delivered", "queued"]).await?;
    assert!(
        smsc.texts()
            .all()
            .iter()
            .all(|sms| PHONE.ends_with(&sms.destination))
    );
    world.clock.advance(at("2026-11-23T00:00:00Z") - at(NIGHT));
    world.round(&texts.sender).await?;
    world.wait_for_states("etr", &["delivered", "delivered"]).await?;
    texts.stop().await
}

/// An estimate for a version of the incident that is not here, or not in the ledger, is tried again.
#[tokio::test]
async fn what_is_behind_is_waited_for() -> anyhow::Result<()> {
    let world = World::start(MORNING).await?;
    let early = world.notices.prepare(&world.step("en_route", 4)).await;
    assert_eq!(early.err().map(|error| error.code()), Some(Meaning::Unavailable));
    world.apply(vec![world.incident_changed()]).await?;
    let early = world.notices.prepare(&world.step("en_route", 4)).await;
    assert_eq!(early.err().map(|error| error.code()), Some(Meaning::Unavailable));
    world.customer(&[(PHONE, ZhCn)], true);
    assert!(world.notices.prepare(&world.step("en_route", 4)).await.is_ok());
    Ok(())
}

fn request<T>(message: T, claims: Claims) -> Request<T> {
    let mut request = Request::new(message);
    request.extensions_mut().insert(claims);
    request
}

fn person(role: Role, org_path: &str) -> Claims {
    Claims::of(
        "p",
        vec![Grant {
            role,
            org_path: org_path.into(),
        }],
    )
}

/// The desk sees its area, a customer themselves, nobody a number.
#[tokio::test]
async fn messages_are_shown_to_those_they_concern() -> anyhow::Result<()> {
    let world = World::start(MORNING).await?;
    let customer = world.customer(&[(PHONE, ZhCn)], true);
    let another = world.customer(&[(OTHER, ZhCn)], true);
    world
        .apply(vec![world.incident_changed(), world.step("en_route", 4)])
        .await?;
    let list = async |claims: Claims, incident: bool, customer: Option<Uuid>| {
        let wanted = ListMessagesRequest {
            incident_id: if incident {
                world.incident.to_string()
            } else {
                String::new()
            },
            customer_id: customer.map_or(String::new(), |id| id.to_string()),
            page: None,
        };
        let reply = world.api.list_messages(request(wanted, claims)).await;
        reply
            .map(|reply| reply.into_inner().messages)
            .map_err(|status| status.code())
    };
    let all = list(person(Role::Dispatcher, "33"), true, None).await.unwrap();
    let mut shown: Vec<_> = all
        .iter()
        .map(|one| (one.state.as_str(), one.recipient_masked.as_str()))
        .collect();
    shown.sort_unstable();
    assert_eq!(shown, [("queued", "***0001"), ("queued", "***0002")]);
    assert_eq!(
        list(person(Role::Agent, "33/02"), true, None)
            .await
            .unwrap()
            .len(),
        0
    );
    assert_eq!(
        list(person(Role::Agent, ""), false, None).await,
        Err(Code::InvalidArgument)
    );
    assert_eq!(
        list(person(Role::Crew, ""), true, None).await,
        Err(Code::PermissionDenied)
    );
    let mut own = person(Role::Customer, "");
    own.customer_id = Some(customer);
    assert_eq!(list(own.clone(), true, None).await.unwrap().len(), 1);
    assert_eq!(list(own, true, Some(another)).await, Err(Code::PermissionDenied));
    Ok(())
}

/// A code goes out once for one command, for the service access only, and is forgotten when its time is over.
#[tokio::test]
async fn a_code_is_sent_once_and_forgotten() -> anyhow::Result<()> {
    let world = World::start(MORNING).await?;
    let smsc = Smsc::start().await?;
    let customer = world.customer(&[(PHONE, En)], false);
    let contact = world.town.known().contacts[0].contact_id.clone();
    let wanted = SendCodeRequest {
        command_id: Uuid::now_v7().to_string(),
        customer_id: customer.to_string(),
        contact_id: contact,
        code: "482913".into(),
        language: 0,
        expires_at: Some(relight_common::wire::timestamp(
            world.clock.now() + TimeDelta::minutes(5),
        )),
    };
    let send = async |wanted: SendCodeRequest, claims: Claims| {
        let reply = world.api.send_code(request(wanted, claims)).await;
        reply
            .map(|reply| reply.into_inner().message_id)
            .map_err(|status| status.code())
    };
    let access = || Claims::service("access");
    let first = send(wanted.clone(), access()).await;
    assert!(first.is_ok(), "{first:?}");
    assert_eq!(send(wanted.clone(), access()).await, first);
    assert_eq!(
        send(
            SendCodeRequest {
                code: "1".into(),
                ..wanted.clone()
            },
            access()
        )
        .await,
        Err(Code::InvalidArgument)
    );
    assert_eq!(
        send(wanted.clone(), Claims::service("intake")).await,
        Err(Code::PermissionDenied)
    );
    let fresh = || SendCodeRequest {
        command_id: Uuid::now_v7().to_string(),
        ..wanted.clone()
    };
    let stranger = SendCodeRequest {
        contact_id: Uuid::now_v7().to_string(),
        ..fresh()
    };
    assert_eq!(send(stranger, access()).await, Err(Code::NotFound));
    assert_eq!(
        send(
            SendCodeRequest {
                code: "a b".into(),
                ..fresh()
            },
            access()
        )
        .await,
        Err(Code::InvalidArgument)
    );

    let texts = world.texts(&smsc).await?;
    world.round(&texts.sender).await?;
    let seen = smsc.texts().wait_for_count(1).await?;
    assert_eq!(
        (seen.len(), seen[0].text.as_str()),
        (
            1,
            "Demo Electric: your code is 482913, valid for 5 minutes. Tell nobody; our staff never ask for it. Info 95598."
        )
    );
    let rows: String = sqlx::query_scalar("select string_agg(m::text, ' ') from message m")
        .fetch_one(world.db.pool())
        .await?;
    assert!(!rows.contains("482913") && !rows.contains("19900000001"));
    relight_notify::store::message::expire(world.db.pool(), world.clock.now() + TimeDelta::hours(1)).await?;
    let kept: i64 = sqlx::query_scalar("select count(*) from message where sealed <> ''")
        .fetch_one(world.db.pool())
        .await?;
    assert_eq!(kept, 0);
    texts.stop().await
}
