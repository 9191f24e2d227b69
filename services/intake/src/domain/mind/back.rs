//! "Back" after "still off": a child whose reporters all have supply again is over.

use std::collections::BTreeSet;

use relight_grid::LoadIx;

use super::{Mind, Told, book::Book};
use crate::domain::{
    IncidentId,
    incident::{Incident, State},
};

impl Mind {
    /// Closes the children around `dirty` loads all of whose reporters are back by their own word or that of their meter. That of the
    /// parent's crew is none: it said so before, and somebody was still off. What people decided or found dangerous people end.
    pub(super) fn close_children_that_are_back(&mut self, dirty: &BTreeSet<LoadIx>, book: &mut Book<'_>) {
        let heard = dirty.iter().filter(|load| self.said_on.contains_key(load));
        let theirs = heard.flat_map(|load| self.reports.get(load).into_iter().flatten());
        let children: BTreeSet<IncidentId> = theirs
            .filter_map(|told| told.incident)
            .filter(|id| {
                book.get(*id)
                    .is_some_and(|row| row.parent.is_some() && !row.danger)
            })
            .filter(|id| book.is_guess(*id))
            .collect();
        for id in children {
            if book
                .get(id)
                .is_some_and(|row| self.are_all_back(row, book.members(id)))
            {
                book.change(id, |row| row.state = State::Closed("restored".to_owned()));
                book.decide(id, "gone", None, None);
            }
        }
    }

    /// Each of its `members` reports is followed by a word of supply. One that was grouped without the network is not known here, and
    /// so the incident goes on.
    fn are_all_back(&self, child: &Incident, members: i64) -> bool {
        let all = self.reports.iter();
        let theirs = all.flat_map(|(load, told)| told.iter().map(move |one| (*load, one)));
        let mut theirs = theirs
            .filter(|(_, told)| told.incident == Some(child.id))
            .peekable();
        let (mut count, mut is_back) = (0, theirs.peek().is_some());
        for (load, told) in theirs {
            count += 1;
            is_back &= self.is_back_after(load, told);
        }
        is_back && count == members && !self.is_kept_by_meters(child)
    }

    fn is_back_after(&self, load: LoadIx, told: &Told) -> bool {
        self.said_on.get(&load).is_some_and(|on| *on > told.at_ms())
    }
}
