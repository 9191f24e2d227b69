//! What the rows are called: by name where that is an id and the only one of its kind, else by mRID.

use std::collections::HashMap;

use super::rdf::Object;
use crate::ids::{check_id, fold};

/// Ids of the rows of one kind.
pub(super) struct Ids {
    by_mrid: HashMap<String, String>,
    /// What else they are called, with their id.
    pub(super) aliases: Vec<(String, String)>,
}

impl Ids {
    /// Gives every object an id.
    pub(super) fn new(objects: &[&Object]) -> Ids {
        let mut times: HashMap<String, usize> = HashMap::new();
        for object in objects {
            *times.entry(fold(object.name())).or_default() += 1;
        }
        let mut ids = Ids {
            by_mrid: HashMap::with_capacity(objects.len()),
            aliases: Vec::new(),
        };
        for object in objects {
            let is_free = times[&fold(object.name())] == 1 && check_id(object.name()).is_ok();
            let id = if is_free { object.name() } else { &object.given };
            for alias in [object.name(), &object.given] {
                if alias != id && !alias.is_empty() {
                    ids.aliases.push((alias.to_owned(), id.to_owned()));
                }
            }
            ids.aliases
                .push((format!("{}.{}", object.class, object.name()), id.to_owned()));
            ids.by_mrid.insert(object.mrid.clone(), id.to_owned());
        }
        ids
    }

    /// The id of an object of this kind.
    pub(super) fn of(&self, mrid: &str) -> Option<&String> {
        self.by_mrid.get(mrid)
    }
}
