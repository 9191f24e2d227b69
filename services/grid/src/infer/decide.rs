//! Reading the explanation: which outages there are now, and which devices could be behind each.

use std::collections::HashMap;

use super::atlas::{ClassIx, contains};
use super::crossing::Lie;
use super::likelihood::ln_sum;
use super::node::{Choice, Span, Value};
use super::record::STEP_MS;
use super::tree::Tree;
use crate::model::LoadIx;

/// One outage of the best explanation.
#[derive(Debug, Clone)]
pub(crate) struct Finding {
    /// The class that opened.
    pub(crate) class: ClassIx,
    /// The class of the tree it was found at: itself, or the one around a crossing class.
    pub(crate) at: ClassIx,
    pub(crate) span: Span,
    pub(crate) seed: (i64, LoadIx),
    /// Its scores; the same scores mean the same candidates.
    pub(crate) scores: (u64, u64),
    /// The score of its explanation, ln.
    pub(crate) best: f64,
}

/// A class with the probability that a device of it is the one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Likely {
    pub(crate) class: ClassIx,
    pub(crate) p: f64,
}

/// Candidates this far below the best, in ln, are not worth a look.
const FAR: f64 = 30.0;

impl Tree {
    /// The outages of one span of a root, by their first report.
    pub(crate) fn findings(&mut self, root: ClassIx, value: &Value) -> Vec<Finding> {
        let mut found = Vec::new();
        self.collect(root, value, &mut found);
        found.sort_by_key(|finding| finding.seed);
        found
    }

    /// Of `found`, by their first reports, those that are more than a few reports that come late from loads of an
    /// outage that nobody ended: of one of `before`, or of an earlier one of their own.
    pub(crate) fn absorb_late(&self, before: Vec<Finding>, found: Vec<Finding>) -> Vec<Finding> {
        let mut all = Kept::default();
        for finding in before {
            all.keep(finding);
        }
        let known = all.findings.len();
        for finding in found {
            if !all
                .around(self, &finding)
                .any(|before| self.is_late(&finding, before))
            {
                all.keep(finding);
            }
        }
        all.findings.split_off(known)
    }

    /// Do late callers of `before`, which lies around it and nobody ended, explain a finding better than a fault
    /// of its own.
    fn is_late(&self, finding: &Finding, before: &Finding) -> bool {
        let open = before
            .span
            .restored
            .is_none_or(|restored| restored > finding.span.last);
        let recent = finding.span.first - before.span.last <= self.lapse;
        open && recent
            && finding.span.first >= before.span.first
            && !self.is_pinned(finding)
            && self.as_late(finding, before) >= finding.best
    }

    /// ln of the density of a finding's reports if its customers are late ones of `before`. Reports are counted in the tree, where a
    /// class that crosses others has none: those of the class around it stand for them.
    fn as_late(&self, finding: &Finding, before: &Finding) -> f64 {
        let customers = self.atlas.class(before.class).customers;
        let called = self.reports(before.at, before.span).clamp(1, customers);
        let ln_share = (f64::from(called) / f64::from(customers)).ln();
        let cells = &self.nodes[&finding.at].cells;
        let late = cells
            .range(finding.span.first..=finding.span.last)
            .map(|(&at, cell)| {
                let min = ((at - before.span.first) * STEP_MS) as f64 / 60_000.0;
                f64::from(cell.calls) * (ln_share + self.likelihood.ln_call(min))
                    + f64::from(cell.gasps) * (ln_share + self.likelihood.ln_gasp(min))
            });
        late.sum()
    }

    fn collect(&mut self, class: ClassIx, value: &Value, found: &mut Vec<Finding>) {
        let scores = (value.opened.to_bits(), value.inside.to_bits());
        let finding = |class_found, seed| Finding {
            class: class_found,
            at: class,
            span: value.span,
            seed,
            scores,
            best: value.best,
        };
        match value.choice {
            Choice::Opened => found.push(finding(class, value.named)),
            Choice::Inside => self.collect_inside(class, value.span, None, found),
            Choice::Crossing(crossing) => {
                found.push(finding(crossing, value.named));
                self.collect_inside(class, value.span, Some(crossing), found);
            }
        }
    }

    /// The outages of the classes inside, without those that `crossing` explains.
    fn collect_inside(
        &mut self,
        class: ClassIx,
        span: Span,
        crossing: Option<ClassIx>,
        found: &mut Vec<Finding>,
    ) {
        let Some(node) = self.nodes.get(&class) else {
            return;
        };
        for child in node.children.values().copied().collect::<Vec<_>>() {
            match crossing.map_or(Lie::Apart, |crossing| self.lie(child, crossing)) {
                Lie::Inside => {}
                Lie::Across => self.collect_inside(child, span, crossing, found),
                Lie::Apart => {
                    let values: Vec<Value> = self.values_in(child, span).copied().collect();
                    for value in values {
                        self.collect(child, &value, found);
                    }
                }
            }
        }
    }

