//! What is known of the network: how it is switched when a process starts, and customers who change afterwards.

use chrono::TimeDelta;
use prost::Message;
use relight_common::{reader::apply_batch, wire::timestamp};
use relight_grid::{Bus, Device, DeviceKind, End, Load, Phases, snapshot};
use relight_intake::consumer::FromRegistry;
use relight_proto::{
    events::v1::{CustomerChanged, CustomersChanged, GridSwitched},
    registry::v1::{GridStateReply, ServicePoint},
};
use tokio_util::sync::CancellationToken;
use tonic::Status;
use uuid::Uuid;

use crate::{
    given::{House, by_account, customer_id, house, house_with_network, network},
    inference::event,
    signals::{send, signal},
    then,
};

/// The town with a switch between its feeders, open as is normal, and a transformer at the bus bar whose customers never call; the
/// registry says that SW1 is open and TIE is closed.
async fn fed_by_the_other_feeder() -> anyhow::Result<House> {
    let house = house().await?;
    let phases = Phases::new(&[1])?;
    let end = |bus: &str| End {
        bus: bus.to_owned(),
        phases,
    };
    let mut network = network();
    let device = |id: &str, kind, (from, to), open| Device {
        id: id.to_owned(),
        kind,
        ends: vec![end(from), end(to)],
        in_service: true,
        open,
        length_m: None,
    };
    network.devices.extend([
        device("TIE", DeviceKind::Switch, ("feeder1", "feeder2"), true),
        device("T0", DeviceKind::Transformer, ("bus", "low0"), false),
    ]);
    network.buses.push(Bus {
        id: "low0".to_owned(),
        position: None,
    });
    network.loads.extend((1..=10).map(|n| Load {
        id: format!("L0-{n}"),
        bus: "low0".to_owned(),
        phases,
        customers: 1,
        in_service: true,
    }));
    let (bytes, at) = (
        snapshot::write(&network)?,
        house.clock.now() - TimeDelta::hours(3),
    );
    house.others.say(|script| {
        script.network = Some((Uuid::from_u128(9).to_string(), bytes));
        script.state = GridStateReply {
            state_no: 4,
            opened: vec!["SW1".to_owned()],
            closed: vec!["TIE".to_owned()],
            at: Some(timestamp(at)),
            ..Default::default()
        };
    });
    Ok(house)
}

/// Customers of both feeders call in turn; gives the devices named.
async fn both_feeders_call(house: &House) -> anyhow::Result<Vec<String>> {
    for n in 0..20 {
        let account = format!("A-{}-{}-{}", n % 2 + 1, n / 2 + 1, n % 4 + 1);
        house.accept(by_account(&account)).await?;
        house.later(TimeDelta::seconds(20));
    }
    house.group().await?;
    let open = then::open(house).await?;
    Ok(open.into_iter().map(|one| one.device_id).collect())
}

/// SW2 feeds both feeders: a process that takes the network as it normally is would name the breaker above.
#[tokio::test]
async fn a_process_that_starts_knows_how_the_network_is_switched_though_it_heard_of_no_switching()
-> anyhow::Result<()> {
    let house = fed_by_the_other_feeder().await?;
    house.desk.atlas.load().await?;
    assert_eq!(both_feeders_call(&house).await?, ["SW2"]);
    // It is kept: the next process has it from the table, whatever the registry says of later.
    assert_eq!(then::count(&house.db, "switching").await?, 1);
    Ok(())
}

#[tokio::test]
async fn without_a_switching_the_same_calls_name_the_breaker() -> anyhow::Result<()> {
    let house = fed_by_the_other_feeder().await?;
    house
        .others
        .say(|script| script.state = GridStateReply::default());
    house.desk.atlas.load().await?;
    assert_eq!(both_feeders_call(&house).await?, ["CB"]);
    assert_eq!(then::count(&house.db, "switching").await?, 0);
    Ok(())
}

