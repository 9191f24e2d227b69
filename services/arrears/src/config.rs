//! Sections `arrears` and `policy` of the configuration, checked whole before anything starts.

use std::sync::Arc;

use relight_common::config;

use crate::{
    desk::House,
    domain::{Law, money::Terms},
};

/// The rules of this deployment.
///
/// # Errors
/// When a number is out of its range or the pack does not load.
pub fn house() -> anyhow::Result<House> {
    let terms = config::section::<Terms>("arrears")?;
    if let Some(fault) = terms.fault() {
        anyhow::bail!("section arrears of the configuration: {fault}");
    }
    let pack = config::section::<relight_policy::Section>("policy")?.load()?;
    Ok(House {
        law: Arc::new(Law::new(pack)),
        terms,
    })
}
