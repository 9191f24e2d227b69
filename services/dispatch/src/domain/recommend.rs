//! Who can be at the work first, and why: a pure function over a snapshot of the index.
//!
//! Hard rules exclude; soft costs are numbers everybody sees. Without a road graph the way is the great circle times a
//! detour, and says so.

use chrono::{DateTime, TimeDelta, Utc};
use relight_policy::AreaClass;

use super::{
    crew::{Crew, Fix},
    ids::CrewId,
    index::{Index, Known},
    place::{Chord, Place},
    rules::{self, Broken, Moment, Need},
};

/// Roads are longer than the great circle by about this much.
pub const DETOUR: f64 = 1.3;
/// Cost of every order a crew already had in this shift, seconds.
pub const LOAD_COST_S: u32 = 120;
/// Most crews that may not are explained.
const REFUSED_MAX: usize = 20;
/// Most candidates that can be asked for.
const K_MAX: usize = 20;

/// Average speed on the way, metres per second.
pub fn speed_mps(area: AreaClass) -> f64 {
    match area {
        AreaClass::Urban => 25.0 / 3.6,
        AreaClass::Rural => 40.0 / 3.6,
        AreaClass::Remote => 30.0 / 3.6,
    }
}

/// The order somebody is wanted for.
#[derive(Debug, Clone, PartialEq)]
pub struct Job {
    /// Where the work is; unknown while nobody can say.
    pub place: Option<Place>,
    /// Rules the speed on the way.
    pub area: AreaClass,
    /// What the rules ask.
    pub need: Need,
}

/// The way of a crew to the work.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Way {
    /// Great-circle distance, metres.
    pub distance_m: f64,
    /// Estimated time, seconds.
    pub travel_s: f64,
}

/// A crew with what speaks for and against it.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate {
    /// The crew.
    pub crew: CrewId,
    /// Its way; none when its place or the work's is not known.
    pub way: Option<Way>,
    /// Orders it had in this shift.
    pub load: u32,
    /// Sum of the visible costs, seconds.
    pub cost_s: f64,
    /// Rules it breaks; empty for candidates.
    pub broken: Vec<Broken>,
}

impl Candidate {
    /// When it would be there.
    pub fn eta_at(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "at most half the earth's girth at walking pace"
        )]
        self.way
            .map(|way| now + TimeDelta::seconds(way.travel_s.ceil() as i64))
    }
}

/// How long the lists are wanted; each at most 20.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Most {
    /// Crews that may.
    pub candidates: usize,
    /// Crews that may not, explained.
    pub refused: usize,
}

impl Most {
    /// So many that may, and the most that may not.
    pub const fn candidates(candidates: usize) -> Self {
        Self {
            candidates,
            refused: REFUSED_MAX,
        }
    }
}

/// Answer: who may, best first, and the nearest that may not.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Recommendation {
    /// As many as were asked for, cheapest first.
    pub candidates: Vec<Candidate>,
    /// As many as were asked for, nearest first, each with the rules it breaks.
    pub refused: Vec<Candidate>,
}

/// Ranks the crews for `job`. Looks at twice as many eligible crews as are asked for, nearest first, so that load may
/// outweigh distance.
pub fn recommend(index: &Index, job: &Job, most: Most, now: DateTime<Utc>) -> Recommendation {
    let mut search = Search::new(job, most, now);
    match job.place {
        Some(place) => {
            let mut nearest = index.nearest(place);
            let enough = !nearest.all(|(known, chord)| search.look(known, Some(chord)));
            if !enough {
                search.look_at_all(index.all().filter(|known| known.fix.is_none()));
            }
        }
        None => search.look_at_all(index.all()),
    }
    search.best()
}

/// What was found so far.
struct Search<'j> {
    job: &'j Job,
    most: Most,
    moment: Moment,
    found: Recommendation,
}

impl<'j> Search<'j> {
    fn new(job: &'j Job, most: Most, now: DateTime<Utc>) -> Self {
        let most = Most {
            candidates: most.candidates.min(K_MAX),
            refused: most.refused.min(REFUSED_MAX),
        };
        let found = Recommendation {
            candidates: Vec::with_capacity(2 * most.candidates),
            refused: Vec::with_capacity(most.refused),
        };
        Self {
            job,
            most,
            moment: Moment::at(now),
            found,
        }
    }

    /// Looks at one more crew; whether more are wanted.
    fn look(&mut self, known: &Known, chord: Option<Chord>) -> bool {
        if let Some(crew) = &known.crew {
            self.sort(crew, known.fix, chord);
        }
        self.found.candidates.len() < 2 * self.most.candidates
    }

    /// Who may is a candidate; of those who may not, as many are explained as are asked for.
    fn sort(&mut self, crew: &Crew, fix: Option<Fix>, chord: Option<Chord>) {
        let (need, moment) = (&self.job.need, &self.moment);
        if self.found.refused.len() == self.most.refused {
            if rules::may_be_recommended(crew, fix, need, moment) {
                let candidate = self.candidate(crew, chord, Vec::new());
                self.found.candidates.push(candidate);
            }
            return;
        }
        let broken = rules::against_recommending(crew, fix, need, moment);
        let candidate = self.candidate(crew, chord, broken);
        if candidate.broken.is_empty() {
            self.found.candidates.push(candidate);
        } else {
            self.found.refused.push(candidate);
        }
    }

