//! The leaves of an R-tree, nearest first. The crate's own iterator compares floats that might be NaN and measures boxes
//! generically for any dimension; this walk does half of that work, and a recommendation is mostly this walk.
//!
//! Promises: every leaf once, in the order of straight distance; leaves equally far come in no order.

use std::{cmp::Ordering, collections::BinaryHeap};

use rstar::{AABB, ParentNode, RTree, RTreeNode, primitives::GeomWithData};

type Point = [f64; 3];
type Spot<T> = GeomWithData<Point, T>;

/// Room for what a usual search has open at one time.
const OPEN: usize = 192;

/// A node and the square of how far it is at the least.
struct Open<'t, T> {
    squared: f64,
    node: &'t RTreeNode<Spot<T>>,
}

impl<T> Open<'_, T> {
    /// Squares are never negative, so their bits order as they do.
    fn key(&self) -> u64 {
        self.squared.to_bits()
    }
}

impl<T> PartialEq for Open<'_, T> {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl<T> Eq for Open<'_, T> {}

impl<T> PartialOrd for Open<'_, T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<T> Ord for Open<'_, T> {
    /// The heap gives its largest first; the nearest has to be that.
    fn cmp(&self, other: &Self) -> Ordering {
        other.key().cmp(&self.key())
    }
}

/// See [`nearest`].
struct Nearest<'t, T> {
    to: Point,
    open: BinaryHeap<Open<'t, T>>,
}

/// What stands at the leaves and the square of its distance, nearest first.
pub(super) fn nearest<T>(tree: &RTree<Spot<T>>, to: Point) -> impl Iterator<Item = (&T, f64)> {
    let mut nearest = Nearest {
        to,
        open: BinaryHeap::with_capacity(OPEN),
    };
    nearest.open(tree.root());
    nearest
}

impl<'t, T> Nearest<'t, T> {
    fn open(&mut self, parent: &'t ParentNode<Spot<T>>) {
        for node in parent.children() {
            let squared = match node {
                RTreeNode::Leaf(spot) => apart(*spot.geom(), self.to),
                RTreeNode::Parent(parent) => outside(&parent.envelope(), self.to),
            };
            self.open.push(Open { squared, node });
        }
    }
}

impl<'t, T> Iterator for Nearest<'t, T> {
    type Item = (&'t T, f64);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let Open { squared, node } = self.open.pop()?;
            match node {
                RTreeNode::Leaf(spot) => return Some((&spot.data, squared)),
                RTreeNode::Parent(parent) => self.open(parent),
            }
        }
    }
}

fn apart(a: Point, b: Point) -> f64 {
    let [x, y, z] = [a[0] - b[0], a[1] - b[1], a[2] - b[2]];
    x * x + y * y + z * z
}

/// From a point to the nearest of a box; 0 within it.
fn outside(of: &AABB<Point>, point: Point) -> f64 {
    let (lower, upper) = (of.lower(), of.upper());
    let way = |n: usize| greater(greater(lower[n] - point[n], point[n] - upper[n]), 0.0);
    apart([way(0), way(1), way(2)], [0.0; 3])
}

/// [`f64::max`] minds NaN, in four instructions instead of one; a place is never that.
fn greater(a: f64, b: f64) -> f64 {
    if a > b { a } else { b }
}
