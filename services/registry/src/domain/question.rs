//! What somebody asks about an affected set, checked, and the id its answer has.

use relight_common::{Invalid, ids, wire};
use uuid::Uuid;

use crate::domain::fold;

/// Most devices in one question.
pub const DEVICES_MAX: usize = 500;
/// Most service points listed in one message.
pub const LISTED_MAX: usize = 20_000;
/// Most messages of one list: ten million service points.
pub const PARTS_MAX: usize = 500;
/// Longest external id, characters.
pub const EXTERNAL_ID_CHARS_MAX: usize = 100;

/// Who is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Basis {
    /// Everybody without supply when these devices are open.
    Opened(Vec<String>),
    /// Exactly these service points, by folded external id.
    Listed(Vec<String>),
}

/// A checked question for a set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// Who is meant.
    pub basis: Basis,
    /// Only members of this set.
    pub within: Option<Uuid>,
}

impl Question {
    /// Who is in no set at all.
    pub fn nobody() -> Question {
        Question {
            basis: Basis::Listed(Vec::new()),
            within: None,
        }
    }

    /// Checks what was asked. Repeated ids count once.
    ///
    /// # Errors
    /// [`Invalid`] naming the field.
    pub fn read(devices: &[String], within: &str, points: &[String]) -> Result<Question, Invalid> {
        let basis = match (devices.is_empty(), points.is_empty()) {
            (false, true) => Basis::Opened(ids_of("device_ids", devices, DEVICES_MAX)?),
            (true, false) => Basis::Listed(folded(ids_of("service_point_external_ids", points, LISTED_MAX)?)),
            (true, true) => {
                return Err(Invalid::new(
                    "device_ids",
                    "must name at least one device, or list service_point_external_ids",
                ));
            }
            (false, false) => {
                return Err(Invalid::new(
                    "service_point_external_ids",
                    "must be empty when device_ids are given: ask for two sets",
                ));
            }
        };
        let within = wire::uuid_opt("within_set_id", within)?;
        Ok(Question { basis, within })
    }

    /// Asks for exactly these service points, however many they are.
    ///
    /// # Errors
    /// [`Invalid`] naming the field.
    pub fn listed(within: &str, points: &[String]) -> Result<Question, Invalid> {
        let points = ids_of("service_point_external_ids", points, usize::MAX)?;
        if points.is_empty() {
            let must = "must list at least one service point";
            return Err(Invalid::new("service_point_external_ids", must));
        }
        Ok(Question {
            basis: Basis::Listed(folded(points)),
            within: wire::uuid_opt("within_set_id", within)?,
        })
    }

    /// The id of the answer on this grid version, switched as these (opened, closed) say: the same question always gives the
    /// same id. Listed points are who they are, however the network is switched.
    pub fn set_id(&self, grid_version: Uuid, (opened, closed): (&[String], &[String])) -> Uuid {
        let (kind, names) = match &self.basis {
            Basis::Opened(devices) => ("devices", devices),
            Basis::Listed(points) => ("points", points),
        };
        let mut names: Vec<String> = names.iter().map(|name| fold(name)).collect();
        names.sort();
        names.dedup();
        let within = self.within.unwrap_or_default();
        // Ids have no white space, so a line feed cannot be part of one.
        let mut words = format!("{kind}\n{within}\n{}", names.join("\n"));
        if kind == "devices" && !(opened.is_empty() && closed.is_empty()) {
            words = format!("{words}\n\n{}\n\n{}", opened.join("\n"), closed.join("\n"));
        }
        ids::derived(grid_version, &words)
    }
}

fn ids_of(field: &'static str, given: &[String], max: usize) -> Result<Vec<String>, Invalid> {
    if given.len() > max {
        return Err(Invalid::new(field, format!("must have at most {max} ids")));
    }
    given.iter().map(|id| external_id(field, id)).collect()
}

/// An external id: 1 to 100 characters, no white space.
///
/// # Errors
/// [`Invalid`] naming the field.
pub fn external_id(field: &'static str, id: &str) -> Result<String, Invalid> {
    let id = id.trim();
    let ok = (1..=EXTERNAL_ID_CHARS_MAX).contains(&id.chars().count())
        && !id.contains(|c: char| c.is_whitespace() || c.is_control());
    ok.then(|| id.to_owned())
        .ok_or_else(|| Invalid::new(field, "an id must have 1 to 100 characters and no white space"))
}

fn folded(mut ids: Vec<String>) -> Vec<String> {
    ids.iter_mut().for_each(|id| *id = fold(id));
    ids.sort();
    ids.dedup();
    ids
}

#[cfg(test)]
mod tests {
    use super::*;

    const NORMAL: (&[String], &[String]) = (&[], &[]);

    #[test]
    fn the_same_question_has_the_same_id_however_it_is_written() {
        let ask = |devices: &[&str], within: &str| {
            let devices: Vec<String> = devices.iter().map(|&id| id.to_owned()).collect();
            Question::read(&devices, within, &[])
                .unwrap()
                .set_id(Uuid::nil(), NORMAL)
        };
        assert_eq!(ask(&["A", "b"], ""), ask(&["B", "a", "A"], ""));
        assert_ne!(ask(&["a"], ""), ask(&["a", "b"], ""));
        assert_ne!(ask(&["a"], ""), ask(&["a"], &Uuid::max().to_string()));
        let listed = Question::read(&[], "", &["a".to_owned()]).unwrap();
        assert_ne!(listed.set_id(Uuid::nil(), NORMAL), ask(&["a"], ""));
        assert_ne!(
            listed.set_id(Uuid::nil(), NORMAL),
            listed.set_id(Uuid::max(), NORMAL)
        );
    }

    #[test]
    fn how_the_network_is_switched_is_part_of_the_question() {
        let ids = |list: &[&str]| list.iter().map(|&id| id.to_owned()).collect::<Vec<_>>();
        let question = Question::read(&ids(&["a"]), "", &[]).unwrap();
        let on =
            |opened: &[&str], closed: &[&str]| question.set_id(Uuid::nil(), (&ids(opened), &ids(closed)));
        let all = [
            on(&[], &[]),
            on(&["x"], &[]),
            on(&[], &["x"]),
            on(&["x"], &["y"]),
            on(&["x", "y"], &[]),
        ];
        for (n, one) in all.iter().enumerate() {
            assert!(!all[n + 1..].contains(one), "{n}");
        }
        let listed = Question::read(&[], "", &ids(&["a"])).unwrap();
        let switched = ids(&["x"]);
        assert_eq!(
            listed.set_id(Uuid::nil(), NORMAL),
            listed.set_id(Uuid::nil(), (&switched, &[]))
        );
    }

    #[test]
    fn a_wrong_question_names_its_field() {
        let one = || vec!["a".to_owned()];
        let table = [
            (vec![], "", vec![], "device_ids"),
            (one(), "", one(), "service_point_external_ids"),
            (one(), "42", vec![], "within_set_id"),
            (vec!["a b".to_owned()], "", vec![], "device_ids"),
            (vec![String::new()], "", vec![], "device_ids"),
            (vec!["x".repeat(101)], "", vec![], "device_ids"),
            (vec!["a".to_owned(); DEVICES_MAX + 1], "", vec![], "device_ids"),
            (
                vec![],
                "",
                vec!["a".to_owned(); LISTED_MAX + 1],
                "service_point_external_ids",
            ),
        ];
        for (devices, within, points, field) in table {
            assert_eq!(
                Question::read(&devices, within, &points).unwrap_err().field,
                field
            );
        }
    }
}
