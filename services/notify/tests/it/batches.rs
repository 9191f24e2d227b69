//! Answers and receipts that are written down together: whatever order they come in, and whoever else writes.

use std::time::Duration;

use relight_notify::{
    channel::Outcome,
    desk,
    domain::{delivery::Receipt, notice::Channel, receipt::Told},
    sender::{Job, Provider, record::tray},
    store::attempt::{Answered, Attempt},
    template::Rendered,
};
use relight_proto::common::v1::Language::ZhCn;
use relight_testkit::smsc::Smsc;
use sqlx::{Connection, PgConnection};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::world::{MORNING, World};

/// A provider that takes texts in so many parts and never answers.
struct Mute {
    parts: usize,
}

impl Provider for Mute {
    const CHANNEL: Channel = Channel::Sms;
    const NAME: &'static str = "smpp";
    fn window(&self) -> usize {
        1
    }
    fn segments(&self, _: &Rendered) -> usize {
        self.parts
    }
    async fn ready(&self) {}
    async fn hand_over(&self, _: &Job, _: &Attempt) -> Outcome {
        std::future::pending().await
    }
}

fn phone(number: usize) -> String {
    format!("+86199{number:08}")
}

/// One attempt under way.
#[derive(Debug, Clone, sqlx::FromRow)]
struct UnderWay {
    id: Uuid,
    wire_reference: i32,
    recipient: Vec<u8>,
}

impl UnderWay {
    /// The id the provider gives it.
    fn number(&self) -> String {
        self.id.simple().to_string()
    }

    fn accepted(&self) -> Answered {
        let message_id = self.number();
        Answered {
            id: self.id,
            outcome: Outcome::Accepted { message_id },
        }
    }

    fn told(&self, receipt: Receipt) -> Told {
        Told {
            message_id: Some(relight_notify::channel::smpp::normal_id(&self.number())),
            receipt,
            error: None,
            reference: None,
            recipient: self.recipient.clone(),
        }
    }
}

/// `count` messages to as many people, claimed by a sender that then fell silent, and their attempts in order.
async fn under_way(world: &World, count: usize, parts: usize) -> anyhow::Result<Vec<UnderWay>> {
    for number in 0..count {
        let customer = world.customer(&[(&phone(number), ZhCn)], true);
        let event = world.accepted(Uuid::now_v7(), Some(customer));
        world.apply(vec![event]).await?;
    }
    let mute = world.sender(Mute { parts });
    let claimed = vec!["submitting"; count];
    tokio::select! {
        sent = world.round(&mute) => anyhow::bail!("answered: {sent:?}"),
        claimed = world.wait_for_states("accepted", &claimed) => claimed?,
    }
    sqlx::query("update lease set until = now() - interval '1 second'")
        .execute(world.db.pool())
        .await?;
    let attempts = sqlx::query_as(
        "select a.id, a.wire_reference, m.recipient from attempt a join message m on m.id = a.message_id
         order by a.message_id, a.segment",
    );
    Ok(attempts.fetch_all(world.db.pool()).await?)
}

async fn parked(world: &World) -> anyhow::Result<i64> {
    let count = sqlx::query_scalar("select count(*) from parked_receipt");
    Ok(count.fetch_one(world.db.pool()).await?)
}

/// Both in one batch: what was accepted and what was delivered are one step, and both moments are known.
#[tokio::test]
async fn a_receipt_in_the_batch_of_its_answer_settles_it() -> anyhow::Result<()> {
    let world = World::start(MORNING).await?;
    let all = under_way(&world, 3, 1).await?;
    let answers: Vec<Answered> = all.iter().map(UnderWay::accepted).collect();
    // Out of order, twice, and of one an early word before the last one.
    let told = [
        all[2].told(Receipt::UnderWay),
        all[1].told(Receipt::Lost),
        all[2].told(Receipt::Delivered),
        all[0].told(Receipt::Delivered),
        all[2].told(Receipt::Delivered),
        all[1].told(Receipt::Delivered),
    ];
    let now = world.clock.now();
    desk::settle(&world.db, "smpp", &answers, &told, now).await?;
    world
        .wait_for_states("accepted", &["delivered", "delivered", "failed"])
        .await?;
    let timed: i64 =
        sqlx::query_scalar("select count(*) from message where submitted_at = $1 and delivered_at = $1")
            .bind(now)
            .fetch_one(world.db.pool())
            .await?;
    assert_eq!((timed, parked(&world).await?), (2, 0));
    // The whole batch again, as from a provider that lost our acknowledgements.
    desk::settle(&world.db, "smpp", &answers, &told, now).await?;
    world
        .wait_for_states("accepted", &["delivered", "delivered", "failed"])
        .await?;
    assert_eq!(parked(&world).await?, 0);
    Ok(())
}

