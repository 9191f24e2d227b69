//! What people answer to "is supply back?". The word is bound to the one question the number got in these hours; where there are
//! several, a person looks (operations.md O21). What was understood is told to intake with the answer, and said back.

use relight_common::{Work, wire::timestamp};
use relight_proto::events::v1::RestorationAnswer;
use serde_json::json;

use crate::{
    domain::{notice::Purpose, words::Facts},
    error::Error,
    people::Reach,
    store::question::{self, Question},
    wrong::{Echo, Reader},
};

/// The words on the way to intake.
fn word(is_back: bool) -> &'static str {
    if is_back { "back" } else { "still_off" }
}

/// The question an answer is meant for: the one that is open, else the latest, which may be answered otherwise.
enum Meant<'a> {
    /// This one.
    One(&'a Question),
    /// Said before.
    Known,
    /// Nobody can tell.
    Unclear,
}

fn meant<'a>(questions: &'a [Question], said: &str) -> Meant<'a> {
    let mut open = questions.iter().filter(|one| one.said.is_none());
    match (open.next(), open.next(), questions.first()) {
        (Some(one), None, _) => Meant::One(one),
        (None, _, Some(last)) if last.said.as_deref() == Some(said) => Meant::Known,
        (None, _, Some(last)) => Meant::One(last),
        _ => Meant::Unclear,
    }
}

impl Reader {
    /// Takes an answer. False: it is bound to no question, or to several; a person has to read it.
    ///
    /// # Errors
    /// [`Error::Common`]; nothing is stored then.
    pub(crate) async fn supply(&self, from: &str, is_back: bool) -> Result<bool, Error> {
        let (recipient, now) = (self.sealer.recipient(from), self.clock.now());
        let mut work = Work::internal(&self.db, "an answer by text", now).await?;
        let questions = question::of_number(work.conn(), &recipient, now).await?;
        match meant(&questions, word(is_back)) {
            Meant::Unclear => return Ok(false),
            // The provider handed it over twice, or they said it twice.
            Meant::Known => {}
            Meant::One(one) => self.take(&mut work, one, is_back, recipient).await?,
        }
        metrics::counter!("relight_answers_total", "meaning" => word(is_back)).increment(1);
        work.done().await?;
        Ok(true)
    }

    async fn take(
        &self,
        work: &mut Work,
        one: &Question,
        is_back: bool,
        recipient: [u8; 32],
    ) -> Result<(), Error> {
        let now = work.at();
        let version = question::answer(work.conn(), one.message.id, word(is_back), now).await?;
        let told = RestorationAnswer {
            check_id: one.check.to_string(),
            asked_id: one.asked.to_string(),
            said: word(is_back).to_owned(),
            at: Some(timestamp(now)),
        };
        work.tell(
            "restoration.answer",
            one.asked,
            version,
            &one.message.org_path,
            &told,
        );
        work.audit(
            "question.answered",
            one.asked,
            json!({ "customer": one.message.customer_id }),
        );
        self.say_back(work, one, (is_back, version), recipient).await
    }

    async fn say_back(
        &self,
        work: &mut Work,
        one: &Question,
        (is_back, version): (bool, i64),
        recipient: [u8; 32],
    ) -> Result<(), Error> {
        let (Some(customer), Some(contact)) = (one.message.customer_id, one.message.contact_id) else {
            return Ok(());
        };
        let echo = Echo {
            purpose: Purpose::StillOffAnswer,
            facts: Facts::StillOffAnswer {
                number: one.number.clone(),
                is_back,
            },
            subject: one.asked,
            version,
        };
        self.echo(
            work,
            &echo,
            &one.message,
            Reach::Contact { customer, contact },
            recipient,
        )
        .await
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::store::wrong::Answerable;

    fn question(n: u128, said: Option<&str>) -> Question {
        Question {
            message: Answerable {
                id: Uuid::from_u128(n),
                customer_id: None,
                contact_id: None,
                masked: String::new(),
                language: String::new(),
                org_path: String::new(),
                zone: String::new(),
            },
            asked: Uuid::from_u128(n),
            check: Uuid::nil(),
            number: String::new(),
            said: said.map(str::to_owned),
        }
    }

    #[test]
    fn a_word_is_bound_to_one_question_or_a_person_looks() {
        let of = |said: &[Option<&str>], word: &str| {
            let all: Vec<Question> = said
                .iter()
                .enumerate()
                .map(|(n, said)| question(n as u128, *said))
                .collect();
            match meant(&all, word) {
                Meant::One(one) => format!("{}", one.asked.as_u128()),
                Meant::Known => "known".to_owned(),
                Meant::Unclear => "unclear".to_owned(),
            }
        };
        let (back, off) = (Some("back"), Some("still_off"));
        let table: [(&[Option<&str>], &str); 7] = [
            (&[], "unclear"),
            (&[None], "0"),
            (&[None, None], "unclear"),
            (&[None, back], "0"),
            (&[back, None], "1"),
            (&[off, back], "known"),
            (&[back, off], "0"),
        ];
        for (said, right) in table {
            assert_eq!(of(said, "still_off"), right, "{said:?}");
        }
    }
}
