//! Who is fed another way while a fault or planned work goes on, and who loses that again (domain.md 5.5 no. 13).

use relight_common::wire::timestamp;
use relight_insight::domain::record::CustomerId;
use relight_proto::events::v1::{Event, GridSwitched, OutageChanged};
use uuid::Uuid;

use crate::{
    classes::{row, switched},
    given::{Incident, World, at, notify, people, world},
};

impl World {
    /// Who is off since which minute, in that order.
    async fn off_by_minute(&self) -> anyhow::Result<Vec<(CustomerId, i64)>> {
        let mut off = self.off_since().await?;
        off.sort_by_key(|(_, minute)| *minute);
        Ok(off)
    }

    /// How many were told "closed", by switching or not, and "opened", in order.
    async fn steps(&self) -> anyhow::Result<Vec<(String, u32, bool)>> {
        let told = self.told().await?.into_iter();
        Ok(told
            .map(|step| (step.kind, step.customers, step.by_switching))
            .collect())
    }
}

fn step(kind: &str, customers: u32, by_switching: bool) -> (String, u32, bool) {
    (kind.to_owned(), customers, by_switching)
}

/// Whatever the switching was done for: intake says who is fed, at the moment of the switching, and each is told once.
#[tokio::test]
async fn who_is_fed_another_way_is_on_again_since_the_switching_and_off_again_when_that_ends()
-> anyhow::Result<()> {
    let world = world().await?;
    let who = people(3);
    let mut fault = Incident::reported(&[(who[0], 5)]);
    world.confirm(&mut fault, &who).await?;
    assert_eq!(world.off().await?.len(), 3);
    world.follow(&mut fault, &who[2..], 20).await?;
    assert_eq!(world.off_since().await?, [(who[2], 5)]);
    assert_eq!(
        world.book(who[0]).await?,
        [row("FAULT", 5, 20)],
        "also who reported"
    );
    assert_eq!(world.book(who[1]).await?, [row("FAULT", 5, 20)]);
    // The same again, and a later report of somebody else, tell nobody.
    world.incident(&fault).await?;
    fault.report(who[2], 22);
    world.incident(&fault).await?;
    assert_eq!(
        world.steps().await?,
        [step("opened", 3, false), step("closed", 2, true)],
    );
    world.follow(&mut fault, &who[1..], 40).await?;
    let off = world.off_by_minute().await?;
    assert_eq!(
        off,
        [(who[2], 5), (who[1], 40)],
        "off again since the switching, and not since the fault"
    );
    fault.report(who[1], 41);
    world.incident(&fault).await?;
    world.restore(&fault, 60, None).await?;
    assert!(world.off().await?.is_empty());
    assert_eq!(
        world.book(who[1]).await?,
        [row("FAULT", 5, 20), row("FAULT", 40, 60)]
    );
    assert_eq!(world.book(who[2]).await?, [row("FAULT", 5, 60)]);
    assert_eq!(world.audited("interruption.withdrawn").await?, 0, "they were off");
    Ok(())
}

/// Told in one batch, as after a pause of the reader: each switching is one from the set before it.
#[tokio::test]
async fn switchings_that_come_together_are_each_a_change_of_the_one_before() -> anyhow::Result<()> {
    let world = world().await?;
    let who = people(2);
    let mut fault = Incident::reported(&[]);
    (fault.told.accepted_at, fault.told.off_at) = (Some(timestamp(at(5))), Some(timestamp(at(5))));
    let mut events = Vec::new();
    for (members, switched) in [(&who[..], None), (&who[1..], Some(20)), (&who[..], Some(40))] {
        let set = world.set(members);
        fault.next(|told| {
            (told.confirmed, told.affected_set_id) = (true, set);
            told.switched_at = switched.map(|minute| timestamp(at(minute)));
        });
        let told = &fault.told;
        events.push(world.event("incident.changed", &told.incident_id, fault.version, told));
    }
    world.apply("intake", events).await?;
    world.nothing_parked().await?;
    assert_eq!(world.off_by_minute().await?, [(who[1], 5), (who[0], 40)]);
    assert_eq!(world.book(who[0]).await?, [row("FAULT", 5, 20)]);
    assert_eq!(world.audited("interruption.withdrawn").await?, 0);
    Ok(())
}

/// Who hangs on the fault only since a switching was never off before it.
#[tokio::test]
async fn whom_a_switching_puts_behind_a_fault_is_off_since_then() -> anyhow::Result<()> {
    let world = world().await?;
    let who = people(2);
    let mut fault = Incident::reported(&[]);
    (fault.told.accepted_at, fault.told.off_at) = (Some(timestamp(at(5))), Some(timestamp(at(5))));
    world.confirm(&mut fault, &who[..1]).await?;
    world.follow(&mut fault, &who, 30).await?;
    // A meter tells later that it began earlier: for those who were off then.
    fault.next(|told| told.off_at = Some(timestamp(at(2))));
    world.incident(&fault).await?;
    let off = world.off_by_minute().await?;
    assert_eq!(off, [(who[0], 2), (who[1], 30)]);
    Ok(())
}

