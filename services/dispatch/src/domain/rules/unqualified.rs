//! For every needed skill at least one member holds a qualification that is in date.

use chrono::{DateTime, Utc};

use super::{Broken, Need};
use crate::domain::crew::Crew;

/// `unqualified`
pub(super) fn check(crew: &Crew, need: &Need, now: DateTime<Utc>) -> Option<Broken> {
    need.skills.iter().find_map(|skill| {
        let until = crew
            .qualified_until
            .iter()
            .filter(|(has, _)| has == skill)
            .map(|(_, until)| *until)
            .max();
        match until {
            Some(until) if until > now => None,
            since => Some(Broken::Unqualified { skill, since }),
        }
    })
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::{super::given::*, *};

    #[test]
    fn one_member_in_date_is_enough_and_yesterday_is_not() {
        let with = |list: &[(&str, i64)]| Crew {
            qualified_until: list
                .iter()
                .map(|(s, d)| ((*s).to_owned(), now() + TimeDelta::days(*d)))
                .collect(),
            ..crew()
        };
        let missing = |skill, since: Option<i64>| {
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
                missing("switching", Some(-1)),
            ),
            (
                &[("fault_repair", 0), ("switching", 1)],
                missing("fault_repair", Some(0)),
            ),
            (&[("switching", 1)], missing("fault_repair", None)),
        ];
        for (list, expected) in cases {
            assert_eq!(check(&with(list), &need(), now()), expected, "{list:?}");
        }
    }
}
