//! The plain algorithm, with words and lists instead of bits and slots and a sort instead of a tree: what it answers, the
//! fast one has to answer.

use proptest::prelude::*;

use super::*;
use crate::domain::{
    crew::{Crew, Fix, Shift, skills_for},
    ids::{OrderId, UnitId},
    order::Kind,
    rules::given,
    skill::{Qualified, Skills},
};

/// A crew as words.
#[derive(Debug, Clone)]
struct Plain {
    id: u128,
    unit: u128,
    skills: Vec<&'static str>,
    /// Skill and days left.
    qualified: Vec<(&'static str, i64)>,
    /// Minutes from now to its start and its end, and of rest before it.
    shift: Option<(i64, i64, Option<i64>)>,
    busy: bool,
    load: u32,
    /// Where, and how many minutes ago.
    fix: Option<(Place, i64)>,
}

/// What is looked for, as words.
#[derive(Debug, Clone)]
struct Ask {
    place: Option<Place>,
    kind: (Kind, &'static str),
    unit: Option<u128>,
    k: usize,
    refused: usize,
}

/// Crew, distance, cost and the codes of what it breaks.
type Line = (u128, Option<f64>, f64, Vec<&'static str>);

fn words_for(kind: (Kind, &str)) -> Vec<Vec<&'static str>> {
    match kind {
        (Kind::Fault, "breaker") => vec![vec!["fault_repair"], vec!["switching"]],
        (Kind::Fault, _) => vec![vec!["fault_repair"]],
        (Kind::Planned, _) => vec![vec!["planned_work", "fault_repair"]],
        (Kind::Disconnect | Kind::Reconnect, _) => vec![vec!["meter_work"]],
    }
}

impl Plain {
    fn codes(&self, ask: &Ask) -> Vec<&'static str> {
        let groups = words_for(ask.kind);
        let lacks = |group: &Vec<_>| !self.skills.iter().any(|has| group.contains(has));
        [
            ("other_unit", ask.unit.is_some_and(|unit| unit != self.unit)),
            ("busy", self.busy),
            (
                "off_shift",
                !self.shift.is_some_and(|(from, to, _)| from <= 0 && to >= 60),
            ),
            ("rest", self.is_tired()),
            ("skill", groups.iter().any(lacks)),
            ("unqualified", groups.iter().any(|group| !self.holds(group))),
            ("position_stale", self.fix.is_none_or(|(_, ago)| ago > 30)),
        ]
        .into_iter()
        .filter_map(|(code, broken)| broken.then_some(code))
        .collect()
    }

    fn is_tired(&self) -> bool {
        self.shift
            .filter(|(from, to, _)| *from <= 0 && *to > 0)
            .is_some_and(|(from, _, rest)| rest.is_some_and(|rest| rest < 8 * 60) || from < -12 * 60)
    }

    /// In date for one of the group that it is sent out for, or for any when it is sent out for none.
    fn holds(&self, group: &[&str]) -> bool {
        let sent_out = group.iter().any(|word| self.skills.contains(word));
        self.qualified.iter().any(|(word, days)| {
            *days > 0 && group.contains(word) && (!sent_out || self.skills.contains(word))
        })
    }

    fn line(&self, ask: &Ask) -> Line {
        let apart = ask
            .place
            .zip(self.fix)
            .map(|(work, (place, _))| work.distance_m(place));
        let travel_s = apart.map_or(0.0, |metres| metres * 1.3 / (25.0 / 3.6));
        (
            self.id,
            apart,
            travel_s + 120.0 * f64::from(self.load),
            self.codes(ask),
        )
    }

    fn known(&self) -> (Crew, Option<Fix>) {
        let now = given::now();
        let minutes = |n| now + TimeDelta::minutes(n);
        let crew = Crew {
            id: CrewId::from_uuid(uuid::Uuid::from_u128(self.id)),
            unit: unit(self.unit),
            skills: Skills::of(self.skills.iter().copied()),
            qualified: Qualified::of(
                self.qualified
                    .iter()
                    .map(|(word, days)| (*word, now + TimeDelta::days(*days))),
            ),
            shift: self.shift.map(|(from, to, rest)| Shift {
                starts_at: minutes(from),
                ends_at: minutes(to),
                rest_before: rest.map(TimeDelta::minutes),
            }),
            active: self.busy.then(|| (OrderId::new(), "W-1".into())),
            orders_this_shift: self.load,
            ..given::crew()
        };
        let fix = self.fix.map(|(place, ago)| Fix {
            place,
            at: minutes(-ago),
            heading_deg: 0.0,
        });
        (crew, fix)
    }
}

fn unit(n: u128) -> UnitId {
    UnitId::from_uuid(uuid::Uuid::from_u128(n))
}

/// Candidates and refused by plain search: sort all, look at them one by one, stop at twice `k`.
fn plain(crews: &[Plain], ask: &Ask) -> (Vec<Line>, Vec<Line>) {
    let mut near: Vec<_> = crews.iter().map(|crew| crew.line(ask)).collect();
    if ask.place.is_some() {
        near.sort_by(|a, b| {
            a.1.unwrap_or(f64::INFINITY)
                .total_cmp(&b.1.unwrap_or(f64::INFINITY))
        });
    }
    let (mut able, mut refused) = (Vec::new(), Vec::new());
    for line in near {
        if ask.place.is_some() && able.len() >= 2 * ask.k {
            break;
        }
        if line.3.is_empty() {
            able.push(line);
        } else if refused.len() < 20 {
            refused.push(line);
        }
    }
    able.sort_by(|a, b| a.2.total_cmp(&b.2).then(a.0.cmp(&b.0)));
    able.truncate(ask.k);
    (able, refused)
}

fn skill() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "fault_repair",
        "fault_repair",
        "switching",
        "planned_work",
        "meter_work",
        "cable",
    ])
}

