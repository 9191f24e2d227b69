//! From the claim to the receipt: what a provider answers, or does not.

use chrono::TimeDelta;
use relight_notify::{
    channel::Outcome,
    desk,
    domain::{delivery::Receipt, notice::Channel, receipt::Told},
    sender::{Job, Provider},
    store::attempt::{Answered, Attempt},
    template::Rendered,
};
use relight_proto::common::v1::Language::ZhCn;
use relight_testkit::smsc::{Fate, Smsc};
use uuid::Uuid;

use crate::world::{MORNING, World};

const PHONE: &str = "+8619900000001";
const OTHER: &str = "+8619900000002";

/// A provider whose answer never comes.
#[derive(Debug)]
pub(crate) struct Silent;

impl Provider for Silent {
    const CHANNEL: Channel = Channel::Sms;
    const NAME: &'static str = "smpp";
    fn window(&self) -> usize {
        1
    }
    fn segments(&self, _: &Rendered) -> usize {
        1
    }
    async fn ready(&self) {}
    async fn hand_over(&self, _: &Job, _: &Attempt) -> Outcome {
        std::future::pending().await
    }
}

/// A sender dies between claim and record: the next one calls it unknown, sends nothing, and a receipt settles it.
#[tokio::test]
async fn what_a_dead_sender_left_is_unknown_and_never_sent_again() -> anyhow::Result<()> {
    let world = World::start(MORNING).await?;
    let smsc = Smsc::start().await?;
    let customer = world.customer(&[(PHONE, ZhCn)], true);
    world
        .apply(vec![world.accepted(Uuid::now_v7(), Some(customer))])
        .await?;
    let silent = world.sender(Silent);
    tokio::select! {
        sent = world.round(&silent) => anyhow::bail!("answered: {sent:?}"),
        claimed = world.wait_for_states("accepted", &["submitting"]) => claimed?,
    }
    sqlx::query("update lease set until = now() - interval '1 second'")
        .execute(world.db.pool())
        .await?;

    let texts = world.texts(&smsc).await?;
    assert_eq!(desk::orphans(&world.db, "smpp", world.clock.now()).await?, 1);
    assert_eq!(world.round(&texts.sender).await?, 0);
    world.wait_for_states("accepted", &["unknown"]).await?;
    assert!(smsc.submits().all().is_empty());

    let (_, reference) = attempt(&world).await?;
    let told = Told {
        reference: Some(reference),
        ..world.delivered(PHONE, "77")
    };
    desk::settle(&world.db, "smpp", &[], &[told], world.clock.now()).await?;
    world.wait_for_states("accepted", &["delivered"]).await?;
    texts.stop().await
}

/// The only attempt: its id and its reference on the wire.
pub(crate) async fn attempt(world: &World) -> anyhow::Result<(Uuid, i32)> {
    Ok(sqlx::query_as("select id, wire_reference from attempt")
        .fetch_one(world.db.pool())
        .await?)
}

/// A receipt is stored before the answer to its submit: it waits for it, also when it comes twice.
#[tokio::test]
async fn a_receipt_before_the_answer_waits_for_it() -> anyhow::Result<()> {
    let world = World::start(MORNING).await?;
    let customer = world.customer(&[(PHONE, ZhCn)], true);
    world
        .apply(vec![world.accepted(Uuid::now_v7(), Some(customer))])
        .await?;
    let silent = world.sender(Silent);
    tokio::select! {
        sent = world.round(&silent) => anyhow::bail!("answered: {sent:?}"),
        claimed = world.wait_for_states("accepted", &["submitting"]) => claimed?,
    }
    let (id, _) = attempt(&world).await?;
    let told = |number: &str| world.delivered(number, "ab001");
    let now = world.clock.now();
    desk::settle(&world.db, "smpp", &[], &[told(PHONE), told(PHONE)], now).await?;
    world.wait_for_states("accepted", &["submitting"]).await?;
    let outcome = Outcome::Accepted {
        message_id: "000AB001".into(),
    };
    desk::settle(&world.db, "smpp", &[Answered { id, outcome }], &[], now).await?;
    world.wait_for_states("accepted", &["delivered"]).await?;
    let parked: i64 = sqlx::query_scalar("select count(*) from parked_receipt")
        .fetch_one(world.db.pool())
        .await?;
    assert_eq!(parked, 0);

    // A receipt in decimal for somebody else's message of the same number matches nothing.
    let mut other = told(OTHER);
    other.message_id = Some(u64::from_str_radix("ab001", 16)?.to_string());
    other.receipt = Receipt::Lost;
    desk::settle(&world.db, "smpp", &[], &[other], now).await?;
    world.wait_for_states("accepted", &["delivered"]).await
}

