//! What the desk sees: who was told what with what proof, answers a person has to read, contacts of its own area only.

use relight_common::{Claims, Grant, Role};
use relight_proto::{
    common::v1::{Language::En, PageRequest},
    notify::v1::{
        AcknowledgeReplyRequest, ListRepliesRequest, ListToldRequest, ListWrongRequest, ReportWrongRequest,
        ToldMessage, WithdrawWrongRequest, messages_server::Messages, replies_server::Replies,
        report_wrong_request::By, wrong_person_server::WrongPerson,
    },
};
use relight_testkit::smsc::Smsc;
use tonic::{Code, Request};
use uuid::Uuid;

use crate::{
    orders::{member, outage, text},
    world::{MORNING, World},
};

const PHONE: &str = "+8619900000001";
const OTHER: &str = "+8619900000002";
/// Where the customers of the town live, and another area.
const HOME: &str = "33/01";
const AWAY: &str = "33/02";

fn of<T>(message: T, role: Role, org_path: &str) -> Request<T> {
    let mut request = Request::new(message);
    let grant = Grant {
        role,
        org_path: org_path.into(),
    };
    request.extensions_mut().insert(Claims::of("p", vec![grant]));
    request
}

async fn told(
    world: &World,
    wanted: ListToldRequest,
    role: Role,
    org: &str,
) -> Result<Vec<ToldMessage>, Code> {
    let reply = Messages::list(&world.api, of(wanted, role, org)).await;
    reply
        .map(|reply| reply.into_inner().messages)
        .map_err(|status| status.code())
}

/// Whose contact each message went to: the customer's own, or of who stands beside them (O22).
#[tokio::test]
async fn the_desk_sees_carers_and_property_managers_among_those_who_were_told() -> anyhow::Result<()> {
    let world = World::start(MORNING).await?;
    let looked_after = world.customer(&[(PHONE, En)], false);
    world.beside(looked_after, OTHER, "carer");
    world.beside(looked_after, "house@example.org", "property_manager");
    world.beside(looked_after, "friend@example.org", "neighbour");
    let (set, id) = (world.set(vec![member(looked_after)]), Uuid::now_v7());
    world.notify(&[&outage("notice", id, set)]).await?;
    world.wait_for_states("outage_notice", &["queued"; 4]).await?;
    let wanted = ListToldRequest {
        outage_id: id.to_string(),
        ..ListToldRequest::default()
    };
    let all = told(&world, wanted, Role::Agent, HOME)
        .await
        .expect("an agent of the area");
    let mut roles: Vec<(&str, &str)> = all
        .iter()
        .map(|one| {
            (
                one.contact_role.as_str(),
                one.message.as_ref().expect("a message").channel.as_str(),
            )
        })
        .collect();
    roles.sort_unstable();
    let expected = [
        ("carer", "sms"),
        ("customer", "sms"),
        ("other", "email"),
        ("property_manager", "email"),
    ];
    assert_eq!(roles, expected);
    Ok(())
}

