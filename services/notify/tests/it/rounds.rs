//! A second channel when the first did not reach somebody in time: once, and never for who may have it already.

use chrono::TimeDelta;
use relight_common::reconcile::Reconciler;
use relight_notify::reconcile::Keeper;
use relight_proto::{common::v1::Language::En, registry::v1::Member};
use relight_testkit::{
    smsc::{Fate, Smsc},
    smtp::SmtpSink,
};
use uuid::Uuid;

use crate::{
    orders::{member, outage},
    world::{MORNING, World},
};

const PHONE: &str = "+8619900000001";
const OTHER: &str = "+8619900000002";
const THIRD: &str = "+8619900000003";
const MAIL: &str = "reader@example.org";

impl World {
    /// What the house keeper does some time later.
    async fn later(&self, hours: i64) -> anyhow::Result<()> {
        self.clock.advance(TimeDelta::hours(hours));
        Keeper.pass(&self.db, self.clock.now()).await?;
        Ok(())
    }

    async fn reminded(&self, members: Vec<Member>) -> anyhow::Result<()> {
        let set = self.set(members);
        self.notify(&[&outage("reminder", Uuid::now_v7(), set)]).await
    }
}

/// A text that cannot be delivered is followed by mail at the deadline, once; a text that arrived is not.
#[tokio::test]
async fn who_was_not_reached_by_text_gets_mail_once() -> anyhow::Result<()> {
    let world = World::start(MORNING).await?;
    let (smsc, sink) = (Smsc::start().await?, SmtpSink::start().await?);
    let lost = world.customer(&[(PHONE, En), (MAIL, En)], false);
    let only_mail = world.customer(&[("only@example.org", En)], false);
    world.reminded(vec![member(lost), member(only_mail)]).await?;
    world
        .wait_for_states("outage_reminder", &["held", "queued", "queued"])
        .await?;
    let (texts, mails) = (world.texts(&smsc).await?, world.mails(&sink)?);
    smsc.receipts_say(Fate::Undeliverable);
    world.round(&texts.sender).await?;
    world.round(&mails).await?;
    world
        .wait_for_states("outage_reminder", &["held", "submitted", "failed"])
        .await?;
    world.later(1).await?;
    world
        .wait_for_states("outage_reminder", &["held", "submitted", "failed"])
        .await?;
    world.later(1).await?;
    world.round(&mails).await?;
    world
        .wait_for_states("outage_reminder", &["submitted", "submitted", "failed"])
        .await?;
    world.later(12).await?;
    world.round(&mails).await?;
    let to: Vec<String> = sink.mails().all().into_iter().flat_map(|mail| mail.to).collect();
    assert_eq!(to.len(), 2, "{to:?}");
    texts.stop().await
}

/// Delivered, and handed over without a receipt: both may be with the person, so nobody is told twice.
#[tokio::test]
async fn who_has_the_text_or_may_have_it_gets_no_mail() -> anyhow::Result<()> {
    for (fate, first) in [(Fate::Delivered, "delivered"), (Fate::Enroute, "submitted")] {
        let world = World::start(MORNING).await?;
        let (smsc, sink) = (Smsc::start().await?, SmtpSink::start().await?);
        let customer = world.customer(&[(PHONE, En), (MAIL, En)], false);
        world.reminded(vec![member(customer)]).await?;
        let (texts, mails) = (world.texts(&smsc).await?, world.mails(&sink)?);
        smsc.receipts_say(fate);
        world.round(&texts.sender).await?;
        world.wait_for_states("outage_reminder", &["held", first]).await?;
        world.later(2).await?;
        world.round(&mails).await?;
        world
            .wait_for_states("outage_reminder", &["spared", first])
            .await?;
        assert!(sink.mails().all().is_empty());
        texts.stop().await?;
    }
    Ok(())
}

/// A text that never left is taken back when the mail goes; who shares a phone is looked at by themselves; important
/// customers and those whose life hangs on supply hear it on every channel at once.
#[tokio::test]
async fn a_text_that_never_left_is_not_sent_after_the_mail() -> anyhow::Result<()> {
    let world = World::start(MORNING).await?;
    let sink = SmtpSink::start().await?;
    let waiting = world.customer(&[(PHONE, En), (MAIL, En)], false);
    let important = world.customer(&[(OTHER, En), ("board@example.org", En)], false);
    let fragile = world.customer(&[(THIRD, En), ("home@example.org", En)], false);
    world
        .reminded(vec![
            member(waiting),
            Member {
                important: true,
                ..member(important)
            },
            Member {
                life_support: true,
                ..member(fragile)
            },
        ])
        .await?;
    let mails = world.mails(&sink)?;
    world.round(&mails).await?;
    assert_eq!(sink.mails().all().len(), 2, "at once for those who must not wait");
    world.later(2).await?;
    world.round(&mails).await?;
    assert_eq!(sink.mails().all().len(), 3);
    world
        .wait_for_states(
            "outage_reminder",
            &[
                "submitted",
                "submitted",
                "submitted",
                "queued",
                "queued",
                "superseded",
            ],
        )
        .await
}

/// Newer news takes back what is held, too.
#[tokio::test]
async fn a_cancelled_outage_has_no_second_round() -> anyhow::Result<()> {
    let world = World::start(MORNING).await?;
    let customer = world.customer(&[(PHONE, En), (MAIL, En)], false);
    let (set, id) = (world.set(vec![member(customer)]), Uuid::now_v7());
    world.notify(&[&outage("reminder", id, set)]).await?;
    world.notify(&[&outage("cancelled", id, set)]).await?;
    world
        .wait_for_states("outage_reminder", &["superseded", "superseded"])
        .await?;
    world.later(3).await?;
    world
        .wait_for_states("outage_reminder", &["superseded", "superseded"])
        .await
}