/// Receipts first: they wait, once each, and the batch with the answers lets all of them in.
#[tokio::test]
async fn receipts_of_an_earlier_batch_wait_for_their_answers() -> anyhow::Result<()> {
    let world = World::start(MORNING).await?;
    let all = under_way(&world, 3, 1).await?;
    let told: Vec<Told> = all
        .iter()
        .chain(&all)
        .map(|one| one.told(Receipt::Delivered))
        .collect();
    let now = world.clock.now();
    desk::settle(&world.db, "smpp", &[], &told, now).await?;
    assert_eq!(parked(&world).await?, 3);
    let answers: Vec<Answered> = all[..2].iter().map(UnderWay::accepted).collect();
    desk::settle(&world.db, "smpp", &answers, &[], now).await?;
    world
        .wait_for_states("accepted", &["delivered", "delivered", "submitting"])
        .await?;
    assert_eq!(parked(&world).await?, 1, "the third has no answer yet");

    // Its connection breaks: the receipt carries our reference, so it counts all the same.
    sqlx::query("update parked_receipt set wire_reference = $1")
        .bind(all[2].wire_reference)
        .execute(world.db.pool())
        .await?;
    let unknown = Answered {
        id: all[2].id,
        outcome: Outcome::Unknown("test"),
    };
    desk::settle(&world.db, "smpp", &[unknown], &[], now).await?;
    world.wait_for_states("accepted", &["delivered"; 3]).await?;
    assert_eq!(parked(&world).await?, 0);
    Ok(())
}

/// The sender dies before the answer is written down, and the receipt is there already: it counts as soon as the attempt
/// is known to be nobody's.
#[tokio::test]
async fn a_receipt_outlives_the_sender() -> anyhow::Result<()> {
    let world = World::start(MORNING).await?;
    let (all, now) = (under_way(&world, 2, 1).await?, world.clock.now());
    let told = all.iter().map(|one| Told {
        reference: Some(one.wire_reference),
        ..one.told(Receipt::Delivered)
    });
    desk::settle(&world.db, "smpp", &[], &told.collect::<Vec<_>>(), now).await?;
    world.wait_for_states("accepted", &["submitting"; 2]).await?;
    assert_eq!(desk::orphans(&world.db, "smpp", now).await?, 2);
    desk::match_parked(&world.db, "smpp", now).await?;
    world.wait_for_states("accepted", &["delivered"; 2]).await?;
    assert_eq!(parked(&world).await?, 0);
    Ok(())
}

/// The last words about two parts of one text in one batch; and of another text one part is lost.
#[tokio::test]
async fn parts_that_finish_in_one_batch_finish_their_message() -> anyhow::Result<()> {
    let world = World::start(MORNING).await?;
    let all = under_way(&world, 2, 2).await?;
    let now = world.clock.now();
    let first: Vec<Answered> = [&all[0], &all[2]].map(UnderWay::accepted).into();
    let told = [all[0].told(Receipt::Delivered)];
    desk::settle(&world.db, "smpp", &first, &told, now).await?;
    world.wait_for_states("accepted", &["submitting"; 2]).await?;
    let second: Vec<Answered> = [&all[1], &all[3]].map(UnderWay::accepted).into();
    let told = [
        all[3].told(Receipt::Lost),
        all[1].told(Receipt::Delivered),
        all[2].told(Receipt::Delivered),
    ];
    desk::settle(&world.db, "smpp", &second, &told, now).await?;
    world.wait_for_states("accepted", &["delivered", "failed"]).await
}

/// One process writes the answers, another the receipts, from opposite ends: no receipt is left waiting, nobody waits in
/// a circle.
#[tokio::test]
async fn two_processes_write_about_the_same_messages() -> anyhow::Result<()> {
    let world = World::start(MORNING).await?;
    let (all, other) = (under_way(&world, 40, 1).await?, world.db.another().await?);
    let now = world.clock.now();
    let answers: Vec<Answered> = all.iter().map(UnderWay::accepted).collect();
    let told: Vec<Told> = all.iter().rev().map(|one| one.told(Receipt::Delivered)).collect();
    let answer = async {
        for some in answers.chunks(3) {
            desk::settle(&world.db, "smpp", some, &[], now).await?;
        }
        anyhow::Ok(())
    };
    let tell = async {
        for some in told.chunks(3) {
            desk::settle(&other, "smpp", &[], some, now).await?;
        }
        anyhow::Ok(())
    };
    tokio::try_join!(answer, tell)?;
    world.wait_for_states("accepted", &["delivered"; 40]).await?;
    assert_eq!(parked(&world).await?, 0);
    Ok(())
}

