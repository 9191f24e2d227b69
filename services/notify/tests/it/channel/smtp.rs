//! Mail against a relay that keeps it.

use relight_notify::channel::smtp::{Config, Draft, Encryption, Mail, Mailer};
use relight_notify::channel::{Outcome, Refusal};
use relight_testkit::smtp::{SmtpSink, Stage};
use std::collections::HashSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;
use uuid::Uuid;

fn mailer(addr: SocketAddr, change: impl FnOnce(&mut Config)) -> anyhow::Result<Mailer> {
    let mut config = Config::new(&addr.ip().to_string(), addr.port(), "notices.example.org");
    change(&mut config);
    Ok(Mailer::new(config)?)
}

fn mail(number: u128, text: &str) -> anyhow::Result<Mail> {
    let draft = Draft {
        from: "Power <notices@example.org>",
        to: "reader@example.com",
        subject: "停电通知 – planned outage on 22 November, 08:00 to 12:00, in Main Street and Mill Lane",
        text,
        date: "2026-11-22T01:02:03Z".parse()?,
        unsubscribe_url: Some("https://example.org/u/abc"),
    };
    Ok(Mail::new(Uuid::from_u128(number), draft)?)
}

#[tokio::test]
async fn a_mail_arrives_as_it_was_written() -> anyhow::Result<()> {
    let relay = SmtpSink::start().await?;
    let mailer = mailer(relay.addr(), |_| {})?;
    let text = "尊敬的客户：\n. a line that starts with a dot\n..\n.\nPower is off. € ä\n";
    let outcome = mailer.send(&mail(7, text)?).await;
    let message_id = "<00000000-0000-0000-0000-000000000007@example.org>".to_owned();
    assert_eq!(
        outcome,
        Outcome::Accepted {
            message_id: message_id.clone()
        }
    );

    let seen = &relay.mails().wait_for_count(1).await?[0];
    assert_eq!(
        (seen.from.as_str(), seen.to.as_slice()),
        ("notices@example.org", &["reader@example.com".to_owned()][..])
    );
    assert_eq!(format!("<{}>", seen.message_id), message_id);
    assert!(
        seen.subject.starts_with("停电通知 – planned outage"),
        "{}",
        seen.subject
    );
    assert_eq!(seen.text.replace("\r\n", "\n").trim_end(), text.trim_end());
    assert_eq!(seen.header("Auto-Submitted"), Some("auto-generated"));
    assert_eq!(
        seen.header("List-Unsubscribe-Post"),
        Some("List-Unsubscribe=One-Click")
    );
    assert_eq!(
        seen.header("List-Unsubscribe"),
        Some("<https://example.org/u/abc>")
    );
    Ok(())
}

#[tokio::test]
async fn plain_ascii_with_dots_arrives_as_it_was_written() -> anyhow::Result<()> {
    let relay = SmtpSink::start().await?;
    let text = "Dear customer\r\n.\r\n..two\r\n.end\r\n";
    assert!(matches!(
        mailer(relay.addr(), |_| {})?.send(&mail(1, text)?).await,
        Outcome::Accepted { .. }
    ));
    assert_eq!(
        relay.mails().wait_for_count(1).await?[0].text.trim_end(),
        text.trim_end()
    );
    Ok(())
}

#[tokio::test]
async fn refusals_keep_their_meaning_and_the_connection_goes_on() -> anyhow::Result<()> {
    let relay = SmtpSink::start().await?;
    let mailer = mailer(relay.addr(), |config| config.connections = 1)?;
    let table = [
        (450, Stage::Recipient, Refusal::Transient),
        (550, Stage::Recipient, Refusal::Permanent),
        (452, Stage::Verdict, Refusal::Transient),
        (554, Stage::Verdict, Refusal::Permanent),
    ];
    for (number, (code, stage, refusal)) in (1..).zip(table) {
        relay.refuse_next(1, code, stage);
        let outcome = mailer.send(&mail(number, "Power is off.")?).await;
        assert_eq!(
            outcome,
            Outcome::Refused {
                status: u32::from(code),
                refusal
            },
            "{stage:?}"
        );
    }
    assert!(matches!(
        mailer.send(&mail(9, "Power is back.")?).await,
        Outcome::Accepted { .. }
    ));
    assert_eq!((relay.mails().all().len(), relay.connections()), (1, 1));
    Ok(())
}

/// The three places a relay can break off, and what each proves.
#[tokio::test]
async fn a_broken_connection_is_unknown_only_once_the_content_had_begun() -> anyhow::Result<()> {
    let relay = SmtpSink::start().await?;
    let mailer = mailer(relay.addr(), |_| {})?;
    relay.drop_next(1, Stage::Recipient);
    assert!(matches!(
        mailer.send(&mail(1, "Power is off.")?).await,
        Outcome::Unsent(_)
    ));
    relay.drop_next(1, Stage::MidContent);
    assert!(matches!(
        mailer.send(&mail(2, "Power is off.")?).await,
        Outcome::Unknown(_)
    ));
    assert_eq!(relay.mails().all().len(), 0);

    relay.drop_next(1, Stage::Verdict);
    assert!(matches!(
        mailer.send(&mail(3, "Power is off.")?).await,
        Outcome::Unknown(_)
    ));
    let mails = relay.mails().wait_for_count(1).await?;
    assert_eq!(
        (mails.len(), mails[0].is_confirmed),
        (1, false),
        "the relay had it after all, and once"
    );
    Ok(())
}

