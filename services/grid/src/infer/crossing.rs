//! Classes that cross those of the tree, weighed against what they would explain of it.

use super::atlas::{ClassIx, contains};
use super::node::{Cells, Span};
use super::tree::{Tree, begins};
use crate::model::LoadIx;

/// How a class of the tree lies to a crossing class.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lie {
    Inside,
    Apart,
    Across,
}

/// What a crossing class would explain, and the score of all it would not.
pub(crate) struct Crossed {
    pub(crate) cells: Cells,
    pub(crate) outside: f64,
    pub(crate) seed: Option<(i64, LoadIx)>,
}

impl Tree {
    /// The score of `class`'s span if the crossing class opened, and what that would explain.
    pub(crate) fn crossing_total(&mut self, class: ClassIx, crossing: ClassIx, span: Span) -> (f64, Crossed) {
        let mut crossed = Crossed {
            cells: Cells::new(),
            outside: 0.0,
            seed: None,
        };
        self.sort_out(class, crossing, span, &mut crossed);
        if crossed.seed.is_none() {
            return (f64::NEG_INFINITY, crossed);
        }
        let begins = begins(&crossed.cells, span);
        let (opened, _) = self.opened(crossing, &crossed.cells, span, &begins);
        let total = opened + crossed.outside;
        (total, crossed)
    }

    fn sort_out(&mut self, class: ClassIx, crossing: ClassIx, span: Span, crossed: &mut Crossed) {
        let node = &self.nodes[&class];
        let own: u32 = node
            .cells
            .range(span.first..=span.last)
            .map(|(_, cell)| cell.trips)
            .sum();
        crossed.outside += f64::from(own) * self.ln_trip_wrong;
        for child in node.children.values().copied().collect::<Vec<_>>() {
            match self.lie(child, crossing) {
                Lie::Inside => self.take(child, span, crossed),
                Lie::Apart => crossed.outside += self.best_of(child, span),
                Lie::Across => self.sort_out(child, crossing, span, crossed),
            }
        }
    }

    fn take(&self, child: ClassIx, span: Span, crossed: &mut Crossed) {
        let node = &self.nodes[&child];
        for (&at, cell) in node
            .cells
            .range(span.first..span.until.saturating_add(self.rules.gap))
        {
            crossed.cells.entry(at).or_default().add(cell);
        }
        let seeds = node
            .values
            .range(span.first..span.until)
            .map(|(_, value)| value.seed);
        crossed.seed = crossed.seed.into_iter().chain(seeds).min();
    }

    fn best_of(&self, class: ClassIx, span: Span) -> f64 {
        let values = self.nodes[&class].values.range(span.first..span.until);
        values.map(|(_, value)| value.best).sum()
    }

    pub(crate) fn lie(&mut self, class: ClassIx, crossing: ClassIx) -> Lie {
        let atlas = &self.atlas;
        *self.lie.entry((class, crossing)).or_insert_with(|| {
            let (mine, its) = (&atlas.class(class).loads, &atlas.class(crossing).loads);
            if contains(its, mine) {
                Lie::Inside
            } else if mine.iter().any(|load| its.binary_search(load).is_ok()) {
                Lie::Across
            } else {
                Lie::Apart
            }
        })
    }
}
