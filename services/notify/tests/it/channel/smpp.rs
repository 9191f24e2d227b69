//! Texts that go well, and what the provider tells us about them.

use crate::given::{self, Bound};
use relight_notify::channel::Outcome;
use relight_notify::channel::smpp::{Address, Inbound, State, Submit, lookup_ids, normal_id, wire_reference};
use relight_notify::channel::sms::{Reference, segment};
use relight_testkit::smsc::{Fate, ReceiptForm, Smsc};
use std::time::Duration;
use uuid::Uuid;

/// The parts leave one by one and the phone sees one text.
#[tokio::test]
async fn a_text_in_two_parts_arrives_whole() -> anyhow::Result<()> {
    let smsc = Smsc::start().await?;
    let bound = Bound::to(smsc.addr()).await?;
    let text = "停电通知：您所在的区域因线路检修停电，预计恢复时间为今天18:30。".repeat(3);
    let parts = segment(&text, Reference::Short(77))?;
    assert_eq!(parts.len(), 2);

    let (from, to) = (Address::sender("95598")?, Address::number("+8613800138000")?);
    for part in &parts {
        let submit = Submit::new(Uuid::now_v7(), &from, &to, part, Some(Duration::from_secs(3_600)))?;
        assert!(matches!(
            bound.client.submit(&submit).await,
            Outcome::Accepted { .. }
        ));
    }

    let texts = smsc.texts().wait_for_count(1).await?;
    assert_eq!((texts[0].text.as_str(), texts[0].parts), (text.as_str(), 2));
    assert_eq!(
        (texts[0].source.as_str(), texts[0].destination.as_str()),
        ("95598", "8613800138000")
    );
    bound.stop().await
}

/// Alphabet, header and flags are read the same way by a codec that is not ours.
#[tokio::test]
async fn a_submit_says_on_the_wire_what_was_meant() -> anyhow::Result<()> {
    let smsc = Smsc::start().await?;
    let bound = Bound::to(smsc.addr()).await?;
    let text = "Power is off [Main St]: {A|B} ~5 € \\ ^ @£$ äöüß ÆØ ΔΦΩ ñ¿¡§¤";
    let attempt = Uuid::now_v7();
    let parts = segment(text, Reference::Short(1))?;
    let (from, to) = (Address::sender("RELIGHT")?, Address::number("+447700900123")?);
    bound
        .client
        .submit(&Submit::new(
            attempt,
            &from,
            &to,
            &parts[0],
            Some(Duration::from_secs(90)),
        )?)
        .await;

    let submit = &smsc.submits().wait_for_count(1).await?[0];
    assert_eq!(
        (submit.esm_class, submit.data_coding, submit.registered_delivery),
        (0, 0, 1)
    );
    assert_eq!(submit.reference, Some(wire_reference(attempt)));
    assert_eq!(submit.validity_period, "000000000130000R");
    assert_eq!(smsc.texts().all()[0].text, text);
    bound.stop().await
}

/// The provider forgets a receipt only once the owner has committed it.
#[tokio::test]
async fn a_receipt_is_acknowledged_only_after_its_commit() -> anyhow::Result<()> {
    let smsc = Smsc::start().await?;
    let mut bound = Bound::to(smsc.addr()).await?;
    let message_id = bound.accepted(&given::submit(1)?).await?;

    let (receipt, ack) = bound.receipt().await?;
    assert_eq!(
        (receipt.message_id.as_ref(), receipt.state),
        (Some(&message_id), State::Delivered)
    );
    // An acknowledgement written before this submit would be read before it, too.
    bound.accepted(&given::submit(2)?).await?;
    assert_eq!(smsc.settled().all().len(), 0);

    ack.committed();
    let settled = smsc.settled().wait_for_count(1).await?;
    assert_eq!(settled[0].status, 0);
    assert_eq!(normal_id(&settled[0].message_id), message_id);
    bound.stop().await
}

/// A crash between receipt and commit loses nothing.
#[tokio::test]
async fn an_uncommitted_receipt_comes_again_on_the_next_connection() -> anyhow::Result<()> {
    let smsc = Smsc::start().await?;
    let mut bound = Bound::to(smsc.addr()).await?;
    let message_id = bound.accepted(&given::submit(1)?).await?;
    let (_, held) = bound.receipt().await?;

    smsc.cut();
    let (again, ack) = bound.receipt().await?;
    assert_eq!(again.message_id, Some(message_id));
    held.committed(); // belongs to the connection that is gone: must not settle the new one
    ack.committed();
    assert_eq!(smsc.settled().wait_for_count(1).await?.len(), 1);
    bound.stop().await
}

