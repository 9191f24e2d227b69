//! A later end than people were told: who has to be looked after because of it (domain.md 5.2).

use relight_common::Work;

use super::tell;
use crate::{
    error::Error,
    store::{facts, outage::Stored},
};

/// Says what an extension brings for the desk: limits of the year that are passed by it, customers who have to be called.
/// It stands all the same: supply is off, and people hear of it whatever we answer.
///
/// # Errors
/// [`Error::Common`].
pub async fn alarms(
    work: &mut Work,
    one: &Stored,
    above: Option<(u32, u32)>,
    limits_passed: bool,
) -> Result<(), Error> {
    let limits = match above {
        Some((count, hours)) => limits_passed.then(|| {
            format!(
                "with the later end {count} customers are above the yearly count of planned interruptions and {hours} above 24 h"
            )
        }),
        None => Some("the ledger did not answer: compare the later end with the limits of the year".to_owned()),
    };
    if let Some(because) = limits {
        tell::alarm(work, one, "longer_limits", because).await?;
    }
    if one.life.call_since() == Some(work.at()) {
        let uncalled = facts::read(work.conn(), one).await?.uncalled;
        if uncalled > 0 {
            let because = format!(
                "{uncalled} important or life-support customers must be called: it takes much longer"
            );
            tell::alarm(work, one, "longer_calls", because).await?;
        }
    }
    Ok(())
}
