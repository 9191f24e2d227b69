//! Where outages end, kept true in all classes: a restoration of a large one ends the small ones inside.

use std::collections::BTreeSet;

use super::atlas::ClassIx;
use super::node::{Node, Span, spans_around};
use super::tree::Tree;

impl Tree {
    /// Scores anew what reports at `steps` changed from a class to its root. Where that makes or unmakes a
    /// restoration, outages inside begin and end elsewhere too.
    pub(crate) fn refresh_way(&mut self, way: &[ClassIx], mut steps: BTreeSet<i64>) {
        let mut cut_below = None;
        for &class in way.iter().rev() {
            let moved = self.note_restored(class, &steps);
            if !moved.is_empty() {
                cut_below = cut_below.or(Some(class));
                steps.extend(moved);
            }
        }
        if let Some(class) = cut_below {
            self.refresh_below(class, &steps);
        }
        for &class in way {
            for &at in &steps {
                self.refresh(class, at);
            }
        }
    }

    /// Everything inside `class`: ends from the outside in, scores from the inside out.
    fn refresh_below(&mut self, class: ClassIx, steps: &BTreeSet<i64>) {
        let children: Vec<ClassIx> = self.nodes[&class].children.values().copied().collect();
        for child in children {
            let mut steps = steps.clone();
            steps.extend(self.note_restored(child, &steps));
            self.refresh_below(child, &steps);
            for &at in &steps {
                self.refresh(child, at);
            }
        }
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
                let root = self.root(class);
                self.restored_roots.insert(root);
            }
        }
        moved
    }

    pub(crate) fn spans(&self, class: ClassIx, at: i64) -> Vec<Span> {
        let Some(node) = self.nodes.get(&class) else {
            return Vec::new();
        };
        // Most of the time nothing around was restored, and the way up is long.
        let nodes: Vec<&Node> = if self.restored_roots.contains(&self.root(class)) {
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

    fn root(&self, mut class: ClassIx) -> ClassIx {
        while let Some(above) = self.atlas.class(class).parent {
            class = above;
        }
        class
    }
}
