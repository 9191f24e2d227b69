//! After a restoration intake wants some customers asked by text whether supply is back. Each number is asked once in a check, and
//! the answer is that of the one it was asked for: the text names no supply. Who has no number, or shares one, is told back, so that
//! nobody waits for their answer.

use std::collections::{BTreeSet, HashMap, HashSet};

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use relight_common::{Work, ids::derived, telemetry, wire};
use relight_proto::events::v1::{Event, RestorationAnswer, RestorationQuestion};
use uuid::Uuid;

use super::{Notices, Plan, asked::Asked};
use crate::{
    domain::{
        notice::{Channel, Purpose},
        quiet::{NIGHT, earliest},
        words::Facts,
    },
    error::Error,
    people::Recipient,
    store::{
        incident::Incident,
        message::{self, Notice, Row},
        question, wrong,
    },
};

/// Who would have less for an answer, since the night is over too late, is not asked: half of the hour the text says at least.
const ANSWER_LEAST: TimeDelta = TimeDelta::minutes(30);

/// Those to be asked, and those not any more.
#[derive(Debug)]
pub struct Asking {
    check: Uuid,
    incident: Incident,
    restored_at: DateTime<Utc>,
    not_before: DateTime<Utc>,
    answer_until: DateTime<Utc>,
    zone: Tz,
    asked: Vec<One>,
    settled: Vec<Uuid>,
}

/// Somebody to be asked, with their numbers.
#[derive(Debug)]
struct One {
    id: Uuid,
    customer: Uuid,
    numbers: Vec<Recipient>,
}

impl Notices {
    pub(super) fn question(&self, told: &RestorationQuestion, known: &Asked) -> Result<Plan, Error> {
        let settled = told.settled_ids.iter().map(|id| wire::uuid("settled_ids", id));
        let settled: BTreeSet<Uuid> = settled.collect::<Result<_, _>>()?;
        let mut asked = Vec::with_capacity(told.asked.len());
        for one in &told.asked {
            let (id, customer) = (
                wire::uuid("asked_id", &one.asked_id)?,
                wire::uuid("customer_id", &one.customer_id)?,
            );
            let numbers = known.contacts(customer).into_iter();
            let numbers = numbers.filter(|number| number.channel == Channel::Sms);
            let numbers = numbers.map(|number| Recipient {
                night: one.night,
                ..number
            });
            if !settled.contains(&id) {
                asked.push(One {
                    id,
                    customer,
                    numbers: numbers.collect(),
                });
            }
        }
        let incident = known.incident(wire::uuid("incident_id", &told.incident_id)?, 0)?;
        Ok(Plan::Question(Box::new(Asking {
            check: wire::uuid("check_id", &told.check_id)?,
            restored_at: wire::instant("restored_at", told.restored_at)?,
            not_before: wire::instant("not_before", told.not_before)?,
            answer_until: wire::instant("answer_until", told.answer_until)?,
            zone: told.zone.parse().unwrap_or(self.zone),
            incident,
            asked,
            settled: settled.into_iter().collect(),
        })))
    }

    pub(super) async fn ask_people(
        &self,
        work: &mut Work,
        event: &Event,
        asking: &Asking,
    ) -> Result<(), Error> {
        question::take_back(work.conn(), &asking.settled).await?;
        let mut of = HashMap::new();
        let (mut rows, mut has, mut out_of_reach) = (Vec::new(), HashSet::new(), HashSet::new());
        for one in &asking.asked {
            let Some(number) = first_own(work, one).await? else {
                out_of_reach.insert(one.id);
                continue;
            };
            match self.question_row(asking, number) {
                None => {
                    out_of_reach.insert(one.id);
                }
                Some(row) if has.insert(number.key) => {
                    of.insert(row.id, one.id);
                    rows.push(row);
                }
                Some(_) => {}
            }
        }
        let trace = telemetry::traceparent();
        let notice = self.question_notice(asking, event, &trace);
        let written = message::insert(work.conn(), &notice, &rows).await?;
        let bound = written
            .into_iter()
            .filter_map(|message| Some((message, *of.get(&message)?)));
        let bound: Vec<(Uuid, Uuid)> = bound.collect();
        question::add(work.conn(), (asking.check, asking.answer_until), &bound).await?;
        self.bells.ring_after(work, &rows);
        let reached: HashSet<Uuid> = bound.into_iter().map(|(_, asked)| asked).collect();
        for one in asking.asked.iter().filter(|one| !reached.contains(&one.id)) {
            let said = if out_of_reach.contains(&one.id) {
                "unreached"
            } else {
                "same_number"
            };
            self.not_asked(work, event, (asking.check, one.id), said);
        }
        Ok(())
    }

    fn question_notice<'a>(&self, asking: &'a Asking, event: &'a Event, trace: &'a str) -> Notice<'a> {
        let purpose = Purpose::StillOff;
        Notice {
            purpose,
            subject: asking.check,
            version: 1,
            incident: Some(asking.incident.id),
            outage: None,
            case: None,
            org_path: &event.org_path,
            zone: asking.zone.name(),
            template: purpose.template(),
            template_version: self.book.current(purpose.template()),
            traceparent: trace,
            created_at: self.clock.now(),
        }
    }

    /// None: it could not be answered in time.
    fn question_row(&self, asking: &Asking, to: &Recipient) -> Option<Row> {
        let (id, purpose, zone) = (Uuid::now_v7(), Purpose::StillOff, asking.zone);
        let from = self.clock.now().max(asking.not_before);
        let due_at = earliest(purpose, to.night, from, zone, NIGHT);
        let left = asking.answer_until - due_at;
        if left < ANSWER_LEAST {
            return None;
        }
        let facts = Facts::StillOff {
            number: asking.incident.number.clone(),
            on_at: asking.restored_at,
            hours: (left + ANSWER_LEAST).num_hours(),
        };
        Some(Row {
            id,
            reach: to.reach,
            channel: to.channel,
            recipient: to.key,
            masked: to.masked.clone(),
            night: to.night,
            language: to.language,
            sealed: self.sealer.seal(id, &facts.vars(&self.house, to.language, zone)),
            due_at,
            expires_at: purpose.expires_at(due_at, Some(asking.answer_until)),
            held: false,
            role: to.role,
        })
    }

    fn not_asked(&self, work: &mut Work, event: &Event, (check, asked): (Uuid, Uuid), said: &str) {
        let told = RestorationAnswer {
            check_id: check.to_string(),
            asked_id: asked.to_string(),
            said: said.to_owned(),
            at: Some(wire::timestamp(self.clock.now())),
        };
        // An aggregate of its own: the number may be somebody else's question, which is answered there.
        let subject = derived(asked, "unreached");
        work.tell("restoration.answer", subject, 1, &event.org_path, &told);
    }
}

/// The first number that is not known to be somebody else's.
async fn first_own<'a>(work: &mut Work, one: &'a One) -> Result<Option<&'a Recipient>, Error> {
    for number in &one.numbers {
        let wrong = wrong::active(work.conn(), one.customer, number.channel.word(), &number.key).await?;
        if wrong.is_none() {
            return Ok(Some(number));
        }
    }
    Ok(None)
}
