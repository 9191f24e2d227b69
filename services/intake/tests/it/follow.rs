//! Whom a confirmed fault keeps off follows the switching, whatever that was done for (domain.md 5.5 no. 13).

use chrono::{DateTime, TimeDelta, Utc};
use prost::Message;
use relight_common::{ids::derived_from_name, reader::apply_batch, wire::timestamp};
use relight_grid::{Device, DeviceKind, End, Load, Phases, snapshot};
use relight_intake::consumer::FromRegistry;
use relight_proto::{
    events::v1::{GridSwitched, IncidentChanged},
    intake::v1::{self as pb, intake_server::Intake},
    registry::v1::ServicePoint,
};
use tokio_util::sync::CancellationToken;
use tonic::Status;
use uuid::Uuid;

use crate::{
    checks::children,
    given::{House, by_account, dispatcher, from, house, network},
    inference::event,
    then,
};

/// The town with a tie between its feeders that is open, and the members of what is below SW1.
async fn house_with_a_tie() -> anyhow::Result<House> {
    house_with_a_tie_and(0).await
}

/// And so many service points more on feeder 1, their accounts `B-`.
async fn house_with_a_tie_and(more: usize) -> anyhow::Result<House> {
    let house = house().await?;
    let mut network = network();
    house.others.say(|script| {
        let (like, on) = (script.accounts["A-1-1-1"].clone(), network.loads[0].clone());
        for n in 0..more {
            let (id, account) = (format!("L1-more-{n}"), format!("B-{n:06}"));
            network.loads.push(Load {
                id: id.clone(),
                bus: "feeder1".to_owned(),
                ..on.clone()
            });
            let point = ServicePoint {
                service_point_id: derived_from_name(&id).to_string(),
                customer_id: derived_from_name(&account).to_string(),
                external_id: id,
                account: account.clone(),
                ..like.clone()
            };
            script.accounts.insert(account, point);
        }
    });
    let end = |bus: &str| End {
        bus: bus.to_owned(),
        phases: Phases::new(&[1]).expect("one phase"),
    };
    network.devices.push(Device {
        id: "TIE".to_owned(),
        kind: DeviceKind::Switch,
        ends: vec![end("feeder1"), end("feeder2")],
        in_service: true,
        open: true,
        length_m: None,
    });
    let bytes = snapshot::write(&network)?;
    house.others.say(|script| {
        script.network = Some((Uuid::from_u128(9).to_string(), bytes));
        let below = |feeder: &str| {
            let theirs = script
                .accounts
                .values()
                .filter(|point| point.external_id.starts_with(feeder));
            theirs
                .map(|point| point.service_point_id.clone())
                .collect::<Vec<_>>()
        };
        let (first, second) = (below("L1-"), below("L2-"));
        let of = |device: &str| script.sets[device].set_id.clone();
        let (one, two) = (of("sw1"), of("sw2"));
        script.members.insert(one, first);
        script.members.insert(two, second);
    });
    house.desk.atlas.load().await?;
    Ok(house)
}

async fn confirmed(house: &House, account: &str, device: &str) -> anyhow::Result<String> {
    house.accept(by_account(account)).await?;
    house.group().await?;
    let open = then::open(house).await?;
    let guess = open.into_iter().find(|one| !one.confirmed).expect("a guess");
    let ask = pb::ConfirmDeviceRequest {
        command_id: Uuid::now_v7().to_string(),
        incident_id: guess.incident_id.clone(),
        device_id: device.to_owned(),
        confirmed_by: "dispatcher".to_owned(),
    };
    house.api.confirm_device(from(dispatcher(), ask)).await?;
    house.group().await?;
    house.later(TimeDelta::minutes(1));
    Ok(guess.incident_id)
}

fn switched(house: &House, no: u64, device: &str, closed: bool, state: (&[&str], &[&str])) -> GridSwitched {
    let ids = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect();
    GridSwitched {
        grid_version: Uuid::from_u128(9).to_string(),
        state_no: no,
        opened: ids(state.0),
        closed: ids(state.1),
        device_id: device.to_owned(),
        is_closed: closed,
        at: Some(timestamp(house.clock.now())),
        seen_only: true,
        ..Default::default()
    }
}

async fn tell(house: &House, told: &GridSwitched) -> anyhow::Result<()> {
    let events = vec![event(told.state_no, "grid.switched", told.encode_to_vec())];
    let consumer = FromRegistry::new(house.desk.clone());
    apply_batch(
        &house.db,
        "registry",
        0,
        events,
        &consumer,
        &CancellationToken::new(),
    )
    .await?;
    Ok(())
}

/// The last news of an incident.
async fn last(house: &House, id: &str) -> anyhow::Result<IncidentChanged> {
    let told = then::incidents_told(&house.db).await?;
    let of = told.into_iter().rev().find(|told| told.incident_id == id);
    Ok(of.expect("it was told"))
}

fn since(told: &IncidentChanged) -> Option<DateTime<Utc>> {
    let at = told.switched_at.as_ref()?;
    DateTime::from_timestamp(at.seconds, at.nanos.unsigned_abs())
}

