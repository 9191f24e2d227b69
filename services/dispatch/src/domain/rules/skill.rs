//! The crew is sent out for every skill the work needs.

use super::{Broken, Need};
use crate::domain::crew::Crew;

/// `skill`
pub(super) fn check(crew: &Crew, need: &Need) -> Option<Broken> {
    need.skills
        .iter()
        .find(|skill| !crew.skills.iter().any(|has| has == *skill))
        .map(|skill| Broken::Skill(skill))
}

#[cfg(test)]
mod tests {
    use super::{super::given::*, *};

    #[test]
    fn every_needed_skill_has_to_be_there() {
        let with = |skills: &[&str]| Crew {
            skills: skills.iter().map(|s| (*s).to_owned()).collect(),
            ..crew()
        };
        let cases: [(&[&str], _); 4] = [
            (&["fault_repair", "switching"], None),
            (&["switching", "cable", "fault_repair"], None),
            (&["fault_repair"], Some(Broken::Skill("switching"))),
            (&[], Some(Broken::Skill("fault_repair"))),
        ];
        for (skills, expected) in cases {
            assert_eq!(check(&with(skills), &need()), expected, "{skills:?}");
        }
    }
}
