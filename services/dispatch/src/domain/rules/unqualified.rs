//! For every needed skill at least one member holds a qualification that is in date. Where one of several skills is enough,
//! it has to be one the crew is sent out for.

use chrono::{DateTime, Utc};

use super::{Broken, Need};
use crate::domain::crew::{AnyOf, Crew};

/// `unqualified`
pub(super) fn check(crew: &Crew, need: &Need, now: DateTime<Utc>) -> Option<Broken> {
    need.skills.iter().find_map(|skill| {
        let until = crew
            .qualified_until
            .iter()
            .filter(|(has, _)| skill.contains(&has.as_str()) && sent_out_for(crew, has, skill))
            .map(|(_, until)| *until)
            .max();
        match until {
            Some(until) if until > now => None,
            since => Some(Broken::Unqualified { skill, since }),
        }
    })
}

/// A crew that is sent out for none of them breaks another rule; here its qualifications count as they are.
fn sent_out_for(crew: &Crew, skill: &str, any_of: AnyOf) -> bool {
    let is = |skill: &str| crew.skills.iter().any(|has| has == skill);
    is(skill) || !any_of.iter().any(|other| is(other))
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::{super::given::*, *};
    use crate::domain::{crew::skills_for, order::Kind};

    #[test]
    fn one_member_in_date_is_enough_and_yesterday_is_not() {
        let with = |list: &[(&str, i64)]| Crew {
            qualified_until: list
                .iter()
                .map(|(s, d)| ((*s).to_owned(), now() + TimeDelta::days(*d)))
                .collect(),
            ..crew()
        };
        let missing = |skill: AnyOf, since: Option<i64>| {
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
                missing(&["switching"], Some(-1)),
            ),
            (
                &[("fault_repair", 0), ("switching", 1)],
                missing(&["fault_repair"], Some(0)),
            ),
            (&[("switching", 1)], missing(&["fault_repair"], None)),
        ];
        for (list, expected) in cases {
            assert_eq!(check(&with(list), &need(), now()), expected, "{list:?}");
        }
        let planned = Need {
            skills: skills_for(Kind::Planned, ""),
            ..need()
        };
        let planned_only = |list| Crew {
            skills: vec!["planned_work".to_owned()],
            ..with(list)
        };
        assert_eq!(
            check(&planned_only(&[("planned_work", 1)]), &planned, now()),
            None
        );
        assert_eq!(
            check(
                &planned_only(&[("planned_work", -1), ("fault_repair", 1)]),
                &planned,
                now()
            ),
            missing(&["planned_work", "fault_repair"], Some(-1)),
            "not sent out for what it is qualified for"
        );
    }
}