/// The fuse is in no state of the network, and nobody said what the tie was closed for.
#[tokio::test]
async fn who_is_fed_by_a_tie_leaves_a_confirmed_fault_and_comes_back_when_it_opens() -> anyhow::Result<()> {
    let house = house_with_a_tie().await?;
    let id = confirmed(&house, "A-1-1-1", "SW1").await?;
    let before = last(&house, &id).await?;
    assert_eq!((before.affected_count, since(&before)), (40, None));
    let fed_at = house.clock.now();
    tell(&house, &switched(&house, 1, "TIE", true, (&[], &["TIE"]))).await?;
    house.group().await?;
    let fed = last(&house, &id).await?;
    assert_eq!((fed.affected_count, since(&fed)), (0, Some(fed_at)));
    assert_eq!(
        (fed.state.as_str(), fed.confirmed),
        ("open", true),
        "SW1 is to be repaired"
    );
    let told = then::incidents_told(&house.db).await?.len();
    house.later(TimeDelta::minutes(5));
    house.group().await?;
    assert_eq!(then::incidents_told(&house.db).await?.len(), told, "once");
    let lost_at = house.clock.now();
    tell(&house, &switched(&house, 2, "TIE", false, (&[], &[]))).await?;
    house.group().await?;
    let lost = last(&house, &id).await?;
    assert_eq!((lost.affected_count, since(&lost)), (40, Some(lost_at)));
    assert_ne!(lost.affected_set_id, fed.affected_set_id);
    Ok(())
}

/// More are off than one message to the registry holds.
#[tokio::test]
async fn a_fault_with_more_than_twenty_thousand_service_points_follows_the_switching() -> anyhow::Result<()> {
    let house = house_with_a_tie_and(20_100).await?;
    let id = confirmed(&house, "A-1-1-1", "SW1").await?;
    tell(&house, &switched(&house, 1, "TIE", true, (&[], &["TIE"]))).await?;
    house.group().await?;
    assert_eq!(last(&house, &id).await?.affected_count, 0);
    let lost_at = house.clock.now();
    tell(&house, &switched(&house, 2, "TIE", false, (&[], &[]))).await?;
    house.group().await?;
    let lost = last(&house, &id).await?;
    assert_eq!((lost.affected_count, since(&lost)), (20_140, Some(lost_at)));
    assert_eq!(house.others.asked("create_listed"), 1);
    Ok(())
}

/// Two switchings before the worker looks: each is followed in its order, with its moment.
#[tokio::test]
async fn switchings_are_followed_one_after_the_other_also_when_the_registry_was_away() -> anyhow::Result<()> {
    let house = house_with_a_tie().await?;
    let id = confirmed(&house, "A-1-1-1", "SW1").await?;
    let told = then::incidents_told(&house.db).await?.len();
    let fed_at = house.clock.now();
    tell(&house, &switched(&house, 1, "TIE", true, (&[], &["TIE"]))).await?;
    house.later(TimeDelta::minutes(5));
    let lost_at = house.clock.now();
    tell(&house, &switched(&house, 2, "TIE", false, (&[], &[]))).await?;
    house
        .others
        .say(|script| script.failure = Some(Status::unavailable("away")));
    house.group().await?;
    assert_eq!(then::incidents_told(&house.db).await?.len(), told);
    house.others.say(|script| script.failure = None);
    house.group().await?;
    let of = then::incidents_told(&house.db).await?.split_off(told);
    let moves: Vec<_> = of
        .iter()
        .map(|told| (told.incident_id.clone(), told.affected_count, since(told)))
        .collect();
    assert_eq!(moves, [(id.clone(), 0, Some(fed_at)), (id, 40, Some(lost_at))]);
    Ok(())
}

/// What is opened below the fault to work safely gives nobody supply, and who is switched off for it is off because of it.
#[tokio::test]
async fn isolating_the_place_of_work_brings_nobody_back_and_puts_off_whom_it_needs() -> anyhow::Result<()> {
    let house = house_with_a_tie().await?;
    let id = confirmed(&house, "A-1-1-1", "SW1").await?;
    let told = then::incidents_told(&house.db).await?.len();
    tell(&house, &switched(&house, 1, "T1-2", false, (&["T1-2"], &[]))).await?;
    house.group().await?;
    assert_eq!(
        then::incidents_told(&house.db).await?.len(),
        told,
        "dark before and after"
    );
    let mut needed = switched(&house, 2, "SW2", false, (&["T1-2", "SW2"], &[]));
    (needed.basis_kind, needed.basis_id) = ("incident".to_owned(), id.clone());
    needed.lost_set_id = relight_common::ids::derived_from_name("SW2").to_string();
    needed.seen_only = false;
    tell(&house, &needed).await?;
    house.group().await?;
    assert_eq!(last(&house, &id).await?.affected_count, 80);
    tell(&house, &switched(&house, 3, "SW2", true, (&["T1-2"], &[]))).await?;
    house.group().await?;
    assert_eq!(last(&house, &id).await?.affected_count, 40);
    Ok(())
}

