//! The crew is sent out for every skill the work needs; where it needs one of several, for one of them.

use super::{Broken, Need};
use crate::domain::crew::Crew;

/// `skill`
pub(super) fn check(crew: &Crew, need: &Need) -> Option<Broken> {
    need.skills
        .iter()
        .find(|any_of| crew.skills.and(**any_of).is_empty())
        .map(|skill| Broken::Skill(*skill))
}

#[cfg(test)]
mod tests {
    use super::{super::given::*, *};
    use crate::domain::{crew::skills_for, order::Kind, skill::Skills};

    #[test]
    fn every_needed_skill_has_to_be_there() {
        let with = |skills: &[&str]| Crew {
            skills: Skills::of(skills.iter().copied()),
            ..crew()
        };
        let cases: [(&[&str], _); 4] = [
            (&["fault_repair", "switching"], None),
            (&["switching", "cable", "fault_repair"], None),
            (&["fault_repair"], Some(Broken::Skill(Skills::SWITCHING))),
            (&[], Some(Broken::Skill(Skills::FAULT_REPAIR))),
        ];
        for (skills, expected) in cases {
            assert_eq!(check(&with(skills), &need()), expected, "{skills:?}");
        }
        let planned = Need {
            skills: skills_for(Kind::Planned, ""),
            ..need()
        };
        for (skills, fits) in [
            (["planned_work"], true),
            (["fault_repair"], true),
            (["meter_work"], false),
        ] {
            assert_eq!(check(&with(&skills), &planned).is_none(), fits, "{skills:?}");
        }
    }
}
