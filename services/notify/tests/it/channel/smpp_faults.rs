//! Providers that throttle, refuse, stall and break off.

use crate::given::{self, Bound};
use relight_notify::channel::smpp::Inbound;
use relight_notify::channel::{Outcome, Refusal};
use relight_testkit::smsc::Smsc;
use std::collections::HashSet;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::Instant;

#[tokio::test]
async fn a_throttled_bind_pauses_and_then_goes_on() -> anyhow::Result<()> {
    let smsc = Smsc::start().await?;
    let pause = Duration::from_millis(300);
    let bound = Bound::with(smsc.addr(), |config| config.throttle_pause = pause).await?;
    for (number, status) in [(1, 0x58), (2, 0x14)] {
        smsc.refuse_next(1, status);
        let refused = bound.client.submit(&given::submit(number)?).await;
        assert_eq!(
            refused,
            Outcome::Refused {
                status,
                refusal: Refusal::Throttled
            }
        );

        let before = Instant::now();
        let next = bound.client.submit(&given::submit(number + 10)?).await;
        assert!(matches!(next, Outcome::Accepted { .. }), "{next:?}");
        assert!(
            before.elapsed() >= pause - Duration::from_millis(20),
            "{:?}",
            before.elapsed()
        );
    }
    assert_eq!(smsc.submits().all().len(), 4);
    bound.stop().await
}

#[tokio::test]
async fn refusals_keep_their_meaning() -> anyhow::Result<()> {
    let smsc = Smsc::start().await?;
    let bound = Bound::to(smsc.addr()).await?;
    let table = [
        (0x0b, Refusal::Permanent),
        (0x08, Refusal::Transient),
        (0x0455, Refusal::Transient),
    ];
    for (number, (status, refusal)) in (1..).zip(table) {
        smsc.refuse_next(1, status);
        let outcome = bound.client.submit(&given::submit(number)?).await;
        assert_eq!(outcome, Outcome::Refused { status, refusal });
    }
    bound.stop().await
}

#[tokio::test]
async fn no_more_than_the_window_is_unanswered() -> anyhow::Result<()> {
    let smsc = Smsc::start().await?;
    smsc.hold_answers();
    let bound = Bound::with(smsc.addr(), |config| config.window = 3).await?;
    let mut submits = JoinSet::new();
    for number in 0..20 {
        let (client, submit) = (bound.client.clone(), given::submit(number)?);
        submits.spawn(async move { client.submit(&submit).await });
    }
    smsc.submits().wait_for_count(3).await?;
    smsc.answer_after(Duration::from_millis(5));
    smsc.release_answers();
    let outcomes = submits.join_all().await;
    assert!(
        outcomes
            .iter()
            .all(|outcome| matches!(outcome, Outcome::Accepted { .. }))
    );
    assert_eq!(smsc.unanswered_max(), 3);
    assert_eq!(smsc.submits().all().len(), 20);
    bound.stop().await
}

/// The heart of it: whoever was on the wire is `Unknown`, whoever was not goes out once, and nothing goes out twice.
#[tokio::test]
async fn a_connection_cut_in_mid_window_doubles_nothing() -> anyhow::Result<()> {
    let smsc = Smsc::start().await?;
    smsc.hold_answers();
    let bound = Bound::with(smsc.addr(), |config| config.window = 4).await?;
    let mut submits = JoinSet::new();
    for number in 0..10 {
        let (client, submit) = (bound.client.clone(), given::submit(number)?);
        submits.spawn(async move { client.submit(&submit).await });
    }
    smsc.submits().wait_for_count(4).await?;
    smsc.release_answers_after_cut();

    let outcomes = submits.join_all().await;
    let unknown = outcomes
        .iter()
        .filter(|outcome| matches!(outcome, Outcome::Unknown(_)))
        .count();
    let accepted = outcomes
        .iter()
        .filter(|outcome| matches!(outcome, Outcome::Accepted { .. }))
        .count();
    assert_eq!((unknown, accepted), (4, 6), "{outcomes:?}");
    let sent = smsc.submits().all();
    let different: HashSet<_> = sent.iter().map(|submit| submit.destination.clone()).collect();
    assert_eq!((sent.len(), different.len()), (10, 10));
    assert_eq!(sent.iter().filter(|submit| submit.connection == 1).count(), 4);
    bound.stop().await
}

/// The provider reads a submit and breaks off before answering.
#[tokio::test]
async fn a_submit_read_but_never_answered_is_unknown() -> anyhow::Result<()> {
    let smsc = Smsc::start().await?;
    smsc.drop_after(1);
    let bound = Bound::to(smsc.addr()).await?;
    assert!(matches!(
        bound.client.submit(&given::submit(1)?).await,
        Outcome::Unknown(_)
    ));
    assert!(matches!(
        bound.client.submit(&given::submit(2)?).await,
        Outcome::Accepted { .. }
    ));
    assert_eq!(smsc.submits().all().len(), 2);
    bound.stop().await
}