/// What is told again, late or by events of before changes nothing; what is told of later does.
#[tokio::test]
async fn the_present_state_and_switchings_heard_of_do_not_contradict_each_other() -> anyhow::Result<()> {
    let house = fed_by_the_other_feeder().await?;
    house.desk.atlas.load().await?;
    house.group().await?;
    let told = |state_no, opened: &[&str], at| {
        let switched = GridSwitched {
            grid_version: Uuid::from_u128(9).to_string(),
            state_no,
            opened: opened.iter().map(|id| (*id).to_owned()).collect(),
            at: Some(timestamp(at)),
            ..Default::default()
        };
        event(state_no, "grid.switched", switched.encode_to_vec())
    };
    let now = house.clock.now();
    let consumer = FromRegistry::new(house.desk.clone());
    let before = vec![told(3, &["SW2"], now - TimeDelta::hours(4))];
    let stop = CancellationToken::new();
    apply_batch(&house.db, "registry", 0, before, &consumer, &stop).await?;
    assert_eq!(both_feeders_call(&house).await?, ["SW2"], "that was before");
    // Feeder 2 is opened on purpose and with it everything: no meter there is a fault.
    let later = vec![told(5, &["SW1", "SW2"], house.clock.now())];
    apply_batch(&house.db, "registry", 0, later, &consumer, &stop).await?;
    house.later(TimeDelta::hours(3));
    let off = (1..=4).map(|c| {
        signal(
            &format!("{c}"),
            "last_gasp",
            &format!("L2-9-{c}"),
            house.clock.now(),
        )
    });
    send(&house, off.collect()).await?;
    house.group().await?;
    assert_eq!(then::open(&house).await?.len(), 1, "the one of before");
    Ok(())
}

/// A newer version came between the network and the question how it is switched: neither is taken, and both are asked for again.
#[tokio::test]
async fn a_network_is_not_taken_with_the_switches_of_another() -> anyhow::Result<()> {
    let house = fed_by_the_other_feeder().await?;
    house.others.say(|script| script.state_of_another = true);
    assert!(house.desk.atlas.load().await.is_err());
    assert!(house.desk.atlas.town().is_none());
    house.others.say(|script| script.state_of_another = false);
    house.desk.atlas.load().await?;
    assert!(house.desk.atlas.town().is_some());
    Ok(())
}

async fn tell_of(house: &House, seq: u64, customer: Uuid) -> anyhow::Result<()> {
    let changed = CustomerChanged {
        customer_id: customer.to_string(),
    };
    let events = vec![event(seq, "customer.changed", changed.encode_to_vec())];
    let consumer = FromRegistry::new(house.desk.clone());
    let stop = CancellationToken::new();
    apply_batch(&house.db, "registry", 0, events, &consumer, &stop).await?;
    Ok(())
}

fn change(house: &House, account: &str, change: impl FnOnce(&mut ServicePoint)) -> ServicePoint {
    let mut now = ServicePoint::default();
    house.others.say(|script| {
        let point = script.accounts.get_mut(account).expect("an account");
        change(point);
        now = point.clone();
    });
    now
}

/// A customer is put on life-support after the network was loaded: the next one to ask knows it, and nothing else was read again.
#[tokio::test]
async fn a_class_that_changed_is_known_without_loading_everything_again() -> anyhow::Result<()> {
    let house = house_with_network().await?;
    let (snapshots, lists) = (
        house.others.asked("grid_snapshot"),
        house.others.asked("list_service_points"),
    );
    let point = change(&house, "A-1-2-3", |point| {
        (point.life_support, point.important) = (true, true);
    });
    let id: Uuid = point.service_point_id.parse()?;
    let town = house.desk.atlas.town().expect("a network");
    assert!(town.on_life_support(&[id]).is_empty());
    tell_of(&house, 1, customer_id("A-1-2-3")).await?;
    house.desk.atlas.catch_up().await?;
    let people = town.on_life_support(&[id]);
    assert_eq!(people.len(), 1);
    assert_eq!(people[0].customer, customer_id("A-1-2-3"));
    let load = town.grid().load("L1-2-3").expect("a load");
    let place = town.place_of(load);
    assert!(place.life_support && place.important);
    assert_eq!(
        (
            house.others.asked("grid_snapshot"),
            house.others.asked("list_service_points")
        ),
        (snapshots, lists)
    );
    // And taken off it again.
    change(&house, "A-1-2-3", |point| point.life_support = false);
    tell_of(&house, 2, customer_id("A-1-2-3")).await?;
    house.desk.atlas.catch_up().await?;
    assert!(town.on_life_support(&[id]).is_empty());
    Ok(())
}