/// The breaker that had tripped holds again: there is supply through it. It trips once more: there is none.
#[tokio::test]
async fn who_hangs_on_a_device_that_was_closed_again_has_supply() -> anyhow::Result<()> {
    let house = house_with_a_tie().await?;
    let id = confirmed(&house, "A-1-1-1", "SW1").await?;
    for (no, closed, right) in [(1, false, 40), (2, true, 0), (3, false, 40)] {
        house.later(TimeDelta::minutes(2));
        let opened: &[&str] = if closed { &[] } else { &["SW1"] };
        tell(&house, &switched(&house, no, "SW1", closed, (opened, &[]))).await?;
        house.group().await?;
        assert_eq!(last(&house, &id).await?.affected_count, right, "{no}");
    }
    Ok(())
}

/// Two customers of a confirmed fault, of whom one had called. Fed by the tie they say that they are off nevertheless, within two hours of the
/// first call: no urge, and children with clocks of their own. Switched back it is the old fault again.
#[tokio::test]
async fn who_is_still_off_after_being_fed_another_way_opens_a_child() -> anyhow::Result<()> {
    let house = house_with_a_tie().await?;
    let id = confirmed(&house, "A-1-1-1", "SW1").await?;
    let urged = house.accept(by_account("A-1-1-1")).await?;
    assert_eq!((urged.triage.as_str(), urged.urge_count), ("urge", 1));
    tell(&house, &switched(&house, 1, "TIE", true, (&[], &["TIE"]))).await?;
    house.group().await?;
    house.later(TimeDelta::minutes(10));
    let mut said = Vec::new();
    for account in ["A-1-1-1", "A-1-4-1"] {
        said.push(house.accept(by_account(account)).await?);
        house.later(TimeDelta::seconds(20));
        house.group().await?;
    }
    let mut children = children(&house, &id).await?;
    children.sort_by_key(|child| child.number.clone());
    let clocks: Vec<_> = children.iter().map(|child| child.accepted_at).collect();
    assert_eq!(clocks.first(), Some(&said[0].accepted_at), "{said:?}");
    let reports: u32 = children.iter().map(|child| child.report_count).sum();
    assert_eq!(reports, 2, "none of them is in the old one: {children:?}");
    assert!(said.iter().all(|report| report.triage != "urge"));
    // Who urges now urges the child; who was switched back urges the old one.
    let urged = house.accept(by_account("A-1-1-1")).await?;
    assert_eq!(urged.report_id, said[0].report_id);
    house.accept(by_account("A-1-7-1")).await?;
    house.group().await?;
    tell(&house, &switched(&house, 2, "TIE", false, (&[], &[]))).await?;
    house.group().await?;
    house.later(TimeDelta::minutes(1));
    let lost = house.accept(by_account("A-1-2-1")).await?;
    house.group().await?;
    let by = pb::get_report_request::By::ReportId(lost.report_id);
    let ask = pb::GetReportRequest { by: Some(by) };
    let lost = house.api.get_report(from(dispatcher(), ask)).await?.into_inner();
    assert_eq!(lost.incident_id, id, "off by the same fault as before");
    Ok(())
}

/// A guess whose feeder is fed another way is over, and who is off nevertheless is a child of it; what hangs on the fault as before goes on.
#[tokio::test]
async fn a_guess_is_over_for_those_who_are_fed_around_it_and_goes_on_for_the_others() -> anyhow::Result<()> {
    let house = house_with_a_tie().await?;
    let feeder = ["A-1-1-1", "A-1-2-1", "A-1-3-1", "A-1-4-1", "A-1-5-1", "A-1-6-1"];
    for account in feeder {
        house.accept(by_account(account)).await?;
        house.later(TimeDelta::seconds(20));
    }
    house.group().await?;
    let guess = then::open(&house).await?.remove(0);
    assert_eq!(guess.device_id, "SW1");
    let fed = |no: u64, opened: &'static [&'static str], closed: &'static [&'static str]| {
        let mut ordered = switched(&house, no, "SW1", opened.is_empty(), (opened, closed));
        ordered.seen_only = false;
        ordered
    };
    tell(&house, &fed(1, &["SW1"], &["TIE"])).await?;
    house.group().await?;
    assert!(then::open(&house).await?.is_empty());
    house.later(TimeDelta::minutes(10));
    let mut again = Vec::new();
    for account in ["A-1-1-1", "A-1-1-2", "A-1-1-3"] {
        again.push(house.accept(by_account(account)).await?);
        house.later(TimeDelta::seconds(20));
    }
    house.group().await?;
    let children = children(&house, &guess.incident_id).await?;
    let seen: Vec<_> = children
        .iter()
        .map(|child| (child.device_id.as_str(), child.accepted_at, child.report_count))
        .collect();
    assert_eq!(seen, [("T1-1", again[0].accepted_at, 3)], "a clock of its own");
    // As before: T1-1 is to blame whichever feeder it hangs on.
    tell(&house, &fed(2, &[], &[])).await?;
    house.group().await?;
    assert_eq!(house.accept(by_account("A-1-1-1")).await?.triage, "urge");
    let open = then::open(&house).await?;
    assert!(
        open.iter().any(|one| one.incident_id == children[0].incident_id),
        "{open:?}"
    );
    Ok(())
}