    pub(crate) fn values_in(&self, class: ClassIx, span: Span) -> impl Iterator<Item = &Value> {
        let node = self.nodes.get(&class).into_iter();
        node.flat_map(move |node| node.values.range(span.first..span.until).map(|(_, value)| value))
    }

    /// Every class that could be behind a finding, the likeliest first, probabilities adding up to 1.
    ///
    /// Compared are complete explanations: this class opened and the rest is explained as well as it can be.
    pub(crate) fn candidates(&mut self, finding: &Finding) -> Vec<Likely> {
        let Some(&value) = self.nodes[&finding.at].values.get(&finding.span.first) else {
            return vec![Likely {
                class: finding.class,
                p: 1.0,
            }];
        };
        let mut scored = Vec::new();
        self.score_down(finding.at, &value, 0.0, &mut scored);
        let (mut class, mut inner, mut rest) = (finding.at, value, 0.0);
        while let Some(above) = self.atlas.class(class).parent {
            let Some(outer) = self.value_around(above, inner.span.first) else {
                break;
            };
            rest += outer.inside - inner.best;
            scored.push((above, outer.opened - rest));
            for (crossing, total) in self.crossings(above, outer.span) {
                scored.push((crossing, total - rest));
            }
            (class, inner) = (above, outer);
        }
        likely(scored)
    }

    /// Scores `class`, what crosses it, and the classes inside that hold most of its evidence.
    fn score_down(&mut self, class: ClassIx, value: &Value, rest: f64, scored: &mut Vec<(ClassIx, f64)>) {
        scored.push((class, value.opened + rest));
        for (crossing, total) in self.crossings(class, value.span) {
            scored.push((crossing, total + rest));
        }
        let Some(node) = self.nodes.get(&class) else {
            return;
        };
        let heaviest = node.children.values().filter_map(|&child| {
            let values: Vec<&Value> = self.values_in(child, value.span).collect();
            let weight: u32 = values.iter().map(|value| self.reports(child, value.span)).sum();
            let main = values
                .into_iter()
                .max_by_key(|value| self.reports(child, value.span))?;
            Some((weight, child, *main))
        });
        // Of two with as much evidence the first in grid order.
        let most = heaviest.reduce(|most, next| if next.0 > most.0 { next } else { most });
        let Some((_, child, inner)) = most else { return };
        let rest = rest + value.inside - inner.best;
        if value.best - (inner.opened.max(inner.inside) + rest) < FAR {
            self.score_down(child, &inner, rest, scored);
        }
    }

    fn crossings(&mut self, class: ClassIx, span: Span) -> Vec<(ClassIx, f64)> {
        let crossing = self.atlas.class(class).crossing.clone();
        let totals = crossing
            .into_iter()
            .map(|crossing| (crossing, self.crossing_total(class, crossing, span).0));
        totals.filter(|(_, total)| total.is_finite()).collect()
    }

    fn reports(&self, class: ClassIx, span: Span) -> u32 {
        let cells = self.nodes[&class].cells.range(span.first..=span.last);
        cells.map(|(_, cell)| cell.out()).sum()
    }

    /// The outage of `class` that the step belongs to.
    fn value_around(&self, class: ClassIx, at: i64) -> Option<Value> {
        let (_, value) = self.nodes.get(&class)?.values.range(..=at).next_back()?;
        (at < value.span.until).then_some(*value)
    }
}

/// Outages by the class that opened.
#[derive(Default)]
struct Kept {
    findings: Vec<Finding>,
    by_class: HashMap<ClassIx, Vec<usize>>,
    /// Those at classes that cross others: they lie around classes that are not below them in the tree.
    crossing: Vec<usize>,
}

impl Kept {
    fn keep(&mut self, finding: Finding) {
        let at = self.findings.len();
        if finding.class == finding.at {
            self.by_class.entry(finding.class).or_default().push(at);
        } else {
            self.crossing.push(at);
        }
        self.findings.push(finding);
    }

    /// Those whose loads hold all of a finding's.
    fn around<'k>(&'k self, tree: &'k Tree, finding: &'k Finding) -> impl Iterator<Item = &'k Finding> {
        let loads = move |class: ClassIx| &tree.atlas.class(class).loads;
        let above = std::iter::successors(Some(finding.class), |&class| tree.atlas.class(class).parent);
        let boxes = above.filter_map(|class| self.by_class.get(&class)).flatten();
        let crossing = self.crossing.iter().filter(move |&&at| {
            let class = self.findings[at].class;
            class == finding.class || contains(loads(class), loads(finding.class))
        });
        boxes.chain(crossing).map(|&at| &self.findings[at])
    }
}

fn likely(scored: Vec<(ClassIx, f64)>) -> Vec<Likely> {
    let sum = ln_sum(scored.iter().map(|score| score.1));
    let mut likely: Vec<Likely> = scored
        .into_iter()
        .map(|(class, score)| Likely {
            class,
            p: (score - sum).exp(),
        })
        .collect();
    // Stable: of two alike the inner one, which was scored first.
    likely.sort_by(|a, b| b.p.total_cmp(&a.p));
    likely
}
