//! The demo town, made up from a seed: streets, two substations, six feeders, about 5,000 customers.
//!
//! Nothing in it exists. It lies around 30.0 N 120.0 E because coordinates must lie somewhere; names,
//! addresses and accounts are drawn from lists. English-speaking customers have United States numbers
//! 555-0100 to 555-0199, which are kept for fiction; China keeps no such range, so the others have
//! numbers of one pattern, +86 199 0000 xxxx: a demo town must never be joined to a real SMS gateway.
//! E-mail addresses are at example.org. The same seed gives the same town.

mod feeder;
mod names;
mod people;
mod province;
mod random;
mod streets;

pub use province::{Province, province};
use random::Random;

use crate::network::Network;
use crate::pack::Pack;

/// IANA zone of the town.
const ZONE: &str = "Asia/Shanghai";

/// The demo town of `seed`.
pub fn town(seed: u64) -> Pack {
    let mut random = Random::new(seed);
    let plan = streets::Plan::new(&mut random);
    let mut town = Town {
        random,
        plan,
        pack: Pack::default(),
        households: 0,
    };
    town.pack.network = Network {
        name: format!("demo town {seed}"),
        ..Network::default()
    };
    town.pack.streets = town.plan.streets();
    town.add_substations();
    for number in 1..=6 {
        town.add_feeder(number);
    }
    town.add_ties();
    town.pack
}

/// A town in the making.
struct Town {
    random: Random,
    plan: streets::Plan,
    pack: Pack,
    /// Customers so far; numbers accounts, phones and meters.
    households: u32,
}