/// By outage and by customer, with words and proof; in pages, by state; nothing of another area, and planners see outages
/// only. Every look is in the audit.
#[tokio::test]
async fn the_desk_sees_who_was_told_what_with_what_proof() -> anyhow::Result<()> {
    let world = World::start(MORNING).await?;
    let smsc = Smsc::start().await?;
    let texts = world.texts(&smsc).await?;
    let first = world.customer(&[(PHONE, En)], false);
    let shares = world.customer(&[(PHONE, En)], false);
    let mail = world.customer(&[("reader@example.org", En)], false);
    let (set, id) = (
        world.set(vec![member(first), member(shares), member(mail)]),
        Uuid::now_v7(),
    );
    world.notify(&[&outage("notice", id, set)]).await?;
    let case = Uuid::now_v7();
    world
        .town
        .known()
        .texts
        .insert(case, text(world.clock.now() + chrono::TimeDelta::hours(1)));
    world.apply(vec![world.debt("pre_notice", case, first)]).await?;
    world.round(&texts.sender).await?;
    world
        .wait_for_states("outage_notice", &["queued", "delivered"])
        .await?;

    let of_outage = |state: &str| ListToldRequest {
        outage_id: id.to_string(),
        state: state.into(),
        ..ListToldRequest::default()
    };
    let all = told(&world, of_outage(""), Role::Planner, HOME)
        .await
        .expect("a planner of the area");
    assert_eq!(all.len(), 2);
    let delivered = told(&world, of_outage("delivered"), Role::Agent, "33")
        .await
        .expect("an agent above it");
    assert_eq!(delivered.len(), 1);
    assert_eq!(delivered[0].proof, "receipt");
    assert!(
        delivered[0].text.contains("planned power cut"),
        "{:?}",
        delivered[0]
    );
    assert_eq!(delivered[0].also_told.len(), 1);
    assert_eq!(
        told(&world, of_outage(""), Role::Agent, AWAY).await,
        Ok(vec![]),
        "not their area"
    );
    assert_eq!(
        told(&world, of_outage(""), Role::Crew, HOME).await,
        Err(Code::PermissionDenied)
    );
    assert_eq!(
        told(&world, of_outage("lost"), Role::Agent, HOME).await,
        Err(Code::InvalidArgument)
    );
    assert_eq!(
        told(&world, ListToldRequest::default(), Role::Agent, HOME).await,
        Err(Code::InvalidArgument)
    );

    let of_customer = |customer: Uuid| ListToldRequest {
        customer_id: customer.to_string(),
        ..ListToldRequest::default()
    };
    let both = told(&world, of_customer(first), Role::Agent, HOME)
        .await
        .expect("an agent");
    let other = told(&world, of_customer(shares), Role::Agent, HOME)
        .await
        .expect("an agent");
    assert_eq!(
        both.len() + other.len(),
        3,
        "the shared one is both of theirs: {both:?} {other:?}"
    );
    let planner = told(&world, of_customer(first), Role::Planner, HOME)
        .await
        .expect("a planner");
    assert!(
        planner.iter().all(|one| one.case_id.is_empty()),
        "no debts for planners"
    );

    let mut page = of_outage("");
    page.page = Some(PageRequest {
        size: 1,
        cursor: String::new(),
    });
    let reply = Messages::list(&world.api, of(page.clone(), Role::Agent, HOME))
        .await?
        .into_inner();
    page.page = Some(PageRequest {
        size: 1,
        cursor: reply.next_cursor,
    });
    let rest = Messages::list(&world.api, of(page, Role::Agent, HOME))
        .await?
        .into_inner();
    assert_eq!(reply.messages.len() + rest.messages.len(), 2);
    assert_ne!(reply.messages, rest.messages);
    let looks: i64 = sqlx::query_scalar("select count(*) from audit where action = 'messages.seen'")
        .fetch_one(world.db.pool())
        .await?;
    assert!(looks >= 7, "{looks}");
    texts.stop().await
}