/// The switching alone ends no confirmed fault: that somebody is below what was closed does not say that the fault is not above them.
#[tokio::test]
async fn a_fault_is_ended_for_whom_intake_says_and_a_second_one_goes_on() -> anyhow::Result<()> {
    let world = world().await?;
    let who = people(3);
    let mut fault = Incident::reported(&[(who[0], 0)]);
    world.confirm(&mut fault, &who).await?;
    let mut nested = Incident::reported(&[(who[1], 10)]);
    world.confirm(&mut nested, &who[1..2]).await?;
    let mut fed = switched("TIE", true, 40, 1);
    fed.restored_set_id = world.set(&who);
    world.grid(&fed).await?;
    (fed.basis_kind, fed.basis_id) = ("incident".to_owned(), fault.told.incident_id.clone());
    fed.state_no = 2;
    world.grid(&fed).await?;
    assert_eq!(world.off().await?.len(), 3);
    world.follow(&mut fault, &who[2..], 40).await?;
    assert_eq!(world.off_by_minute().await?, [(who[2], 0), (who[1], 40)]);
    let why = world.why(&notify(), &who[1..2]).await?;
    assert_eq!(
        why[0].incident_id, nested.told.incident_id,
        "below another fault still"
    );
    Ok(())
}

/// Another device is confirmed: that corrects who was off, and a switching before it does not make it one.
#[tokio::test]
async fn a_corrected_device_after_a_switching_withdraws_who_was_never_off() -> anyhow::Result<()> {
    let world = world().await?;
    let who = people(3);
    let mut fault = Incident::reported(&[(who[0], 0)]);
    world.confirm(&mut fault, &who).await?;
    world.follow(&mut fault, &who[..2], 20).await?;
    fault.told.switched_at = None;
    world.confirm(&mut fault, &who[..1]).await?;
    assert_eq!(world.off_since().await?, [(who[0], 0)]);
    assert!(world.book(who[1]).await?.is_empty(), "never off");
    assert_eq!(world.book(who[2]).await?, [row("FAULT", 0, 20)]);
    Ok(())
}

/// A guess has no set: its reporter is back by the switching that was done for it.
#[tokio::test]
async fn the_reporter_of_a_guess_is_back_by_the_switching_done_for_it() -> anyhow::Result<()> {
    let world = world().await?;
    let who = people(1);
    let guess = Incident::reported(&[(who[0], 0)]);
    world.incident(&guess).await?;
    let mut fed = switched("TIE", true, 15, 1);
    fed.restored_set_id = world.set(&who);
    (fed.basis_kind, fed.basis_id) = ("incident".to_owned(), guess.told.incident_id.clone());
    world.grid(&fed).await?;
    assert_eq!(world.book(who[0]).await?, [row("FAULT", 0, 15)]);
    Ok(())
}

fn planned(world: &World, id: Uuid, set: String, devices: &[&str]) -> Event {
    let told = OutageChanged {
        outage_id: id.to_string(),
        state: "off".to_owned(),
        class: "PLANNED".to_owned(),
        affected_set_id: set,
        device_ids: devices.iter().map(|id| (*id).to_owned()).collect(),
        off_at: Some(timestamp(at(0))),
        on_at: Some(timestamp(at(90))),
        switched_off_at: Some(timestamp(at(0))),
        ..OutageChanged::default()
    };
    world.event("outage.changed", &told.outage_id, 1, &told)
}

fn tie(closed: bool, who: String, minute: i64, n: u64, opened: &[&str]) -> GridSwitched {
    let mut told = switched("TIE", closed, minute, n);
    told.opened = opened.iter().map(|id| (*id).to_owned()).collect();
    if closed {
        told.restored_set_id = who;
    } else {
        told.lost_set_id = who;
    }
    told
}

/// Planned work whose devices are all open: who has supply has it another way, whatever that was switched for.
#[tokio::test]
async fn planned_work_lets_go_whom_a_tie_feeds_and_takes_them_back_when_it_opens() -> anyhow::Result<()> {
    let world = world().await?;
    let who = people(2);
    let outage = Uuid::now_v7();
    world
        .apply(
            "planner",
            vec![planned(&world, outage, world.set(&who), &["sw1", "SW2"])],
        )
        .await?;
    assert_eq!(world.off().await?.len(), 2);
    let blind = tie(true, world.set(&who), 10, 1, &["SW1"]);
    world.grid(&blind).await?;
    assert_eq!(
        world.off().await?.len(),
        2,
        "SW2 is closed as far as the network knows"
    );
    let fed = tie(true, world.set(&who[..1]), 20, 2, &["SW1", "SW2"]);
    world.grid(&fed).await?;
    assert_eq!(world.off_since().await?, [(who[1], 0)]);
    let lost = tie(false, world.set(&who[..1]), 50, 3, &["SW1", "SW2"]);
    world.grid(&lost).await?;
    let off = world.off_by_minute().await?;
    assert_eq!(off, [(who[1], 0), (who[0], 50)]);
    world.planned_back(outage, 80).await?;
    assert_eq!(
        world.book(who[0]).await?,
        [row("PLANNED", 0, 20), row("PLANNED", 50, 80)]
    );
    assert_eq!(world.book(who[1]).await?, [row("PLANNED", 0, 80)]);
    assert_eq!(
        world.steps().await?,
        [
            step("opened", 2, false),
            step("closed", 1, true),
            step("opened", 1, false),
            step("closed", 2, false)
        ]
    );
    Ok(())
}
