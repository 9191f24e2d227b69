//! A contact turns out to be somebody else's (operations.md O15): in one transaction it is noted, unsent messages about
//! debts to it end, and what was delivered to it stops being proof. An answer to a message says so too, in whole words only
//! (O21), and is told what was understood.

use std::sync::Arc;

use chrono::TimeDelta;
use chrono_tz::Tz;
use relight_common::{Clock, Db, Work, telemetry};
use relight_proto::events::v1::ContactNoted;
use serde_json::json;
use uuid::Uuid;

use crate::{
    bells::Bells,
    domain::{
        notice::{Channel, ContactRole, Language, Purpose},
        reply::{Meaning, meaning},
        words::{Facts, House, Vars},
    },
    error::Error,
    people::Reach,
    seal::Sealer,
    store::{
        message::{self, Notice, Row},
        reply, result,
        wrong::{self as store, Answerable, Wrong},
    },
    template::Book,
};

/// How long a message may be answered.
const ANSWERED_WITHIN: TimeDelta = TimeDelta::days(7);
/// How far back delivered messages stop being proof.
const PROOF_TAKEN_BACK: TimeDelta = TimeDelta::days(60);
/// The words of an answer, among what is sealed of it.
pub const SAID: &str = "said";
/// Who reported what an answer said.
const BY_REPLY: &str = "reply";

/// Whose contact is not whose.
#[derive(Debug, Clone)]
pub struct Found {
    /// Whose contact it is not.
    pub customer: Uuid,
    /// The channel.
    pub channel: String,
    /// HMAC of the value.
    pub recipient: Vec<u8>,
    /// What may be shown of it.
    pub masked: String,
    /// The contact at registry, where it is known.
    pub contact: Option<Uuid>,
}

/// Notes it. True when it is new; one that is noted already stays as it was.
///
/// # Errors
/// [`Error::Common`].
pub async fn report(work: &mut Work, found: Found, by: &str, note: &str) -> Result<(Wrong, bool), Error> {
    let (now, contact) = (work.at(), found.contact);
    let wrong = Wrong {
        id: Uuid::now_v7(),
        customer_id: found.customer,
        channel: found.channel,
        recipient: found.recipient,
        masked: found.masked,
        reported_at: now,
        reported_by: by.to_owned(),
        note: note.to_owned(),
        withdrawn_at: None,
        withdrawn_by: None,
        withdrawn_reason: None,
    };
    if !store::add(work.conn(), &wrong).await? {
        let (customer, channel) = (wrong.customer_id, wrong.channel.as_str());
        let before = store::active(work.conn(), customer, channel, &wrong.recipient).await?;
        return Ok((before.unwrap_or(wrong), false));
    }
    let silenced = store::silence(work.conn(), &wrong).await?;
    result::of(work.conn(), &silenced, now).await?;
    store::disprove(work.conn(), &wrong, now - PROOF_TAKEN_BACK, now).await?;
    let detail =
        json!({ "customer": wrong.customer_id, "channel": wrong.channel, "by": by, "ended": silenced.len() });
    work.audit("contact.wrong", wrong.id, detail);
    metrics::counter!("relight_contacts_wrong_total").increment(1);
    if let Some(contact) = contact {
        let told = ContactNoted {
            wrong_id: wrong.id.to_string(),
            customer_id: wrong.customer_id.to_string(),
            contact_id: contact.to_string(),
            withdrawn: false,
        };
        work.tell("contact.noted", wrong.id, 1, "", &told);
    }
    Ok((wrong, true))
}

/// Tells that it is the right contact after all.
pub fn tell_withdrawn(work: &mut Work, wrong: &Wrong) {
    let told = ContactNoted {
        wrong_id: wrong.id.to_string(),
        customer_id: wrong.customer_id.to_string(),
        contact_id: String::new(),
        withdrawn: true,
    };
    work.tell("contact.noted", wrong.id, 2, "", &told);
}

/// Reads what people answer.
#[derive(Debug, Clone)]
pub struct Reader {
    /// The database.
    pub db: Db,
    /// The clock.
    pub clock: Clock,
    /// Finds numbers.
    pub sealer: Sealer,
    /// The templates.
    pub book: Arc<Book>,
    /// Who we are.
    pub house: House,
    /// Rung for messages that are written.
    pub bells: Arc<Bells>,
}

/// What is said back to an answer.
#[derive(Debug)]
pub(crate) struct Echo {
    pub(crate) purpose: Purpose,
    pub(crate) facts: Facts,
    /// What it is about, and which version of that: said once.
    pub(crate) subject: Uuid,
    pub(crate) version: i64,
}