/// "no" and "?" are read by a person of the area, once, and acknowledged by name; a number we never wrote to is nobody's.
#[tokio::test]
async fn an_answer_nobody_understands_reaches_a_person() -> anyhow::Result<()> {
    let world = World::start(MORNING).await?;
    let smsc = Smsc::start().await?;
    let texts = world.texts(&smsc).await?;
    let customer = world.customer(&[(PHONE, En)], false);
    let set = world.set(vec![member(customer)]);
    world.notify(&[&outage("notice", Uuid::now_v7(), set)]).await?;
    world.round(&texts.sender).await?;
    world.wait_for_states("outage_notice", &["delivered"]).await?;
    let settled = smsc.settled().wait_for_count(1).await?.len();
    let words = [
        ("8619900000001", "no"),
        ("8619900000001", "no"),
        ("8619900000001", "?"),
        ("8619900000002", "who is this"),
    ];
    for (n, (from, word)) in words.into_iter().enumerate() {
        smsc.write_to_client(from, "95598", word);
        smsc.settled().wait_for_count(settled + n + 1).await?;
    }
    let list = async |org: &str| {
        let wanted = ListRepliesRequest {
            open: true,
            page: None,
        };
        let reply = Replies::list(&world.api, of(wanted, Role::Agent, org)).await;
        reply.map(|reply| reply.into_inner().replies)
    };
    let open = list(HOME).await?;
    let said: Vec<&str> = open.iter().map(|one| one.said.as_str()).collect();
    assert_eq!(said, ["no", "?"]);
    assert_eq!(open[0].customer_id, customer.to_string());
    assert_eq!(
        (open[0].from_masked.as_str(), open[0].purpose.as_str()),
        ("***0001", "outage_notice")
    );
    assert!(list(AWAY).await?.is_empty());

    let seen = AcknowledgeReplyRequest {
        command_id: Uuid::now_v7().to_string(),
        reply_id: open[0].reply_id.clone(),
        note: "called back".into(),
    };
    let away = Replies::acknowledge(&world.api, of(seen.clone(), Role::Agent, AWAY)).await;
    assert_eq!(
        away.map(drop).map_err(|status| status.code()),
        Err(Code::NotFound)
    );
    let done = Replies::acknowledge(&world.api, of(seen, Role::Agent, HOME))
        .await?
        .into_inner();
    assert_eq!(
        (done.acknowledged_by.as_str(), done.note.as_str()),
        ("p", "called back")
    );
    assert_eq!(list(HOME).await?.len(), 1);
    let stored: Vec<Vec<u8>> = sqlx::query_scalar("select sealed from reply")
        .fetch_all(world.db.pool())
        .await?;
    assert!(
        stored.iter().all(|one| !one.windows(2).any(|pair| pair == b"no")),
        "words lie sealed"
    );
    texts.stop().await
}

/// Whoever is at home in another area is nobody here: not reported, not taken back, not listed.
#[tokio::test]
async fn a_desk_of_another_area_says_nothing_about_a_contact() -> anyhow::Result<()> {
    let world = World::start(MORNING).await?;
    let customer = world.customer(&[(PHONE, En), (OTHER, En)], false);
    let contact = world.town.known().contacts[0].contact_id.clone();
    let report = ReportWrongRequest {
        command_id: Uuid::now_v7().to_string(),
        customer_id: customer.to_string(),
        note: String::new(),
        by: Some(By::ContactId(contact)),
    };
    let code = |status: tonic::Status| status.code();
    let away = world.api.report(of(report.clone(), Role::Agent, AWAY)).await;
    assert_eq!(away.map(drop).map_err(code), Err(Code::NotFound));
    let wrong = world
        .api
        .report(of(report, Role::Agent, HOME))
        .await?
        .into_inner();
    let withdraw = WithdrawWrongRequest {
        command_id: Uuid::now_v7().to_string(),
        wrong_id: wrong.wrong_id,
        reason: "it was the holder".into(),
    };
    let away = world
        .api
        .withdraw(of(withdraw.clone(), Role::Manager, AWAY))
        .await;
    assert_eq!(away.map(drop).map_err(code), Err(Code::NotFound));
    let wanted = || ListWrongRequest {
        customer_id: customer.to_string(),
    };
    let away = WrongPerson::list(&world.api, of(wanted(), Role::Agent, AWAY)).await;
    assert_eq!(away.map(drop).map_err(code), Err(Code::NotFound));
    world.api.withdraw(of(withdraw, Role::Manager, HOME)).await?;
    let listed = WrongPerson::list(&world.api, of(wanted(), Role::Agent, HOME))
        .await?
        .into_inner();
    assert_eq!(listed.contacts.len(), 1);
    // Somebody who is at home nowhere is nobody's.
    world.town.known().at_home.insert(customer, Vec::new());
    let nowhere = WrongPerson::list(&world.api, of(wanted(), Role::Admin, "")).await;
    assert_eq!(nowhere.map(drop).map_err(code), Err(Code::PermissionDenied));
    let nowhere = WrongPerson::list(&world.api, of(wanted(), Role::Agent, "")).await;
    assert_eq!(nowhere.map(drop).map_err(code), Err(Code::NotFound));
    Ok(())
}
