//! A later end than people were told: who has to be looked after because of it (domain.md 5.2).

use relight_common::Work;

use super::tell;
use crate::{
    domain::said::Said,
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
            Said::new(
                format!("延时后{count}户超过年度计划停电次数，{hours}户超过24小时"),
                format!("with the later end {count} customers are above the yearly count of planned interruptions and {hours} above 24 h"),
            )
        }),
        None => Some(Said::new(
            "停电台账未答复：请将新的结束时间与年度限额比较",
            "the ledger did not answer: compare the later end with the limits of the year",
        )),
    };
    if let Some(because) = limits {
        tell::alarm(work, one, "longer_limits", because).await?;
    }
    if one.life.call_since() == Some(work.at()) {
        let uncalled = facts::read(work.conn(), one).await?.uncalled;
        if uncalled > 0 {
            let because = Said::new(
                format!("停电时间明显延长，须致电{uncalled}户重要客户或生命支持客户"),
                format!(
                    "{uncalled} important or life-support customers must be called: it takes much longer"
                ),
            );
            tell::alarm(work, one, "longer_calls", because).await?;
        }
    }
    Ok(())
}