/// Two senders that both believe to hold the lease: every text leaves once.
#[tokio::test]
async fn two_senders_send_every_text_once() -> anyhow::Result<()> {
    let (world, smsc) = (World::start(MORNING).await?, Smsc::start().await?);
    for number in 0..20 {
        let customer = world.customer(&[(&phone(number), ZhCn)], true);
        let event = world.accepted(Uuid::now_v7(), Some(customer));
        world.apply(vec![event]).await?;
    }
    let (one, two, lease) = (
        world.texts(&smsc).await?,
        world.texts(&smsc).await?,
        world.lease().await?,
    );
    tokio::try_join!(
        one.sender.round(&lease, &one.tray),
        two.sender.round(&lease, &two.tray)
    )?;
    world.wait_for_states("accepted", &["delivered"; 20]).await?;
    assert_eq!(smsc.submits().all().len(), 20);
    one.stop().await?;
    two.stop().await
}

/// The provider keeps a receipt until it is committed: while it cannot be, it hears nothing.
#[tokio::test]
async fn a_receipt_is_acknowledged_after_its_commit() -> anyhow::Result<()> {
    let (world, smsc) = (World::start(MORNING).await?, Smsc::start().await?);
    let texts = world.texts(&smsc).await?;
    let mut owner = PgConnection::connect_with(&world.db.owner()).await?;
    // A sequence counts the tries: it does not roll back.
    sqlx::raw_sql(
        "create sequence notify.tries; grant usage on sequence notify.tries to public;
         create function notify.refuse() returns trigger language plpgsql as
             $$ begin perform nextval('notify.tries'); raise exception 'not now'; end $$;
         create trigger refuse before update of receipt_state on notify.attempt
             for each row execute function notify.refuse();
         create trigger refuse before insert on notify.parked_receipt
             for each row execute function notify.refuse()",
    )
    .execute(&mut owner)
    .await?;
    let customer = world.customer(&[(&phone(1), ZhCn)], true);
    let event = world.accepted(Uuid::now_v7(), Some(customer));
    world.apply(vec![event]).await?;
    world.round(&texts.sender).await?;
    let mut ticks = tokio::time::interval(Duration::from_millis(10));
    let tried = "select is_called from notify.tries";
    let bound = tokio::time::Instant::now() + Duration::from_secs(20);
    while !sqlx::query_scalar::<_, bool>(tried).fetch_one(&mut owner).await? {
        anyhow::ensure!(tokio::time::Instant::now() < bound, "no receipt came");
        ticks.tick().await;
    }
    world.wait_for_states("accepted", &["submitted"]).await?;
    assert!(smsc.settled().all().is_empty());

    sqlx::raw_sql("drop trigger refuse on notify.attempt; drop trigger refuse on notify.parked_receipt")
        .execute(&mut owner)
        .await?;
    assert_eq!(smsc.settled().wait_for_count(1).await?[0].status, 0);
    world.wait_for_states("accepted", &["delivered"]).await?;
    texts.stop().await
}

/// A sender that runs is woken by what its process writes, and all that is on its way is written down when it ends.
#[tokio::test]
async fn a_sender_that_ends_leaves_nothing_half_written() -> anyhow::Result<()> {
    let (world, smsc) = (World::start(MORNING).await?, Smsc::start().await?);
    smsc.receipt_copies(0);
    let (texts, lease, ended) = (
        world.texts(&smsc).await?,
        world.lease().await?,
        CancellationToken::new(),
    );
    let (recorder, (tray, news)) = (world.recorder("smpp"), tray());
    let send = async {
        texts.sender.run(&lease, &tray, &ended).await;
        drop(tray);
    };
    let live = async {
        let customer = world.customer(&[(&phone(1), ZhCn)], true);
        let event = world.accepted(Uuid::now_v7(), Some(customer));
        smsc.hold_answers();
        world.apply(vec![event]).await?;
        smsc.submits().wait_for_count(1).await?;
        ended.cancel();
        smsc.release_answers();
        anyhow::Ok(())
    };
    let (_, (), lived) = tokio::join!(send, recorder.run(news, &ended), live);
    lived?;
    world.wait_for_states("accepted", &["submitted"]).await?;
    texts.stop().await
}
