//! Sections `arrears` and `policy` of the configuration, checked whole before anything starts.

use std::sync::Arc;

use relight_common::config;
use relight_policy::Pack;

use crate::{
    desk::House,
    domain::{Law, money::Terms},
};

#[derive(serde::Deserialize)]
struct Policy {
    pack: String,
}

/// The rules of this deployment.
///
/// # Errors
/// When a number is out of its range or the pack does not load.
pub fn house() -> anyhow::Result<House> {
    let terms = config::section::<Terms>("arrears")?;
    if let Some(fault) = terms.fault() {
        anyhow::bail!("section arrears of the configuration: {fault}");
    }
    let pack = Pack::load(&config::section::<Policy>("policy")?.pack)?;
    Ok(House {
        law: Arc::new(Law::new(pack)),
        terms,
    })
}
