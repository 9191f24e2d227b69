//! Whom a confirmed fault keeps off when the network is switched while it lasts (domain.md 5.5 no. 13). Pure.

use std::collections::BTreeSet;

use relight_grid::{DeviceIx, Grid, LoadIx};

/// Loads of a network.
pub type Loads = BTreeSet<LoadIx>;

/// How the network is switched against its normal state; what has tripped is among what is opened.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Switched {
    /// Opened.
    pub opened: Vec<DeviceIx>,
    /// Closed.
    pub closed: Vec<DeviceIx>,
}

impl Switched {
    /// Those of these ids that are in the network.
    pub fn of(grid: &Grid, opened: &[String], closed: &[String]) -> Switched {
        let known = |ids: &[String]| ids.iter().filter_map(|id| grid.device(id)).collect();
        Switched {
            opened: known(opened),
            closed: known(closed),
        }
    }

    fn with(&self, device: DeviceIx, open: bool) -> Switched {
        let others = |list: &[DeviceIx]| list.iter().copied().filter(|one| *one != device).collect();
        let (mut opened, mut closed): (Vec<_>, Vec<_>) = (others(&self.opened), others(&self.closed));
        if open { &mut opened } else { &mut closed }.push(device);
        Switched { opened, closed }
    }

    fn dark(&self, grid: &Grid) -> Loads {
        grid.dead(&self.opened, &self.closed)
            .dead_loads
            .into_iter()
            .collect()
    }
}

/// A confirmed fault.
#[derive(Debug, Clone, Copy)]
pub struct Fault<'a> {
    /// What failed.
    pub device: DeviceIx,
    /// It was closed again since it was confirmed.
    pub closed_again: bool,
    /// Everybody who was ever off because of it.
    pub known: &'a Loads,
}

/// Who is off because of `fault` as the network is switched: of those it had put out, whoever has no way of supply around it, whatever
/// else is open on the way; and who hangs on it only now.
///
/// A fuse that melted is in no state of the network: the device counts as open until it was closed again.
pub fn still_off(grid: &Grid, switched: &Switched, fault: Fault<'_>) -> Loads {
    if fault.closed_again {
        return common(fault.known, &switched.dark(grid));
    }
    let with = switched.with(fault.device, true).dark(grid);
    let mut off = common(fault.known, &with);
    if grid.is_normally_closed(fault.device) {
        let without = switched.with(fault.device, false).dark(grid);
        off.extend(with.difference(&without));
    }
    off
}

fn common(some: &Loads, others: &Loads) -> Loads {
    some.intersection(others).copied().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::mind::tests::house::town_with_a_tie;

    fn ids(ids: &[&str]) -> Vec<String> {
        ids.iter().map(|id| (*id).to_owned()).collect()
    }

    /// Feeders of the loads that are off, each once.
    fn feeders(grid: &Grid, device: &str, known: &Loads, opened: &[&str], closed: &[&str]) -> Vec<String> {
        let switched = Switched::of(grid, &ids(opened), &ids(closed));
        let fault = Fault {
            device: grid.device(device).expect("a device"),
            closed_again: false,
            known,
        };
        let off = still_off(grid, &switched, fault);
        let names = off.iter().map(|load| grid.load_id(*load)[..2].to_owned());
        names.collect::<BTreeSet<_>>().into_iter().collect()
    }

    #[test]
    fn who_has_a_way_around_the_fault_is_not_off_and_who_hangs_on_it_is() {
        let grid = town_with_a_tie();
        let device = grid.device("SW1").expect("a switch");
        let known: Loads = grid.dead(&[device], &[]).dead_loads.into_iter().collect();
        let nobody = Loads::new();
        let off = |known, opened: &[&str], closed: &[&str]| feeders(&grid, "SW1", known, opened, closed);
        assert_eq!(off(&known, &[], &[]), ["L1"], "as it was confirmed");
        assert_eq!(off(&known, &["SW1"], &[]), ["L1"], "and opened");
        assert!(off(&known, &[], &["TIE"]).is_empty(), "fed by the other feeder");
        assert_eq!(off(&known, &[], &[]), ["L1"], "and off again");
        assert_eq!(
            off(&known, &["CB"], &["TIE"]),
            ["L1"],
            "the other feeder is dark too"
        );
        assert_eq!(
            off(&nobody, &["SW2"], &["TIE"]),
            ["L1", "L2"],
            "the other feeder hangs on it now"
        );
        assert_eq!(off(&known, &["SW2"], &["TIE"]), ["L1", "L2"]);
    }

    #[test]
    fn through_a_device_that_was_closed_again_there_is_supply() {
        let grid = town_with_a_tie();
        let device = grid.device("SW1").expect("a switch");
        let known: Loads = grid.dead(&[device], &[]).dead_loads.into_iter().collect();
        let fault = Fault {
            device,
            closed_again: true,
            known: &known,
        };
        assert!(still_off(&grid, &Switched::default(), fault).is_empty());
        let above = Switched::of(&grid, &ids(&["CB"]), &[]);
        assert_eq!(still_off(&grid, &above, fault), known, "nothing comes from above");
    }
}