/// An owner that cannot commit now drops the token.
#[tokio::test]
async fn a_dropped_receipt_is_kept_by_the_provider() -> anyhow::Result<()> {
    let smsc = Smsc::start().await?;
    let mut bound = Bound::to(smsc.addr()).await?;
    bound.accepted(&given::submit(1)?).await?;
    let (first, ack) = bound.receipt().await?;
    drop(ack);
    assert_eq!(smsc.settled().wait_for_count(1).await?[0].status, 0x64);

    smsc.send_receipts_again();
    let (again, ack) = bound.receipt().await?;
    assert_eq!(again.message_id, first.message_id);
    ack.committed();
    assert_eq!(smsc.settled().wait_for_count(2).await?[1].status, 0);
    bound.stop().await
}

#[tokio::test]
async fn more_receipts_than_may_be_open_are_put_off() -> anyhow::Result<()> {
    let smsc = Smsc::start().await?;
    let mut bound = Bound::with(smsc.addr(), |config| config.inbound_max = 1).await?;
    bound.accepted(&given::submit(1)?).await?;
    let (_, ack) = bound.receipt().await?;
    bound.accepted(&given::submit(2)?).await?;
    assert_eq!(smsc.settled().wait_for_count(1).await?[0].status, 0x64);
    ack.committed();
    smsc.settled().wait_for_count(2).await?;

    smsc.send_receipts_again();
    let (_, ack) = bound.receipt().await?;
    ack.committed();
    assert_eq!(smsc.settled().wait_for_count(3).await?[2].status, 0);
    bound.stop().await
}

/// Both orders exist in the field; the owner sees both facts.
#[tokio::test]
async fn a_receipt_may_come_before_the_answer_and_twice() -> anyhow::Result<()> {
    let smsc = Smsc::start().await?;
    smsc.receipt_first(true);
    smsc.receipt_copies(2);
    let mut bound = Bound::to(smsc.addr()).await?;
    let message_id = bound.accepted(&given::submit(1)?).await?;
    for _ in 0..2 {
        let (receipt, ack) = bound.receipt().await?;
        assert_eq!(receipt.message_id.as_ref(), Some(&message_id));
        ack.committed();
    }
    assert_eq!(smsc.settled().wait_for_count(2).await?.len(), 2);
    bound.stop().await
}

#[tokio::test]
async fn receipts_in_other_forms_find_their_message() -> anyhow::Result<()> {
    let smsc = Smsc::start().await?;
    let mut bound = Bound::to(smsc.addr()).await?;
    let table = [
        (ReceiptForm::TextOnly, Fate::Undeliverable, State::Undeliverable),
        (ReceiptForm::TextInDecimal, Fate::Expired, State::Expired),
        (ReceiptForm::Full, Fate::Enroute, State::Enroute),
    ];
    for (number, (form, fate, state)) in (1..).zip(table) {
        smsc.receipts_as(form);
        smsc.receipts_say(fate);
        let message_id = bound.accepted(&given::submit(number)?).await?;
        let (receipt, ack) = bound.receipt().await?;
        let ids = lookup_ids(receipt.message_id.as_deref().unwrap_or_default());
        assert!(ids.contains(&message_id), "{form:?}: {ids:?} {message_id}");
        assert_eq!(receipt.state, state);
        ack.committed();
    }
    bound.stop().await
}

#[tokio::test]
async fn a_message_somebody_writes_arrives_with_its_text() -> anyhow::Result<()> {
    let smsc = Smsc::start().await?;
    let mut bound = Bound::to(smsc.addr()).await?;
    smsc.write_to_client("8613800138000", "95598", "还没来电");
    let Some(Inbound::Message(received, ack)) = bound.inbound().await else {
        anyhow::bail!("no message")
    };
    assert_eq!(
        (received.from.as_str(), received.to.as_str()),
        ("8613800138000", "95598")
    );
    assert_eq!(
        received.fragment.map(|fragment| fragment.text).as_deref(),
        Some("还没来电")
    );
    ack.committed();
    assert_eq!(smsc.settled().wait_for_count(1).await?[0].status, 0);
    bound.stop().await
}

/// What is under way is answered before the goodbye.
#[tokio::test]
async fn stopping_waits_for_answers_and_unbinds() -> anyhow::Result<()> {
    let smsc = Smsc::start().await?;
    smsc.hold_answers();
    let bound = Bound::to(smsc.addr()).await?;
    let client = bound.client.clone();
    let submit = given::submit(1)?;
    let under_way = tokio::spawn(async move { client.submit(&submit).await });
    smsc.submits().wait_for_count(1).await?;

    let client = bound.client.clone();
    let stopping = tokio::spawn(bound.stop());
    client.unbound().await;
    smsc.release_answers();
    stopping.await??;
    assert!(matches!(under_way.await?, Outcome::Accepted { .. }));
    assert_eq!(smsc.unbinds().all().len(), 1);
    assert_eq!(
        client.submit(&given::submit(2)?).await,
        Outcome::Unsent("the connection is shut down")
    );
    Ok(())
}