impl Reader {
    /// An answer from this number. A word about debts does what it says, once, for the customer of the latest message about a debt that
    /// the number got. Anything else changes nothing and is read by a person: "no" and "?" may be a cry for help (O21).
    ///
    /// # Errors
    /// [`Error::Common`]; nothing is stored then.
    pub async fn answer(&self, from: &str, text: &str) -> Result<(), Error> {
        let is_taken = match meaning(text) {
            Some(Meaning::WrongPerson) => return self.wrong_person(from).await,
            Some(Meaning::Back) => self.supply(from, true).await?,
            Some(Meaning::StillOff) => self.supply(from, false).await?,
            None => false,
        };
        if is_taken {
            return Ok(());
        }
        self.for_a_person(from, text).await
    }

    async fn wrong_person(&self, from: &str) -> Result<(), Error> {
        let (recipient, now) = (self.sealer.recipient(from), self.clock.now());
        let mut work = Work::internal(&self.db, "an answer by text", now).await?;
        let answered = store::answerable(work.conn(), &recipient, now - ANSWERED_WITHIN).await?;
        let Some((message, customer, contact)) = answered.and_then(|one| {
            let (customer, contact) = (one.customer_id?, one.contact_id?);
            Some((one, customer, contact))
        }) else {
            metrics::counter!("relight_answers_total", "meaning" => "unbound").increment(1);
            return Ok(());
        };
        let found = Found {
            customer,
            channel: Channel::Sms.word().to_owned(),
            recipient: recipient.to_vec(),
            masked: message.masked.clone(),
            contact: Some(contact),
        };
        let (wrong, is_new) = report(&mut work, found, BY_REPLY, "").await?;
        if is_new {
            let reach = Reach::Contact { customer, contact };
            let echo = Echo {
                purpose: Purpose::WrongPerson,
                facts: Facts::WrongPerson,
                subject: wrong.id,
                version: 1,
            };
            self.echo(&mut work, &echo, &message, reach, recipient).await?;
        }
        metrics::counter!("relight_answers_total", "meaning" => "wrong_person").increment(1);
        Ok(work.done().await?)
    }

    /// Puts words that mean nothing to us on the desk's list, when the number got something from us in these days.
    async fn for_a_person(&self, from: &str, text: &str) -> Result<(), Error> {
        let count = |meaning| metrics::counter!("relight_answers_total", "meaning" => meaning).increment(1);
        let (recipient, now) = (self.sealer.recipient(from), self.clock.now());
        let mut work = Work::internal(&self.db, "an answer by text", now).await?;
        let answered = reply::answered(work.conn(), &recipient, now - ANSWERED_WITHIN).await?;
        let Some(answered) = answered else {
            count("unbound");
            return Ok(());
        };
        let (id, said) = (Uuid::now_v7(), text.trim().to_owned());
        let key = self.sealer.recipient(&said);
        let sealed = self.sealer.seal(id, &Vars::from([(SAID.to_owned(), said)]));
        if reply::add(work.conn(), id, &answered, (&key, &sealed), now).await? {
            work.audit("reply.received", id, json!({ "customer": answered.customer_id }));
            count("for_a_person");
        }
        Ok(work.done().await?)
    }

    /// Says what was understood, to the number that wrote.
    pub(crate) async fn echo(
        &self,
        work: &mut Work,
        echo: &Echo,
        message: &Answerable,
        reach: Reach,
        recipient: [u8; 32],
    ) -> Result<(), Error> {
        let (id, now, purpose) = (Uuid::now_v7(), work.at(), echo.purpose);
        let language = Language::parse(&message.language).ok_or(Error::Stored("language"))?;
        let zone: Tz = message.zone.parse().map_err(|_| Error::Stored("zone"))?;
        let notice = Notice {
            purpose,
            subject: echo.subject,
            version: echo.version,
            incident: None,
            outage: None,
            case: None,
            org_path: &message.org_path,
            zone: &message.zone,
            template: purpose.template(),
            template_version: self.book.current(purpose.template()),
            traceparent: &telemetry::traceparent(),
            created_at: now,
        };
        let row = Row {
            id,
            reach,
            channel: Channel::Sms,
            recipient,
            masked: message.masked.clone(),
            night: true,
            language,
            sealed: self
                .sealer
                .seal(id, &echo.facts.vars(&self.house, language, zone)),
            due_at: now,
            expires_at: purpose.expires_at(now, None),
            held: false,
            role: ContactRole::Own,
        };
        let rows = [row];
        message::insert(work.conn(), &notice, &rows).await?;
        self.bells.ring_after(work, &rows);
        Ok(())
    }
}
