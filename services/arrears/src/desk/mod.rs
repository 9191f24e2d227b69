//! Commands: lock, decide by the machine, save, tell, set timers. Each runs inside one open transaction.

mod apply;
mod breach;
mod cut;
mod evidence;
mod feed;
mod fired;
mod known;
mod message;
mod off;
mod open;
mod release;
mod step;
mod stranger;
mod unplaced;

pub use apply::{Act, Command, apply};
pub use cut::{Meter, Told as CutTold};
pub use feed::{Cause, Fed, FeedLine, Outcome, Told, What, feed};
pub use fired::{LOOK, RECONNECT, WARN, fire};
pub use known::{is_known, registered};
pub use message::take_result;
pub use open::open_missed;
pub use release::{Leave, Shown, hash_of, release};
pub use step::House;
pub use stranger::{noted, withdrawn};
pub use unplaced::place_known;
