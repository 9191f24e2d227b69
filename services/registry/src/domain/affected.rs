//! An affected set: what is true of its members together.

use std::collections::{BTreeMap, BTreeSet};

use relight_grid::pack::AreaClass;
use uuid::Uuid;

/// One member, with what the set sums up.
#[derive(Debug, Clone, PartialEq)]
pub struct Member {
    /// The service point.
    pub service_point_id: Uuid,
    /// Who is supplied there.
    pub customer_id: Uuid,
    /// Important customer.
    pub important: bool,
    /// Somebody's life hangs on it.
    pub life_support: bool,
    /// It can feed back.
    pub own_generation: bool,
    /// WGS84 degrees.
    pub lon: f64,
    /// WGS84 degrees.
    pub lat: f64,
    /// Rules the arrival limit.
    pub area_class: AreaClass,
    /// Org unit.
    pub org_path: String,
    /// IANA zone.
    pub zone: String,
}

/// What is true of all members together.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Summary {
    /// Members.
    pub count: i32,
    /// Members of important customers.
    pub important: i32,
    /// Members with life support.
    pub life_support: i32,
    /// Members that can feed back.
    pub own_generation: i32,
    /// Centre of the members; none where there is no member.
    pub centre: Option<(f64, f64)>,
    /// The class with the shortest arrival limit among the members: the strictest rule holds.
    pub area_class: Option<AreaClass>,
    /// The lowest org unit that has all members; empty when only the whole utility has.
    pub org_path: String,
    /// The zone most members are in; of equals the first by name.
    pub zone: String,
    /// Every zone of a member, by name.
    pub zones: Vec<String>,
}

impl Summary {
    /// Sums up `members`.
    pub fn of(members: &[Member]) -> Summary {
        let count = |of: fn(&Member) -> bool| as_count(members.iter().filter(|member| of(member)).count());
        Summary {
            count: as_count(members.len()),
            important: count(|member| member.important),
            life_support: count(|member| member.life_support),
            own_generation: count(|member| member.own_generation),
            centre: centre(members),
            area_class: members
                .iter()
                .map(|member| member.area_class)
                .min_by_key(|class| strictness(*class)),
            org_path: common_unit(members),
            zone: commonest_zone(members),
            zones: zones(members),
        }
    }
}

fn as_count(n: usize) -> i32 {
    i32::try_from(n).unwrap_or(i32::MAX)
}

/// Urban supply points have the shortest arrival limit, remote ones the longest (domain.md F5).
fn strictness(class: AreaClass) -> u8 {
    match class {
        AreaClass::Urban => 0,
        AreaClass::Rural => 1,
        AreaClass::Remote => 2,
    }
}

/// Mean position, with longitudes averaged as angles so that a set across the date line stays where it is.
fn centre(members: &[Member]) -> Option<(f64, f64)> {
    if members.is_empty() {
        return None;
    }
    let (mut east, mut north, mut lat) = (0.0, 0.0, 0.0);
    for member in members {
        let (sin, cos) = member.lon.to_radians().sin_cos();
        (east, north, lat) = (east + sin, north + cos, lat + member.lat);
    }
    #[expect(clippy::cast_precision_loss, reason = "a count of members is far below 2^52")]
    let n = members.len() as f64;
    Some((east.atan2(north).to_degrees(), lat / n))
}

fn common_unit(members: &[Member]) -> String {
    let Some(first) = members.first() else {
        return String::new();
    };
    let mut common: Vec<&str> = first.org_path.split('/').collect();
    for member in members {
        let same = common
            .iter()
            .zip(member.org_path.split('/'))
            .take_while(|(a, b)| **a == *b)
            .count();
        common.truncate(same);
    }
    common.join("/")
}

fn zones(members: &[Member]) -> Vec<String> {
    let zones: BTreeSet<&str> = members.iter().map(|member| member.zone.as_str()).collect();
    zones.into_iter().map(str::to_owned).collect()
}

fn commonest_zone(members: &[Member]) -> String {
    let mut zones: BTreeMap<&str, usize> = BTreeMap::new();
    for member in members {
        *zones.entry(&member.zone).or_default() += 1;
    }
    let most = zones.values().copied().max().unwrap_or(0);
    let first = zones.into_iter().find(|(_, count)| *count == most);
    first.map(|(zone, _)| zone.to_owned()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(org_path: &str, area_class: AreaClass, lon: f64) -> Member {
        Member {
            service_point_id: Uuid::nil(),
            customer_id: Uuid::nil(),
            important: false,
            life_support: lon > 0.0,
            own_generation: false,
            lon,
            lat: 10.0,
            area_class,
            org_path: org_path.to_owned(),
            zone: "Asia/Shanghai".to_owned(),
        }
    }

    #[test]
    fn the_strictest_class_and_the_lowest_common_unit_hold() {
        let members = [
            member("demo/city/east", AreaClass::Remote, 10.0),
            member("demo/city/eastern", AreaClass::Rural, 20.0),
        ];
        let summary = Summary::of(&members);
        assert_eq!(summary.zones, ["Asia/Shanghai"]);
        assert_eq!(summary.org_path, "demo/city");
        assert_eq!(summary.area_class, Some(AreaClass::Rural));
        assert_eq!((summary.count, summary.life_support), (2, 2));
        let (lon, lat) = summary.centre.unwrap();
        assert!((lon - 15.0).abs() < 1e-9 && (lat - 10.0).abs() < 1e-9);
    }

    #[test]
    fn a_set_across_the_date_line_has_its_centre_there() {
        let members = [
            member("a", AreaClass::Urban, 179.0),
            member("a", AreaClass::Urban, -179.0),
        ];
        let (lon, _) = Summary::of(&members).centre.unwrap();
        assert!((lon.abs() - 180.0).abs() < 1e-9, "{lon}");
    }

    /// A feeder across a zone: the commonest is shown, and all are known to whoever counts dates.
    #[test]
    fn every_zone_of_a_member_is_kept_beside_the_commonest() {
        let mut members = [1.0, 2.0, 3.0].map(|lon| member("demo", AreaClass::Urban, lon));
        members[2].zone = "Asia/Urumqi".to_owned();
        let summary = Summary::of(&members);
        assert_eq!(summary.zone, "Asia/Shanghai");
        assert_eq!(summary.zones, ["Asia/Shanghai", "Asia/Urumqi"]);
    }

    #[test]
    fn nobody_has_no_place_and_no_class() {
        assert_eq!(Summary::of(&[]), Summary::default());
    }
}
