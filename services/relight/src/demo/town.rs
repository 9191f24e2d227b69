//! Loads the town when there is nothing yet; a second load changes nothing but the crews' shifts.

use anyhow::Context;
use relight_common::config;
use relight_grid::{
    OnBad, demo,
    pack::{Channel, Pack},
};

use super::{logins::Login, people};
use crate::import;
use crate::say::say;

/// Loads the town of `seed`.
///
/// # Errors
/// When the database refuses.
pub async fn load(seed: u64) -> anyhow::Result<()> {
    let settings = config::load()?;
    let pack = demo::town(seed);
    let customer = somebody(&pack)?;
    say!(
        "demo town {seed}: {} customers, {} devices",
        pack.customers.len(),
        pack.network.devices.len()
    );
    let report = import::store(&settings, pack, OnBad::Refuse)
        .await
        .map_err(|error| anyhow::anyhow!("{error}"))?;
    say!("{report}");
    people::settle(&settings, customer).await?;
    say!(
        "2 units and 12 crews are on shift for the next 12 hours; `relight demo logins` lists who can sign in"
    );
    Ok(())
}

/// A customer to try the customers' pages with: the account, and the phone a one-time code is sent to.
fn somebody(pack: &Pack) -> anyhow::Result<Login> {
    let contact = pack
        .contacts
        .iter()
        .find(|contact| contact.channel == Channel::Sms)
        .context("nobody has a phone")?;
    Ok(Login {
        role: "customer".to_owned(),
        login: contact.account.clone(),
        password: contact.value.clone(),
    })
}
