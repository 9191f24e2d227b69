//! What the worker carries from pass to pass is what the reports say, whatever is done to incidents in between; and a pass
//! reads what changed.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use relight_common::{ids::derived_from_name, wire::timestamp};
use relight_intake::domain::{IncidentId, incident::State};
use relight_proto::intake::v1::{self as pb, inferences_server::Inferences, intake_server::Intake};
use uuid::Uuid;

use crate::{
    given::{House, by_account, dispatcher, from, house, house_with_network},
    then,
};

/// Numbers that look random and are the same every time.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: usize) -> usize {
        self.0 += 1;
        let drawn = derived_from_name(&format!("throw {}", self.0)).as_u128();
        usize::try_from(drawn % u128::try_from(n.max(1)).expect("a count")).expect("below a count")
    }
}

/// The open incidents as they are stored, and as their reports say they are.
async fn compare(house: &House) -> anyhow::Result<()> {
    let mut conn = house.db.pool().acquire().await?;
    let arrival = relight_intake::domain::area::ArrivalLimits::of(&house.desk.pack, house.clock.now())?;
    let told = last_told(house).await?;
    for one in then::open(house).await? {
        let id: IncidentId = IncidentId::parse(&one.incident_id)?;
        let facts = relight_intake::store::grouping::facts(&mut conn, &[id], &[], &[]).await?;
        let stored = relight_intake::store::incident::by_id(&mut conn, id).await?;
        let stored = stored.expect("it is open");
        let mut right = stored.clone();
        match facts.get(&id) {
            Some(facts) => right.set_facts(facts.clone(), &arrival),
            None => right.report_count = 0,
        }
        assert_eq!(stored, right);
        let reporters = relight_intake::store::incident::reporters(&mut conn, &[id.uuid()]).await?;
        let reporters: Told = reporters[&id]
            .values()
            .map(|one| {
                (
                    one.customer_id.to_string(),
                    one.report_id.to_string(),
                    Some(timestamp(one.accepted_at)),
                )
            })
            .collect();
        assert_eq!(told[&one.incident_id], reporters);
    }
    Ok(())
}

type Told = Vec<(String, String, Option<prost_types::Timestamp>)>;

/// Who reported each incident, as it was told last.
async fn last_told(house: &House) -> anyhow::Result<BTreeMap<String, Told>> {
    let told = then::incidents_told(&house.db).await?.into_iter();
    Ok(told
        .map(|told| {
            let reporters = told.reporters.into_iter();
            let reporters = reporters.map(|one| (one.customer_id, one.report_id, one.accepted_at));
            (told.incident_id, reporters.collect())
        })
        .collect())
}

async fn report(house: &House, dice: &mut Dice, late: bool) -> anyhow::Result<()> {
    let account = format!(
        "A-{}-{}-{}",
        1 + dice.below(2),
        1 + dice.below(10),
        1 + dice.below(4)
    );
    let mut message = by_account(&account);
    // Danger is never a mere urge: the same customer has several reports.
    message.danger = dice.below(3) == 0;
    let reported_at: DateTime<Utc> = house.clock.now() - TimeDelta::minutes(20);
    message.reported_at = late.then(|| timestamp(reported_at));
    house.accept(message).await?;
    Ok(())
}

async fn split(house: &House, dice: &mut Dice) -> anyhow::Result<()> {
    let rows: Vec<(Uuid, Uuid)> = sqlx::query_as(
        "select l.report_id, l.incident_id from intake.report_link l
         join intake.incident i on i.id = l.incident_id and i.state = 'open' and i.report_count > 1
         order by l.linked_at, l.report_id",
    )
    .fetch_all(house.db.pool())
    .await?;
    if rows.is_empty() {
        return Ok(());
    }
    let request = pb::SplitRequest {
        command_id: Uuid::now_v7().to_string(),
        report_ids: vec![rows[dice.below(rows.len())].0.to_string()],
    };
    house.api.split(from(dispatcher(), request)).await?;
    Ok(())
}

async fn merge(house: &House, dice: &mut Dice) -> anyhow::Result<()> {
    let open = then::open(house).await?;
    if open.len() < 2 {
        return Ok(());
    }
    let n = dice.below(open.len());
    let request = pb::MergeRequest {
        command_id: Uuid::now_v7().to_string(),
        incident_id: open[n].incident_id.clone(),
        into_id: open[(n + 1) % open.len()].incident_id.clone(),
    };
    // A confirmed one does not become part of a guess.
    let _ = house.api.merge(from(dispatcher(), request)).await;
    Ok(())
}

async fn confirm(house: &House, dice: &mut Dice) -> anyhow::Result<()> {
    let open = then::open(house).await?;
    let guesses: Vec<_> = open
        .iter()
        .filter(|one| !one.confirmed && !one.device_id.is_empty())
        .collect();
    let Some(one) = guesses.get(dice.below(guesses.len())) else {
        return Ok(());
    };
    let request = pb::ConfirmDeviceRequest {
        command_id: Uuid::now_v7().to_string(),
        incident_id: one.incident_id.clone(),
        device_id: one.device_id.clone(),
        confirmed_by: "dispatcher".to_owned(),
    };
    house.api.confirm_device(from(dispatcher(), request)).await?;
    Ok(())
}

/// One step of a story made by throwing dice.
async fn step(house: &House, dice: &mut Dice) -> anyhow::Result<()> {
    match dice.below(14) {
        0 => split(house, dice).await?,
        1 => merge(house, dice).await?,
        2 if dice.below(3) == 0 => confirm(house, dice).await?,
        3 => report(house, dice, true).await?,
        _ => report(house, dice, false).await?,
    }
    house.later(TimeDelta::seconds(i64::try_from(dice.below(90))?));
    Ok(())
}

async fn a_story(house: House, seed: u64) -> anyhow::Result<()> {
    let mut dice = Dice(seed * 1_000_000);
    for _ in 0..80 {
        step(&house, &mut dice).await?;
        if dice.below(3) == 0 {
            house.group().await?;
            compare(&house).await?;
        }
    }
    house.group().await?;
    compare(&house).await
}

#[tokio::test]
async fn what_is_carried_on_is_what_the_reports_say_with_a_network() -> anyhow::Result<()> {
    for seed in 0..4 {
        a_story(house_with_network().await?, seed).await?;
    }
    Ok(())
}

#[tokio::test]
async fn what_is_carried_on_is_what_the_reports_say_without_one() -> anyhow::Result<()> {
    for seed in 4..6 {
        a_story(house().await?, seed).await?;
    }
    Ok(())
}

/// Somebody else, of an earlier release say, moved a report and said so to nobody but the incident's count.
#[tokio::test]
async fn a_count_that_does_not_agree_is_added_up_anew() -> anyhow::Result<()> {
    let house = house_with_network().await?;
    for customer in 1..=3 {
        house.accept(by_account(&format!("A-1-1-{customer}"))).await?;
    }
    house.group().await?;
    for sql in [
        "delete from intake.report_link where report_id = (select max(report_id::text)::uuid from intake.report_link)",
        "update intake.incident set report_count = 2",
    ] {
        sqlx::query(sql).execute(house.db.pool()).await?;
    }
    house.accept(by_account("A-1-1-4")).await?;
    house.group().await?;
    let open = then::open(&house).await?;
    assert_eq!((open.len(), open[0].report_count), (1, 3));
    let mut conn = house.db.pool().acquire().await?;
    let id = IncidentId::parse(&open[0].incident_id)?;
    let stored = relight_intake::store::incident::by_id(&mut conn, id).await?;
    assert_eq!(stored.map(|one| one.state), Some(State::Open));
    compare(&house).await
}
