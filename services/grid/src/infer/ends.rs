//! Where outages end, kept true in all classes: a restoration of a large one ends the small ones inside.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::atlas::ClassIx;
use super::node::{Node, Span, spans_around};
use super::tree::Tree;

/// Classes to be scored anew, the outer ones first, each with the steps that changed.
type Changed = Vec<(ClassIx, BTreeSet<i64>)>;

impl Tree {
    /// Scores anew what changed since the last time: ends from the outside in, scores from the inside out. Each
    /// class once, however many reports came.
    pub(crate) fn settle(&mut self) {
        for (class, steps) in self.ends().into_iter().rev() {
            let row = self.atlas.class(class);
            if row.root == class {
                self.stale.entry(row.loads[0]).or_default().extend(&steps);
            }
            let mut done = i64::MIN;
            for at in steps {
                if at > done {
                    done = self.refresh(class, at);
                }
            }
        }
    }

    /// Notes where outages end. Where a report makes or unmakes a restoration, outages inside begin and end
    /// elsewhere too.
    fn ends(&mut self) -> Changed {
        let key = |tree: &Tree, class: ClassIx| (Reverse(tree.atlas.class(class).loads.len()), class);
        let dirty = std::mem::take(&mut self.dirty);
        let mut todo: BTreeMap<_, BTreeSet<i64>> = dirty
            .into_iter()
            .map(|(class, steps)| (key(self, class), steps))
            .collect();
        // Steps at which something around a class was restored, or is not any more.
        let mut cut: HashMap<ClassIx, BTreeSet<i64>> = HashMap::new();
        let mut changed = Changed::new();
        let mut place: HashMap<ClassIx, usize> = HashMap::new();
        while let Some(((_, class), mut steps)) = todo.pop_first() {
            let mut cut_below = cut.remove(&class).unwrap_or_default();
            let moved = self.note_restored(class, &steps);
            if !moved.is_empty() {
                for above in self.way_up(class) {
                    if let Some(&at) = place.get(&above) {
                        changed[at].1.extend(&moved);
                    }
                }
                steps.extend(&moved);
                cut_below.extend(&moved);
            }
            if !cut_below.is_empty() {
                for child in self.children(class) {
                    todo.entry(key(self, child)).or_default().extend(&cut_below);
                    cut.insert(child, cut_below.clone());
                }
            }
            place.insert(class, changed.len());
            changed.push((class, steps));
        }
        changed
    }

    fn children(&self, class: ClassIx) -> Vec<ClassIx> {
        let node = self.nodes.get(&class);
        node.map(|node| node.children.values().copied().collect())
            .unwrap_or_default()
    }

    /// When outages around `steps` were restored; answers the steps for which that is news.
    fn note_restored(&mut self, class: ClassIx, steps: &BTreeSet<i64>) -> Vec<i64> {
        let mut moved = Vec::new();
        for &at in steps {
            let spans = self.spans(class, at);
            let (Some(first), Some(last)) = (spans.first(), spans.last()) else {
                continue;
            };
            let now: BTreeSet<i64> = spans.iter().filter_map(|span| span.restored).collect();
            let node = self.nodes.entry(class).or_default();
            let before: BTreeSet<i64> = node.restored.range(first.first..last.until).copied().collect();
            moved.extend(before.symmetric_difference(&now));
            node.restored.retain(|at| !before.contains(at));
            if !now.is_empty() {
                node.restored.extend(now);
                self.restored_roots.insert(self.atlas.class(class).root);
            }
        }
        moved
    }

    pub(crate) fn spans(&self, class: ClassIx, at: i64) -> Vec<Span> {
        let Some(node) = self.nodes.get(&class) else {
            return Vec::new();
        };
        // Most of the time nothing around was restored, and the way up is long.
        let nodes: Vec<&Node> = if self.restored_roots.contains(&self.atlas.class(class).root) {
            let above = self.way_up(class);
            above[1..]
                .iter()
                .filter_map(|above| self.nodes.get(above))
                .collect()
        } else {
            Vec::new()
        };
        let cut_above = |last: i64, at: i64| {
            let mut nodes = nodes.iter();
            nodes.any(|above| above.restored.range(last..at).next().is_some())
        };
        spans_around(&node.cells, at, self.rules, cut_above)
    }
}