/// Receipts that come before and long after the answer, over the wire.
#[tokio::test]
async fn receipts_settle_messages() -> anyhow::Result<()> {
    let world = World::start(MORNING).await?;
    let smsc = Smsc::start().await?;
    let customer = world.customer(&[(PHONE, ZhCn)], true);
    let texts = world.texts(&smsc).await?;
    smsc.receipt_first(true);
    world
        .apply(vec![world.accepted(Uuid::now_v7(), Some(customer))])
        .await?;
    world.round(&texts.sender).await?;
    world.wait_for_states("accepted", &["delivered"]).await?;
    smsc.receipt_first(false);
    smsc.receipts_say(Fate::Undeliverable);
    world
        .apply(vec![world.accepted(Uuid::now_v7(), Some(customer))])
        .await?;
    world.round(&texts.sender).await?;
    world
        .wait_for_states("accepted", &["delivered", "failed"])
        .await?;
    assert_eq!(
        smsc.settled()
            .wait_for_count(2)
            .await?
            .iter()
            .filter(|one| one.status == 0)
            .count(),
        2
    );
    texts.stop().await
}

/// A passing refusal is tried again later, a final one is not, and after its time nothing is.
#[tokio::test]
async fn refusals_are_repeated_while_it_is_worth_it() -> anyhow::Result<()> {
    let world = World::start(MORNING).await?;
    let smsc = Smsc::start().await?;
    let customer = world.customer(&[(PHONE, ZhCn)], true);
    let texts = world.texts(&smsc).await?;
    world
        .apply(vec![world.accepted(Uuid::now_v7(), Some(customer))])
        .await?;
    smsc.refuse_next(1, 0x08);
    world.round(&texts.sender).await?;
    world.wait_for_states("accepted", &["queued"]).await?;
    assert_eq!(world.round(&texts.sender).await?, 0, "not before its time");
    world.clock.advance(TimeDelta::seconds(7));
    world.round(&texts.sender).await?;
    world.wait_for_states("accepted", &["delivered"]).await?;
    assert_eq!(smsc.texts().all().len(), 1);

    world
        .apply(vec![world.accepted(Uuid::now_v7(), Some(customer))])
        .await?;
    smsc.refuse_next(1, 0x0b);
    world.round(&texts.sender).await?;
    world
        .wait_for_states("accepted", &["delivered", "failed"])
        .await?;

    world
        .apply(vec![world.accepted(Uuid::now_v7(), Some(customer))])
        .await?;
    world.clock.advance(TimeDelta::hours(7));
    world.round(&texts.sender).await?;
    world
        .wait_for_states("accepted", &["delivered", "expired", "failed"])
        .await?;
    assert_eq!(smsc.texts().all().len(), 1);
    texts.stop().await
}

/// A provider that answers as told and keeps what it was handed.
#[derive(Debug)]
struct Scripted {
    answers: std::sync::Mutex<Vec<Outcome>>,
    handed: std::sync::Mutex<Vec<i16>>,
}

impl Provider for Scripted {
    const CHANNEL: Channel = Channel::Sms;
    const NAME: &'static str = "smpp";
    fn window(&self) -> usize {
        1
    }
    fn segments(&self, _: &Rendered) -> usize {
        4
    }
    async fn ready(&self) {}
    async fn hand_over(&self, _: &Job, attempt: &Attempt) -> Outcome {
        self.handed
            .lock()
            .expect("no test panicked with it")
            .push(attempt.segment);
        self.answers.lock().expect("no test panicked with it").remove(0)
    }
}

/// A part that did not leave goes again, those before it do not; those behind it waited.
#[tokio::test]
async fn only_missing_parts_are_sent_again() -> anyhow::Result<()> {
    let world = World::start(MORNING).await?;
    let customer = world.customer(&[(PHONE, ZhCn)], true);
    world
        .apply(vec![world.accepted(Uuid::now_v7(), Some(customer))])
        .await?;
    let taken = |id: &str| Outcome::Accepted {
        message_id: id.into(),
    };
    let answers = vec![
        taken("a1"),
        Outcome::Unsent("test"),
        taken("a2"),
        taken("a3"),
        taken("a4"),
    ];
    let scripted = Scripted {
        answers: std::sync::Mutex::new(answers),
        handed: std::sync::Mutex::default(),
    };
    let sender = world.sender(scripted);
    world.round(&sender).await?;
    world.wait_for_states("accepted", &["queued"]).await?;
    world.clock.advance(TimeDelta::seconds(7));
    world.round(&sender).await?;
    world.wait_for_states("accepted", &["submitted"]).await?;
    assert_eq!(*sender.provider.handed.lock().unwrap(), [0, 1, 1, 2, 3]);

    let told = |id: &str| world.delivered(PHONE, id);
    let now = world.clock.now();
    desk::settle(&world.db, "smpp", &[], &[told("a4"), told("a1"), told("a3")], now).await?;
    world.wait_for_states("accepted", &["submitted"]).await?;
    desk::settle(&world.db, "smpp", &[], &[told("a2")], now).await?;
    world.wait_for_states("accepted", &["delivered"]).await
}
