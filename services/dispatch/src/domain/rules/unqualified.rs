//! For every needed skill at least one member holds a qualification that is in date. Where one of several skills is enough,
//! it has to be one the crew is sent out for.

use super::{Broken, Moment, Need};
use crate::domain::{crew::Crew, skill::Skills};

/// `unqualified`
pub(super) fn check(crew: &Crew, need: &Need, moment: &Moment) -> Option<Broken> {
    need.skills
        .iter()
        .find_map(|skill| match crew.qualified.until(sent_out_for(crew, *skill)) {
            Some(until) if until > moment.now => None,
            since => Some(Broken::Unqualified { skill: *skill, since }),
        })
}

/// A crew that is sent out for none of them breaks another rule; here its qualifications count as they are.
fn sent_out_for(crew: &Crew, any_of: Skills) -> Skills {
    let own = crew.skills.and(any_of);
    if own.is_empty() { any_of } else { own }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::{super::given::*, *};
    use crate::domain::{crew::skills_for, order::Kind, skill::Qualified};

    #[test]
    fn one_member_in_date_is_enough_and_yesterday_is_not() {
        let with = |list: &[(&str, i64)]| Crew {
            qualified: Qualified::of(list.iter().map(|(s, d)| (*s, now() + TimeDelta::days(*d)))),
            ..crew()
        };
        let missing = |skill: Skills, since: Option<i64>| {
            Some(Broken::Unqualified {
                skill,
                since: since.map(|d| now() + TimeDelta::days(d)),
            })
        };
        let cases: [(&[(&str, i64)], _); 5] = [
            (&[("fault_repair", 1), ("switching", 1)], None),
            (
                &[("fault_repair", -1), ("fault_repair", 1), ("switching", 1)],
                None,
            ),
            (
                &[("fault_repair", 1), ("switching", -1)],
                missing(Skills::SWITCHING, Some(-1)),
            ),
            (
                &[("fault_repair", 0), ("switching", 1)],
                missing(Skills::FAULT_REPAIR, Some(0)),
            ),
            (&[("switching", 1)], missing(Skills::FAULT_REPAIR, None)),
        ];
        for (list, expected) in cases {
            assert_eq!(check(&with(list), &need(), &moment()), expected, "{list:?}");
        }
        let planned = Need {
            skills: skills_for(Kind::Planned, ""),
            ..need()
        };
        let planned_only = |list| Crew {
            skills: Skills::PLANNED_WORK,
            ..with(list)
        };
        assert_eq!(
            check(&planned_only(&[("planned_work", 1)]), &planned, &moment()),
            None
        );
        assert_eq!(
            check(
                &planned_only(&[("planned_work", -1), ("fault_repair", 1)]),
                &planned,
                &moment()
            ),
            missing(Skills::PLANNED_WORK.or(Skills::FAULT_REPAIR), Some(-1)),
            "not sent out for what it is qualified for"
        );
    }
}
