//! What the registry says of a customer with several supplies, as planner judges it.

use std::collections::BTreeSet;

use relight_common::wire;
use relight_proto::registry::v1::{CustomerSupply, ServicePoint};

use crate::{
    desk::reliability::Looked,
    domain::{
        area::{Tongue, area},
        reliability::{Supply, stand},
    },
    error::Error,
};

/// How many of their points have supply and are not among those that go off.
pub(super) fn kept(one: &CustomerSupply, off: &BTreeSet<&str>) -> usize {
    let stays = |id: &ServicePoint| !off.contains(id.service_point_id.as_str());
    let live = one.points.iter().filter(|point| point.now);
    live.filter(|live| live.service_point.as_ref().is_some_and(stays))
        .count()
}

/// One customer's supplies, as planner judges them. Named are the streets of what is off, or of all.
pub(super) fn looked(one: &CustomerSupply) -> Result<Looked, Error> {
    let missing = Error::Peer("the registry", "a customer without a service point");
    let mut said: Vec<_> = one
        .points
        .iter()
        .filter(|point| point.normally && !point.now)
        .collect();
    if said.is_empty() {
        said = one.points.iter().collect();
    }
    let points: Vec<&ServicePoint> = said
        .iter()
        .filter_map(|point| point.service_point.as_ref())
        .collect();
    let first = points.first().ok_or(missing)?;
    let some = |is: bool, feeder: &String| is.then(|| feeder.clone());
    let supplies: Vec<Supply> = one
        .points
        .iter()
        .map(|point| Supply {
            normally: some(point.normally, &point.normal_feeder),
            now: some(point.now, &point.feeder),
        })
        .collect();
    let count = |of: fn(&Supply) -> bool| {
        let n = supplies.iter().filter(|one| of(one)).count();
        i32::try_from(n).unwrap_or(i32::MAX)
    };
    let streets = |of: fn(&ServicePoint) -> &str, tongue| area(points.iter().map(|point| of(point)), tongue);
    Ok(Looked {
        customer: wire::uuid("customer_id", &one.customer_id)?,
        important: one.important,
        stand: stand(&supplies),
        supplies: (
            count(|one| one.normally.is_some()),
            count(|one| one.normally.is_some() && one.now.is_some()),
        ),
        org_path: first.org_path.clone(),
        zone: first.zone.clone(),
        area: [
            streets(|point| &point.address_zh, Tongue::Zh),
            streets(|point| &point.address_en, Tongue::En),
        ],
    })
}

#[cfg(test)]
mod tests {
    use relight_proto::registry::v1::PointSupply;
    use uuid::Uuid;

    use super::*;
    use crate::domain::reliability::Stand;

    #[test]
    fn the_streets_of_what_is_off_are_named_and_those_left_are_counted() {
        let point = |n: u8, now: bool| PointSupply {
            service_point: Some(ServicePoint {
                address_zh: format!("湖滨路{n}号"),
                address_en: format!("{n} Lake Road"),
                org_path: format!("demo/{n}"),
                ..ServicePoint::default()
            }),
            normally: true,
            now,
            normal_feeder: format!("F{n}"),
            feeder: if now { format!("F{n}") } else { String::new() },
        };
        let mut one = CustomerSupply {
            customer_id: Uuid::from_u128(7).to_string(),
            important: true,
            points: vec![point(1, true), point(2, false)],
        };
        let found = looked(&one).unwrap();
        assert_eq!((found.stand, found.supplies), (Stand::Single, (2, 1)));
        assert_eq!(
            (found.org_path.as_str(), found.area[1].as_str()),
            ("demo/2", "Lake Road")
        );
        let id = |n: u8| format!("p{n}");
        for (n, point) in (1..).zip(&mut one.points) {
            point.service_point.as_mut().unwrap().service_point_id = id(n);
        }
        let (first, second) = (id(1), id(2));
        let kept = |off: &str| kept(&one, &BTreeSet::from([off]));
        assert_eq!(kept(&second), 1, "the first stays on");
        assert_eq!(kept(&first), 0, "the second is off already");
        one.points.clear();
        assert!(matches!(looked(&one), Err(Error::Peer(..))));
    }
}