fn place() -> impl Strategy<Value = Place> {
    (119.9..120.1f64, 29.9..30.1f64).prop_map(|(lon, lat)| Place { lon, lat })
}

prop_compose! {
    /// Most of them fit for work, so that every list fills.
    fn a_plain()(
        unit in 1u128..3, skills in prop::collection::vec(skill(), 0..5),
        qualified in prop::collection::vec((skill(), prop::sample::select(vec![-1, 9, 90, 90])), 0..8),
        shift in prop::option::weighted(0.95, (
            prop::sample::select(vec![-800, -300, -60, -60, -60, 0, 10]),
            prop::sample::select(vec![-10, 59, 60, 300, 300, 300]),
            prop::option::weighted(0.3, prop::sample::select(vec![100, 479, 480, 900])),
        )),
        busy in prop::bool::weighted(0.1), load in 0u32..4,
        fix in prop::option::weighted(0.95, (place(), prop::sample::select(vec![0, 1, 5, 30, 31]))),
    ) -> Plain {
        Plain { id: 0, unit, skills, qualified, shift, busy, load, fix }
    }
}

prop_compose! {
    fn an_ask()(
        place in prop::option::weighted(0.9, place()), unit in prop::option::weighted(0.3, 1u128..3),
        kind in prop::sample::select(vec![
            (Kind::Fault, "fuse"), (Kind::Fault, "breaker"), (Kind::Planned, ""), (Kind::Reconnect, ""),
        ]),
        k in 1usize..8, refused in prop::sample::select(vec![0, 3, 20]),
    ) -> Ask {
        Ask { place, kind, unit, k, refused }
    }
}

fn check(found: &[Candidate], expected: &[Line]) -> Result<(), TestCaseError> {
    let ids: Vec<_> = found.iter().map(|c| c.crew.uuid().as_u128()).collect();
    prop_assert_eq!(&ids, &expected.iter().map(|line| line.0).collect::<Vec<_>>());
    for (candidate, (_, apart, cost_s, codes)) in found.iter().zip(expected) {
        let broken: Vec<_> = candidate.broken.iter().map(Broken::code).collect();
        prop_assert_eq!(&broken, codes);
        prop_assert_eq!(candidate.way.is_some(), apart.is_some());
        let distance_m = candidate.way.map_or(0.0, |way| way.distance_m);
        // A micrometre: two ways to compute one arc.
        prop_assert!((distance_m - apart.unwrap_or(0.0)).abs() < 1e-6);
        prop_assert!((candidate.cost_s - cost_s).abs() < 1e-6);
    }
    Ok(())
}

proptest! {
    #[test]
    fn the_answer_is_that_of_the_plain_algorithm(
        crews in prop::collection::vec(a_plain(), 0..90), ask in an_ask(), moved in any::<bool>(), elsewhere in place(),
    ) {
        let crews: Vec<_> = (1..).zip(crews).map(|(id, crew)| Plain { id, ..crew }).collect();
        let mut index = Index::default();
        if moved {
            for (crew, fix) in crews.iter().map(Plain::known) {
                let id = crew.id;
                index.put_crew(crew);
                if let Some(fix) = fix {
                    index.put_fix(id, Fix { at: fix.at - TimeDelta::hours(1), place: elsewhere, ..fix });
                    index.put_fix(id, fix);
                }
            }
        } else {
            index = Index::of(crews.iter().map(Plain::known));
        }
        let job = Job {
            place: ask.place,
            area: AreaClass::Urban,
            need: Need { skills: skills_for(ask.kind.0, ask.kind.1), unit: ask.unit.map(unit) },
        };
        let found = recommend(&index, &job, Most { candidates: ask.k, refused: ask.refused }, given::now());
        let (candidates, refused) = plain(&crews, &ask);
        check(&found.candidates, &candidates)?;
        check(&found.refused, &refused[..refused.len().min(ask.refused)])?;
    }
}