    /// Where nobody knows how far they are, all count.
    fn look_at_all<'a>(&mut self, all: impl Iterator<Item = &'a Known>) {
        for known in all {
            self.look(known, None);
        }
    }

    fn candidate(&self, crew: &Crew, chord: Option<Chord>, broken: Vec<Broken>) -> Candidate {
        let way = chord.map(|chord| way(chord.distance_m(), self.job.area));
        Candidate {
            crew: crew.id,
            way,
            load: crew.orders_this_shift,
            cost_s: way.map_or(0.0, |way| way.travel_s)
                + f64::from(LOAD_COST_S) * f64::from(crew.orders_this_shift),
            broken,
        }
    }

    fn best(mut self) -> Recommendation {
        let by_cost = |a: &Candidate, b: &Candidate| a.cost_s.total_cmp(&b.cost_s).then(a.crew.cmp(&b.crew));
        self.found.candidates.sort_unstable_by(by_cost);
        self.found.candidates.truncate(self.most.candidates);
        self.found
    }
}

fn way(distance_m: f64, area: AreaClass) -> Way {
    Way {
        distance_m,
        travel_s: distance_m * DETOUR / speed_mps(area),
    }
}

#[cfg(test)]
mod oracle;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::{ids::OrderId, rules::given, skill::Skills};

    const WORK: Place = Place {
        lon: 120.15,
        lat: 30.28,
    };

    fn job() -> Job {
        Job {
            place: Some(WORK),
            area: AreaClass::Urban,
            need: given::need(),
        }
    }

    /// Crew `n`, `thousandths` of a degree north of the work.
    fn at(n: u128, thousandths: f64) -> (Crew, Option<Fix>) {
        let place = Place {
            lat: WORK.lat + thousandths / 1000.0,
            ..WORK
        };
        let crew = Crew {
            id: CrewId::from_uuid(uuid::Uuid::from_u128(n)),
            ..given::crew()
        };
        (
            crew,
            Some(Fix {
                place,
                at: given::now(),
                heading_deg: 0.0,
            }),
        )
    }

    fn ids(list: &[Candidate]) -> Vec<u128> {
        list.iter().map(|c| c.crew.uuid().as_u128()).collect()
    }

    #[test]
    fn the_nearest_that_may_come_first_and_the_others_say_why_not() {
        let busy = |(crew, fix): (Crew, Option<Fix>)| {
            (
                Crew {
                    active: Some((OrderId::new(), "W-1".into())),
                    ..crew
                },
                fix,
            )
        };
        let index = Index::of([at(3, 30.0), busy(at(1, 10.0)), at(2, 20.0), (at(4, 0.0).0, None)]);
        let found = recommend(&index, &job(), Most::candidates(5), given::now());
        assert_eq!(ids(&found.candidates), [2, 3]);
        assert_eq!(ids(&found.refused), [1, 4]);
        let codes: Vec<_> = found.refused.iter().map(|c| c.broken[0].code()).collect();
        assert_eq!(codes, ["busy", "position_stale"]);
    }

    #[test]
    fn costs_are_numbers_everybody_can_check() {
        let index = Index::of([at(1, 10.0)]);
        let found = recommend(&index, &job(), Most::candidates(1), given::now());
        let way = found.candidates[0].way.expect("both places are known");
        // 1,112 m x 1.3 at 25 km/h = 208 s.
        assert!((way.distance_m - 1_112.0).abs() < 1.0, "{way:?}");
        assert!((way.travel_s - 208.2).abs() < 0.2, "{way:?}");
        assert_eq!(
            found.candidates[0].eta_at(given::now()),
            Some(given::now() + TimeDelta::seconds(209))
        );
    }

    #[test]
    fn a_loaded_crew_nearby_comes_after_a_free_one_a_little_further() {
        let (crew, fix) = at(1, 10.0);
        let index = Index::of([
            (
                Crew {
                    orders_this_shift: 2,
                    ..crew
                },
                fix,
            ),
            at(2, 15.0),
        ]);
        assert_eq!(
            ids(&recommend(&index, &job(), Most::candidates(2), given::now()).candidates),
            [2, 1]
        );
    }

    #[test]
    fn where_the_work_is_unknown_everybody_who_may_is_listed_by_load() {
        let (crew, fix) = at(1, 10.0);
        let index = Index::of([
            (
                Crew {
                    orders_this_shift: 1,
                    ..crew
                },
                fix,
            ),
            at(2, 15.0),
        ]);
        let nowhere = Job { place: None, ..job() };
        let found = recommend(&index, &nowhere, Most::candidates(5), given::now());
        assert_eq!(ids(&found.candidates), [2, 1]);
        assert_eq!(found.candidates[0].way, None);
    }

    proptest! {
        /// Against plain search over all crews.
        #[test]
        fn no_eligible_crew_outside_the_list_is_nearer(
            spots in prop::collection::vec((0.0..200.0f64, any::<bool>()), 1..60), k in 1usize..6, refused in 0usize..30,
        ) {
            let crews: Vec<_> = spots.iter().enumerate().map(|(n, (thousandths, able))| {
                let (crew, fix) = at(n as u128 + 1, *thousandths);
                (Crew { skills: if *able { crew.skills } else { Skills::default() }, ..crew }, fix)
            }).collect();
            let mut able: Vec<_> = spots.iter().filter(|(_, able)| *able).map(|(t, _)| *t).collect();
            able.sort_by(f64::total_cmp);
            let found = recommend(&Index::of(crews), &job(), Most { candidates: k, refused }, given::now());
            prop_assert_eq!(found.candidates.len(), able.len().min(k));
            for (candidate, thousandths) in found.candidates.iter().zip(able) {
                let distance_m = candidate.way.expect("known").distance_m;
                prop_assert!((distance_m - thousandths * 111.195).abs() < 1.0);
            }
            prop_assert!(found.refused.iter().all(|c| !c.broken.is_empty()));
            prop_assert!(found.refused.len() <= REFUSED_MAX.min(refused));
        }
    }
}
