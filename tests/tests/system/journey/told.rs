//! Who was told what: at the SMSC, at the SMTP server, and in the trace.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Context;
use relight_grid::pack::{Channel, CustomerClass, Language};
use relight_testkit::otlp::SpanSeen;

use super::{Journey, TRACE};

/// Words of each kind in both languages. Asked in this order: the later words also occur in earlier kinds.
const KINDS: [(&str, &str, &str); 5] = [
    ("important", "请启用备用", "standby supply"),
    ("accepted", "已受理", "received your report"),
    ("crew_en_route", "已出发", "crew is on its way"),
    ("restored", "已于", "supply was restored"),
    ("etr", "预计", "expected back"),
];

fn kind_of(text: &str) -> Option<&'static str> {
    KINDS
        .iter()
        .find(|(_, zh, en)| text.contains(zh) || text.contains(en))
        .map(|(kind, ..)| *kind)
}

/// What one address should get: kinds, by whether its customer called and whether they are important (O23).
fn due(is_caller: bool, is_important: bool) -> BTreeSet<&'static str> {
    KINDS
        .iter()
        .map(|(kind, ..)| *kind)
        .filter(|kind| is_caller || *kind != "accepted")
        .filter(|kind| is_important || *kind != "important")
        .collect()
}

/// Waits until everybody of `points` was told this, on every channel they have. A step that follows too soon would
/// rightly take the message back: nobody is told that a crew is coming when it is there.
pub async fn everybody(
    journey: &Journey,
    kind: &'static str,
    points: &BTreeSet<usize>,
) -> anyhow::Result<()> {
    let accounts: BTreeSet<&str> = points.iter().map(|point| journey.account(*point)).collect();
    let due = |channel: Channel| {
        let contacts = journey.pack.contacts.iter();
        contacts
            .filter(|c| c.channel == channel && accounts.contains(c.account.as_str()))
            .count()
    };
    let texts = journey.system.smsc.texts();
    let texts = texts.wait_for(|all| {
        all.iter().filter(|sms| kind_of(&sms.text) == Some(kind)).count() >= due(Channel::Sms)
    });
    texts
        .await
        .with_context(|| format!("{} texts that say {kind}", due(Channel::Sms)))?;
    let mails = journey.system.smtp.mails();
    let mails = mails.wait_for(|all| {
        all.iter()
            .filter(|mail| kind_of(&mail.text) == Some(kind))
            .count()
            >= due(Channel::Email)
    });
    mails
        .await
        .with_context(|| format!("{} mails that say {kind}", due(Channel::Email)))?;
    Ok(())
}

/// Everybody entitled has each message once, on each channel, in their language; nobody else has any. Asked after the
/// system has stopped, so that nothing more can come.
pub fn each_person_once(journey: &Journey) -> anyhow::Result<()> {
    let expected = expected(journey);
    let mut seen = BTreeMap::new();
    for sms in journey.system.smsc.texts().all() {
        note(
            &mut seen,
            format!("+{}", sms.destination.trim_start_matches('+')),
            &sms.text,
        )?;
    }
    for mail in journey.system.smtp.mails().all() {
        let to = mail.to.first().context("a recipient")?.clone();
        note(&mut seen, to, &mail.text)?;
    }
    for (address, (_, language, kinds)) in &expected {
        let got = seen.remove(address).unwrap_or_default();
        let got_kinds: Vec<&str> = got.iter().map(|(kind, _)| *kind).collect();
        assert_eq!(
            got_kinds.iter().copied().collect::<BTreeSet<_>>(),
            *kinds,
            "{address}"
        );
        assert_eq!(
            got.len(),
            kinds.len(),
            "{address} was told something twice: {got_kinds:?}"
        );
        for (_, is_chinese) in got {
            assert_eq!(
                is_chinese,
                *language == Language::ZhCn,
                "{address} is told in their language"
            );
        }
    }
    assert!(seen.is_empty(), "told without being entitled: {:?}", seen.keys());
    Ok(())
}

/// Address -> (channel, language, kinds) of everybody entitled.
fn expected(journey: &Journey) -> BTreeMap<String, (Channel, Language, BTreeSet<&'static str>)> {
    let callers: BTreeSet<&str> = journey
        .callers
        .iter()
        .map(|point| journey.account(*point))
        .collect();
    let dead: BTreeSet<&str> = journey
        .field
        .dead
        .iter()
        .map(|point| journey.account(*point))
        .collect();
    let customers = journey.pack.customers.iter();
    let important: BTreeSet<&str> = customers
        .filter(|customer| customer.class == CustomerClass::Important)
        .map(|customer| customer.account.as_str())
        .collect();
    let contacts = journey
        .pack
        .contacts
        .iter()
        .filter(|contact| dead.contains(contact.account.as_str()));
    contacts
        .map(|contact| {
            let account = contact.account.as_str();
            let kinds = due(callers.contains(account), important.contains(account));
            (contact.value.clone(), (contact.channel, contact.language, kinds))
        })
        .collect()
}

fn note(
    seen: &mut BTreeMap<String, Vec<(&'static str, bool)>>,
    address: String,
    text: &str,
) -> anyhow::Result<()> {
    let kind = kind_of(text).with_context(|| format!("a message of no known kind: {text}"))?;
    let is_chinese = text.chars().any(|c| ('\u{4e00}'..='\u{9fff}').contains(&c));
    seen.entry(address).or_default().push((kind, is_chinese));
    Ok(())
}

/// What has to be in the trace: from the request over the owner, its event and who reads it to the provider.
const SPANS: [&str; 8] = [
    "/api/v1/reports",
    "AcceptReport",
    "consume report.accepted",
    "consume incident.changed",
    "consume workorder.step",
    "consume interruption.step",
    "send sms",
    "send email",
];

/// The trace of what people do reaches from their requests to the providers.
pub async fn one_trace(journey: &Journey) -> anyhow::Result<()> {
    let ours = |spans: &[SpanSeen]| -> BTreeSet<String> {
        let ours = spans.iter().filter(|span| span.trace_id == TRACE);
        ours.map(|span| span.name.clone()).collect()
    };
    let missing = |spans: &[SpanSeen]| -> Vec<&str> {
        let names = ours(spans);
        let is_there = |part: &&str| names.iter().any(|name| name.contains(*part));
        SPANS.into_iter().filter(|part| !is_there(part)).collect()
    };
    let spans = journey.system.otlp.spans();
    let waited = spans.wait_for(|spans| missing(spans).is_empty()).await;
    waited.map(drop).with_context(|| {
        let all = spans.all();
        format!(
            "missing in the trace: {:?}; there are {:?}",
            missing(&all),
            ours(&all)
        )
    })
}