#[tokio::test]
async fn a_relay_that_does_not_answer_is_given_up() -> anyhow::Result<()> {
    let relay = SmtpSink::start().await?;
    relay.hold_verdicts();
    let mailer = mailer(relay.addr(), |config| {
        config.send_timeout = Duration::from_millis(300)
    })?;
    let outcome = mailer.send(&mail(1, "Power is off.")?).await;
    assert_eq!(outcome, Outcome::Unknown("the relay did not answer in time"));
    Ok(())
}

#[tokio::test]
async fn without_a_relay_nothing_is_sent_and_that_is_certain() -> anyhow::Result<()> {
    let relay = SmtpSink::start().await?;
    let addr = relay.addr();
    let mailer = mailer(addr, |config| config.connections = 1)?;
    assert!(matches!(
        mailer.send(&mail(1, "one")?).await,
        Outcome::Accepted { .. }
    ));
    drop(relay);
    // The kept connection is dead and no new one can be had.
    assert!(matches!(mailer.send(&mail(2, "two")?).await, Outcome::Unsent(_)));

    let relay = SmtpSink::start_on(addr).await?;
    assert!(matches!(
        mailer.send(&mail(3, "three")?).await,
        Outcome::Accepted { .. }
    ));
    assert_eq!(relay.mails().wait_for_count(1).await?[0].text.trim_end(), "three");
    Ok(())
}

#[tokio::test]
async fn mails_share_a_bounded_number_of_connections() -> anyhow::Result<()> {
    let relay = SmtpSink::start().await?;
    relay.hold_verdicts();
    let mailer = Arc::new(mailer(relay.addr(), |config| config.connections = 3)?);
    let mut sends = JoinSet::new();
    for number in 1..=20 {
        let (mailer, mail) = (mailer.clone(), mail(number, "Power is off.")?);
        sends.spawn(async move { mailer.send(&mail).await });
    }
    relay.wait_for_open(3).await;
    relay.release_verdicts();
    let outcomes = sends.join_all().await;
    assert!(
        outcomes
            .iter()
            .all(|outcome| matches!(outcome, Outcome::Accepted { .. })),
        "{outcomes:?}"
    );
    let ids: HashSet<_> = relay
        .mails()
        .all()
        .into_iter()
        .map(|mail| mail.message_id)
        .collect();
    assert_eq!((ids.len(), relay.mails().all().len()), (20, 20));
    assert_eq!((relay.open_max(), relay.connections()), (3, 3));
    mailer.close().await;
    Ok(())
}

#[tokio::test]
async fn a_mail_that_finds_no_free_connection_is_never_sent() -> anyhow::Result<()> {
    let relay = SmtpSink::start().await?;
    relay.hold_verdicts();
    let mailer = Arc::new(mailer(relay.addr(), |config| {
        config.connections = 1;
        config.queue_timeout = Duration::from_millis(100);
    })?);
    let (first, waiting) = (mail(1, "one")?, mail(2, "two")?);
    let under_way = tokio::spawn({
        let mailer = mailer.clone();
        async move { mailer.send(&first).await }
    });
    relay.wait_for_open(1).await;
    assert!(matches!(mailer.send(&waiting).await, Outcome::Unsent(_)));
    relay.release_verdicts();
    assert!(matches!(under_way.await?, Outcome::Accepted { .. }));
    assert_eq!(relay.mails().all().len(), 1);
    Ok(())
}

/// Asked for encryption, the mailer does not fall back to the clear.
#[tokio::test]
async fn a_relay_without_encryption_gets_nothing_when_it_is_asked_for() -> anyhow::Result<()> {
    let relay = SmtpSink::start().await?;
    for encryption in [Encryption::StartTls, Encryption::Implicit] {
        let mailer = mailer(relay.addr(), |config| {
            config.encryption = encryption;
            config.send_timeout = Duration::from_secs(5);
        })?;
        let outcome = mailer.send(&mail(1, "Power is off.")?).await;
        assert!(
            matches!(outcome, Outcome::Unsent(_)),
            "{encryption:?} {outcome:?}"
        );
    }
    assert_eq!(relay.mails().all().len(), 0);
    Ok(())
}

/// A relay that turns the connection away has not judged the mail.
#[tokio::test]
async fn a_session_refused_for_good_is_worth_another_try() -> anyhow::Result<()> {
    let relay = SmtpSink::start().await?;
    relay.refuse_next(1, 554, Stage::Hello);
    let mailer = mailer(relay.addr(), |_| {})?;
    let outcome = mailer.send(&mail(1, "Power is off.")?).await;
    assert_eq!(
        outcome,
        Outcome::Refused {
            status: 554,
            refusal: Refusal::Transient
        }
    );
    assert!(matches!(
        mailer.send(&mail(2, "Power is off.")?).await,
        Outcome::Accepted { .. }
    ));
    Ok(())
}
