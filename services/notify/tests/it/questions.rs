//! "Is supply back?": asked once, by day or of those who may be woken; an answer is bound to its question, told to intake and said
//! back; what nobody can bind goes to a person.

use chrono::TimeDelta;
use prost::Message;
use relight_common::wire::timestamp;
use relight_proto::{
    common::v1::Language::{self, En, ZhCn},
    events::v1::{Event, RestorationAnswer, RestorationQuestion, restoration_question::Asked},
};
use relight_testkit::smsc::Smsc;
use uuid::Uuid;

use crate::world::{MORNING, NIGHT, World};

const PHONE: &str = "+8619900000001";
const OTHER: &str = "+8619900000002";

/// Notify that knows of the incident.
async fn started(now: &str) -> anyhow::Result<World> {
    let world = World::start(now).await?;
    world.apply(vec![world.incident_changed()]).await?;
    Ok(world)
}

struct Check {
    id: Uuid,
    version: u64,
    /// How long the answer may take, minutes.
    answer_min: i64,
}

impl Check {
    fn new() -> Self {
        Self {
            id: Uuid::now_v7(),
            version: 0,
            answer_min: 12 * 60,
        }
    }

    /// The next question of this check.
    fn asks(&mut self, world: &World, asked: &[(Uuid, Uuid, bool)], settled: &[Uuid]) -> Event {
        self.version += 1;
        let asked = asked.iter().map(|(asked, customer, night)| Asked {
            asked_id: asked.to_string(),
            customer_id: customer.to_string(),
            night: *night,
        });
        let question = RestorationQuestion {
            check_id: self.id.to_string(),
            incident_id: world.incident.to_string(),
            restored_at: Some(timestamp(world.clock.now() - TimeDelta::minutes(10))),
            not_before: Some(timestamp(world.clock.now())),
            answer_until: Some(timestamp(world.clock.now() + TimeDelta::minutes(self.answer_min))),
            asked: asked.collect(),
            settled_ids: settled.iter().map(Uuid::to_string).collect(),
            zone: "Asia/Shanghai".into(),
        };
        world.event("restoration.question", self.id, self.version, &question)
    }
}

/// A customer with a number, and the id of the question to them.
fn person(world: &World, phone: &str, language: Language) -> (Uuid, Uuid) {
    (
        Uuid::now_v7(),
        world.customer(&[("reader@example.org", language), (phone, language)], false),
    )
}

/// (asked, said) of every answer told.
async fn told(world: &World) -> anyhow::Result<Vec<(Uuid, String)>> {
    let rows: Vec<Vec<u8>> =
        sqlx::query_scalar("select data from outbox where type = 'restoration.answer' order by id")
            .fetch_all(world.db.pool())
            .await?;
    rows.iter()
        .map(|data| {
            let answer = RestorationAnswer::decode(data.as_slice())?;
            Ok((answer.asked_id.parse()?, answer.said))
        })
        .collect()
}

async fn count(world: &World, table: &str) -> anyhow::Result<i64> {
    let sql = sqlx::AssertSqlSafe(format!("select count(*) from {table}"));
    Ok(sqlx::query_scalar(sql).fetch_one(world.db.pool()).await?)
}

#[tokio::test]
async fn a_word_is_told_once_said_back_and_may_be_changed() -> anyhow::Result<()> {
    let world = started(MORNING).await?;
    let smsc = Smsc::start().await?;
    let texts = world.texts(&smsc).await?;
    let ((asked, customer), mut check) = (person(&world, PHONE, ZhCn), Check::new());
    let question = check.asks(&world, &[(asked, customer, false)], &[]);
    world.apply(vec![question]).await?;
    world.round(&texts.sender).await?;
    world.wait_for_states("still_off", &["delivered"]).await?;
    let settled = smsc.settled().wait_for_count(1).await?.len();
    for (n, word) in ["好的", "仍停电", "仍停电。", "已来电"].into_iter().enumerate() {
        smsc.write_to_client("8619900000001", "95598", word);
        smsc.settled().wait_for_count(settled + n + 1).await?;
    }
    let right = [(asked, "still_off".to_owned()), (asked, "back".to_owned())];
    assert_eq!(
        told(&world).await?,
        right,
        "each once, and what is unclear not at all"
    );
    assert_eq!(count(&world, "reply").await?, 1, "a person reads the rest");
    world.round(&texts.sender).await?;
    world
        .wait_for_states("still_off_answer", &["delivered", "delivered"])
        .await?;
    let seen = smsc.texts().all();
    assert!(seen[0].text.contains("I-20261122-0007") && seen[0].text.contains("仍停电"));
    assert!(seen[1].text.contains("已记录您处仍停电") && seen[2].text.contains("已记录您处已来电"));
    assert_eq!(
        world.messages().await?.len(),
        3,
        "no mail: nobody reads what is answered there"
    );
    texts.stop().await
}

#[tokio::test]
async fn the_night_is_for_those_who_reported_or_depend_on_it() -> anyhow::Result<()> {
    let world = started(NIGHT).await?;
    let (one, other) = (person(&world, PHONE, En), person(&world, OTHER, En));
    let mut check = Check::new();
    let question = check.asks(&world, &[(one.0, one.1, true), (other.0, other.1, false)], &[]);
    world.apply(vec![question]).await?;
    let waits: Vec<bool> = sqlx::query_scalar("select due_at > $1 from message order by due_at")
        .bind(world.clock.now())
        .fetch_all(world.db.pool())
        .await?;
    assert_eq!(waits, [false, true]);
    // Their meter answers before the morning.
    let settled = check.asks(&world, &[], &[other.0]);
    world.apply(vec![settled]).await?;
    world
        .wait_for_states("still_off", &["queued", "superseded"])
        .await
}