/// The id of a message given up as `Unknown` is learned when the provider answers after all.
#[tokio::test]
async fn a_late_answer_is_not_lost() -> anyhow::Result<()> {
    let smsc = Smsc::start().await?;
    smsc.hold_answers();
    smsc.receipt_copies(0);
    let mut bound = Bound::with(smsc.addr(), |config| {
        config.response_timeout = Duration::from_millis(200)
    })
    .await?;
    let attempt = given::attempt(1);
    assert!(matches!(
        bound.client.submit(&given::submit(1)?).await,
        Outcome::Unknown(_)
    ));
    smsc.release_answers();
    let Some(Inbound::Late {
        attempt: late,
        outcome,
    }) = bound.inbound().await
    else {
        anyhow::bail!("no answer")
    };
    assert_eq!(late, attempt);
    assert!(matches!(outcome, Outcome::Accepted { .. }));
    assert_eq!(smsc.submits().all().len(), 1);
    bound.stop().await
}

/// A caller that gives up after the write does not take the place in the window with it, nor the answer.
#[tokio::test]
async fn a_caller_that_goes_away_leaves_the_answer_to_the_owner() -> anyhow::Result<()> {
    let smsc = Smsc::start().await?;
    smsc.hold_answers();
    smsc.receipt_copies(0);
    let mut bound = Bound::with(smsc.addr(), |config| config.window = 1).await?;
    let (client, submit) = (bound.client.clone(), given::submit(1)?);
    let caller = tokio::spawn(async move { client.submit(&submit).await });
    smsc.submits().wait_for_count(1).await?;
    caller.abort();
    assert!(caller.await.is_err_and(|error| error.is_cancelled()));
    smsc.release_answers();
    let Some(Inbound::Late { attempt, .. }) = bound.inbound().await else {
        anyhow::bail!("no answer")
    };
    assert_eq!(attempt, given::attempt(1));
    assert!(matches!(
        bound.client.submit(&given::submit(2)?).await,
        Outcome::Accepted { .. }
    ));
    bound.stop().await
}

#[tokio::test]
async fn without_a_provider_nothing_is_sent_and_that_is_certain() -> anyhow::Result<()> {
    let smsc = Smsc::start().await?;
    smsc.refuse_binds(u32::MAX);
    let bound = Bound::unbound(smsc.addr(), |config| {
        config.queue_timeout = Duration::from_millis(100)
    })?;
    let outcome = bound.client.submit(&given::submit(1)?).await;
    assert_eq!(outcome, Outcome::Unsent("no bound connection had room in time"));
    assert_eq!(smsc.submits().all().len(), 0);

    smsc.refuse_binds(0);
    assert!(bound.client.bound().await);
    assert!(matches!(
        bound.client.submit(&given::submit(2)?).await,
        Outcome::Accepted { .. }
    ));
    bound.stop().await
}

/// A submit given up while it waited for its turn is never written later.
#[tokio::test]
async fn a_submit_that_found_no_room_is_never_sent() -> anyhow::Result<()> {
    let smsc = Smsc::start().await?;
    smsc.hold_answers();
    let bound = Bound::with(smsc.addr(), |config| {
        config.window = 1;
        config.queue_timeout = Duration::from_millis(100);
    })
    .await?;
    let (client, first) = (bound.client.clone(), given::submit(1)?);
    let under_way = tokio::spawn(async move { client.submit(&first).await });
    smsc.submits().wait_for_count(1).await?;
    assert!(matches!(
        bound.client.submit(&given::submit(2)?).await,
        Outcome::Unsent(_)
    ));
    smsc.release_answers();
    assert!(matches!(under_way.await?, Outcome::Accepted { .. }));
    assert!(matches!(
        bound.client.submit(&given::submit(3)?).await,
        Outcome::Accepted { .. }
    ));
    let sent: Vec<_> = smsc
        .submits()
        .all()
        .into_iter()
        .map(|submit| submit.reference)
        .collect();
    assert_eq!(sent, [Some(given::reference(1)), Some(given::reference(3))]);
    bound.stop().await
}

/// A peer that has gone silent without closing is noticed.
#[tokio::test]
async fn a_silent_provider_is_left_and_bound_again() -> anyhow::Result<()> {
    let silent = given::Silent::start().await?;
    let bound = Bound::unbound(silent.addr, |config| {
        config.enquire_after = Duration::from_millis(100);
        config.response_timeout = Duration::from_millis(100);
    })?;
    silent.wait_for_binds(2).await?;
    bound.stop().await
}
