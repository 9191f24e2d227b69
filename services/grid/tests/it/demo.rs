//! The demo town is a town: one piece, fed, believable, the same again.

use std::collections::{BTreeSet, HashSet};

use relight_grid::pack::{AreaClass, Channel, CustomerClass, Language, OwnGeneration};
use relight_grid::{DeviceKind, Pack, demo};
use rlibphonenumber::PHONE_NUMBER_UTIL;

use crate::data;

fn town() -> Pack {
    demo::town(7)
}

fn count(pack: &Pack, kind: DeviceKind) -> usize {
    pack.network
        .devices
        .iter()
        .filter(|device| device.kind == kind)
        .count()
}

#[test]
fn the_same_seed_gives_the_same_town_and_another_seed_another() {
    assert_eq!(town(), town());
    assert_ne!(town().customers, demo::town(8).customers);
}

#[test]
fn it_has_the_size_and_the_devices_of_a_small_town() {
    for seed in 0..5 {
        let pack = demo::town(seed);
        assert!(
            (4_800..5_300).contains(&pack.customers.len()),
            "{}",
            pack.customers.len()
        );
        assert_eq!(pack.service_points.len(), pack.customers.len());
        assert_eq!(pack.network.sources.len(), 2);
        assert_eq!(count(&pack, DeviceKind::Breaker), 6);
        assert!((120..=130).contains(&count(&pack, DeviceKind::Transformer)));
        assert_eq!(
            count(&pack, DeviceKind::Fuse),
            count(&pack, DeviceKind::Transformer)
        );
        let ties = pack.network.devices.iter().filter(|device| device.open).count();
        assert_eq!(ties, 5);
    }
}

/// Plans of high and of low voltage differ in their forms: the town has both kinds of supply.
#[test]
fn everybody_has_a_voltage_and_some_take_ten_kilovolts() {
    let pack = town();
    let mut high = 0;
    for (point, customer) in pack.service_points.iter().zip(&pack.customers) {
        let special = customer.class == CustomerClass::Important || customer.dedicated_line;
        assert_eq!(
            point.voltage_v,
            Some(if special { 10_000 } else { 220 }),
            "{}",
            point.id
        );
        high += usize::from(special);
    }
    assert!((5..60).contains(&high), "{high}");
}

#[test]
fn everybody_has_light_and_a_transformer_a_fuse_and_a_breaker_above() {
    let grid = data::grid(&town().network());
    assert!(grid.dead(&[], &[]).dead_loads.is_empty());
    for load in grid.loads() {
        assert!(grid.supplying_transformer(load).is_some());
        let kinds: Vec<_> = grid
            .protective_above(load)
            .iter()
            .map(|&d| grid.device_kind(d))
            .collect();
        assert_eq!(kinds.first(), Some(&DeviceKind::Fuse));
        assert_eq!(kinds.last(), Some(&DeviceKind::Breaker));
    }
}

/// Opening a section and closing the tie at the far end brings back everybody behind the section.
#[test]
fn a_tie_brings_back_what_lies_behind_an_opened_section() {
    let grid = data::grid(&town().network());
    let [breaker, section, tie] = ["S1-F1-CB", "F1-LBS2", "TIE-F1-F4"].map(|id| grid.device(id).unwrap());
    let all = grid.dead(&[breaker], &[]);
    assert!((600..1_200).contains(&all.customers), "{}", all.customers);
    let before_the_section = grid.dead(&[breaker, section], &[tie]);
    assert!(0 < before_the_section.customers && before_the_section.customers < all.customers);
    assert_eq!(grid.dead(&[section], &[tie]).customers, 0);
}

#[test]
fn people_are_believable_and_reachable() {
    let pack = town();
    let english = pack
        .customers
        .iter()
        .filter(|c| c.language == Language::En)
        .count();
    assert!((200..700).contains(&english), "{english}");
    assert_eq!(
        pack.customers
            .iter()
            .filter(|c| c.class == CustomerClass::Important)
            .count(),
        10
    );
    assert!(pack.customers.iter().filter(|c| c.life_support).count() >= 5);
    assert_eq!(pack.customers.iter().filter(|c| c.dedicated_line).count(), 6);
    for class in AreaClass::ALL {
        assert!(
            pack.service_points.iter().any(|point| point.area_class == *class),
            "{class}"
        );
    }
    for kind in OwnGeneration::ALL {
        assert!(
            pack.service_points
                .iter()
                .any(|point| point.own_generation == *kind),
            "{kind}"
        );
    }
    let addresses: HashSet<_> = pack
        .service_points
        .iter()
        .map(|point| &point.address_zh)
        .collect();
    assert_eq!(addresses.len(), pack.service_points.len());
    let values: HashSet<_> = pack.contacts.iter().map(|contact| &contact.value).collect();
    assert_eq!(values.len(), pack.contacts.len());
}

#[test]
fn every_phone_number_has_a_valid_form() {
    for contact in town()
        .contacts
        .iter()
        .filter(|contact| contact.channel == Channel::Sms)
    {
        let number = PHONE_NUMBER_UTIL.parse(&contact.value, None).unwrap();
        assert!(PHONE_NUMBER_UTIL.is_valid_number(&number), "{}", contact.value);
    }
}

/// Crews must be able to drive everywhere: crossings are shared points.
#[test]
fn streets_have_names_of_their_own_and_hang_together() {
    let pack = town();
    let names: BTreeSet<_> = pack.streets.iter().map(|street| &street.name_zh).collect();
    assert_eq!(names.len(), pack.streets.len());
    let key = |at: &relight_grid::Position| (at.lon.to_bits(), at.lat.to_bits());
    let lines: Vec<HashSet<_>> = pack
        .streets
        .iter()
        .map(|street| street.line.iter().map(key).collect())
        .collect();
    let mut reached = lines[0].clone();
    let mut rest: Vec<_> = lines[1..].iter().collect();
    while let Some(at) = rest.iter().position(|line| !line.is_disjoint(&reached)) {
        reached.extend(rest.remove(at));
    }
    assert!(rest.is_empty(), "{} streets lead nowhere", rest.len());
}