#[tokio::test]
async fn a_number_is_asked_once_in_a_check_and_who_has_none_is_told_back() -> anyhow::Result<()> {
    let world = started(MORNING).await?;
    let (one, shares) = (person(&world, PHONE, En), person(&world, PHONE, En));
    let mail = (Uuid::now_v7(), world.customer(&[("only@example.org", En)], false));
    let settled = person(&world, OTHER, En);
    let mut check = Check::new();
    let all = [one, shares, mail, settled].map(|(asked, customer)| (asked, customer, false));
    let question = check.asks(&world, &all, &[settled.0]);
    world.apply(vec![question]).await?;
    assert_eq!(count(&world, "message").await?, 1);
    // Later in the same check, when a meter did not answer.
    let late = person(&world, PHONE, En);
    let question = check.asks(&world, &[(late.0, late.1, false)], &[]);
    world.apply(vec![question]).await?;
    assert_eq!(count(&world, "message").await?, 1);
    let mut not_asked = told(&world).await?;
    let right = [
        (shares.0, "same_number"),
        (mail.0, "unreached"),
        (late.0, "same_number"),
    ];
    let mut right = right.map(|(asked, said)| (asked, said.to_owned())).to_vec();
    not_asked.sort_unstable();
    right.sort_unstable();
    assert_eq!(not_asked, right);
    Ok(())
}

/// How long an answer may take is what intake says, in the text and when it comes.
#[tokio::test]
async fn who_asks_says_until_when_an_answer_is_heard() -> anyhow::Result<()> {
    let world = started(MORNING).await?;
    let smsc = Smsc::start().await?;
    let texts = world.texts(&smsc).await?;
    let ((asked, customer), mut check) = (person(&world, PHONE, En), Check::new());
    check.answer_min = 120;
    let question = check.asks(&world, &[(asked, customer, false)], &[]);
    world.apply(vec![question]).await?;
    world.round(&texts.sender).await?;
    world.wait_for_states("still_off", &["delivered"]).await?;
    let settled = smsc.settled().wait_for_count(1).await?.len();
    assert!(smsc.texts().all()[0].text.contains("within 2 h"));
    world.clock.advance(TimeDelta::minutes(121));
    smsc.write_to_client("8619900000001", "95598", "BACK ON");
    smsc.settled().wait_for_count(settled + 1).await?;
    assert!(told(&world).await?.is_empty(), "too late to be bound");
    assert_eq!(count(&world, "reply").await?, 1);
    texts.stop().await
}

#[tokio::test]
async fn who_could_only_be_asked_when_it_is_too_late_is_not_asked() -> anyhow::Result<()> {
    let world = started(NIGHT).await?;
    let (one, other) = (person(&world, PHONE, En), person(&world, OTHER, En));
    let mut check = Check::new();
    check.answer_min = 60;
    let question = check.asks(&world, &[(one.0, one.1, true), (other.0, other.1, false)], &[]);
    world.apply(vec![question]).await?;
    assert_eq!(count(&world, "message").await?, 1, "the morning is too late");
    assert_eq!(told(&world).await?, [(other.0, "unreached".to_owned())]);
    Ok(())
}

#[tokio::test]
async fn what_cannot_be_bound_or_comes_too_late_is_for_a_person() -> anyhow::Result<()> {
    let world = started(MORNING).await?;
    let smsc = Smsc::start().await?;
    let texts = world.texts(&smsc).await?;
    let (one, two) = (person(&world, PHONE, En), person(&world, PHONE, En));
    for (asked, customer) in [one, two] {
        let question = Check::new().asks(&world, &[(asked, customer, false)], &[]);
        world.apply(vec![question]).await?;
    }
    world.round(&texts.sender).await?;
    world
        .wait_for_states("still_off", &["delivered", "delivered"])
        .await?;
    let settled = smsc.settled().wait_for_count(2).await?.len();
    smsc.write_to_client("8619900000001", "95598", "STILL OFF");
    smsc.settled().wait_for_count(settled + 1).await?;
    assert!(told(&world).await?.is_empty(), "which of the two?");
    assert_eq!(count(&world, "reply").await?, 1);
    world.clock.advance(TimeDelta::hours(13));
    smsc.write_to_client("8619900000001", "95598", "back on");
    smsc.settled().wait_for_count(settled + 2).await?;
    assert!(told(&world).await?.is_empty());
    assert_eq!(count(&world, "reply").await?, 2);
    texts.stop().await
}

#[tokio::test]
async fn who_answers_before_the_providers_word_is_written_down_is_heard() -> anyhow::Result<()> {
    let world = started(MORNING).await?;
    let smsc = Smsc::start().await?;
    let texts = world.texts(&smsc).await?;
    let (asked, customer) = person(&world, PHONE, En);
    let question = Check::new().asks(&world, &[(asked, customer, false)], &[]);
    world.apply(vec![question]).await?;
    world.round(&texts.sender).await?;
    world.wait_for_states("still_off", &["delivered"]).await?;
    sqlx::query("update notify.message set state = 'submitting', submitted_at = null")
        .execute(world.db.pool())
        .await?;
    let settled = smsc.settled().wait_for_count(1).await?.len();
    smsc.write_to_client("8619900000001", "95598", "STILL OFF");
    smsc.settled().wait_for_count(settled + 1).await?;
    assert_eq!(told(&world).await?, [(asked, "still_off".to_owned())]);
    texts.stop().await
}