/// An import changed so many that none is told of alone: all are read again, once, by the process that hears of it and by the others.
#[tokio::test]
async fn after_a_change_of_very_many_everybody_is_read_again() -> anyhow::Result<()> {
    let house = house_with_network().await?;
    let other = house.restarted().await?;
    other.atlas.load().await?;
    let (began, lists) = (house.clock.now(), house.others.asked("list_service_points"));
    let id: Uuid = change(&house, "A-1-2-3", |point| point.life_support = true)
        .service_point_id
        .parse()?;
    change(&house, "A-2-1-1", |point| {
        point.customer_id = customer_id("somebody new").to_string()
    });
    let events = vec![event(
        1,
        "customers.changed",
        CustomersChanged { count: 2 }.encode_to_vec(),
    )];
    let consumer = FromRegistry::new(house.desk.clone());
    let stop = CancellationToken::new();
    apply_batch(&house.db, "registry", 0, events, &consumer, &stop).await?;
    for desk in [&house.desk, &other] {
        desk.atlas.look_around(&house.db, began).await?;
        desk.atlas.look_around(&house.db, began).await?;
        let town = desk.atlas.town().expect("a network");
        assert_eq!(town.on_life_support(&[id]).len(), 1);
        assert_eq!(town.customer_of("L2-1-1"), Some(customer_id("somebody new")));
    }
    assert_eq!(house.others.asked("list_service_points"), lists + 2);
    Ok(())
}

/// Somebody moves out, somebody moves in, and one has more service points than one answer holds.
#[tokio::test]
async fn who_moved_in_is_the_one_who_is_there_and_who_moved_out_is_not() -> anyhow::Result<()> {
    let house = house_with_network().await?;
    let (new, empty) = (customer_id("somebody new"), customer_id("A-1-3-4"));
    for account in ["A-1-3-1", "A-1-3-2", "A-1-3-3"] {
        change(&house, account, |point| point.customer_id = new.to_string());
    }
    house.others.say(|script| drop(script.accounts.remove("A-1-3-4")));
    tell_of(&house, 1, new).await?;
    tell_of(&house, 2, customer_id("A-1-3-1")).await?;
    tell_of(&house, 3, empty).await?;
    house.desk.atlas.catch_up().await?;
    let town = house.desk.atlas.town().expect("a network");
    for load in ["L1-3-1", "L1-3-2", "L1-3-3"] {
        assert_eq!(town.customer_of(load), Some(new), "{load}");
    }
    assert_eq!(town.customer_of("L1-3-4"), None, "nobody lives there");
    assert_eq!(town.customer_of("L1-4-4"), Some(customer_id("A-1-4-4")));
    Ok(())
}

/// The registry is away when it is told, another process loaded before, and one is loading: nobody stays as they were.
#[tokio::test]
async fn a_change_is_not_lost_while_the_registry_is_away_nor_for_the_other_processes() -> anyhow::Result<()> {
    let house = house_with_network().await?;
    let other = house.restarted().await?;
    other.atlas.load().await?;
    let began = house.clock.now();
    let id: Uuid = change(&house, "A-2-2-3", |point| point.life_support = true)
        .service_point_id
        .parse()?;
    house
        .others
        .say(|script| script.failure = Some(Status::unavailable("away")));
    tell_of(&house, 1, customer_id("A-2-2-3")).await?;
    assert!(house.desk.atlas.catch_up().await.is_err());
    house.others.say(|script| script.failure = None);
    house.desk.atlas.catch_up().await?;
    let people = |desk: &relight_intake::desk::Desk| {
        let town = desk.atlas.town().expect("a network");
        town.on_life_support(&[id]).len()
    };
    assert_eq!((people(&house.desk), people(&other)), (1, 0));
    house.later(TimeDelta::minutes(1));
    other.atlas.look_around(&house.db, began).await?;
    assert_eq!(people(&other), 1);
    // One that was told of while the network was not there yet is asked for when it is.
    let third = house.restarted().await?;
    third.atlas.changed(customer_id("A-2-2-3"));
    let asked = house.others.asked("points_of_customer");
    third.atlas.catch_up().await?;
    assert_eq!(house.others.asked("points_of_customer"), asked, "not yet");
    third.atlas.look_around(&house.db, house.clock.now()).await?;
    assert!(house.others.asked("points_of_customer") > asked);
    Ok(())
}
