//! The demo accounts, one for every role.

use std::fmt::Write as _;

use anyhow::{Context as _, Result};
use serde_json::Value;

/// One line per account of `relight demo logins --json`: role, login, password.
pub(crate) fn table(json: &str) -> Result<String> {
    let accounts: Vec<Value> =
        serde_json::from_str(json).context("`relight demo logins --json` is not a JSON list")?;
    let mut text = String::new();
    for account in &accounts {
        let [role, login, password] = ["role", "login", "password"].map(|key| field(account, key));
        writeln!(text, "  {:<12} {:<20} {}", role?, login?, password?).expect("writing to a string");
    }
    Ok(text)
}

fn field<'a>(account: &'a Value, key: &str) -> Result<&'a str> {
    account[key]
        .as_str()
        .with_context(|| format!("an account of `relight demo logins --json` has no {key}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_account_is_one_line() -> Result<()> {
        let text = table(r#"[{"role":"crew","login":"crew1","password":"p","more":1}]"#)?;
        assert_eq!(
            text.split_whitespace().collect::<Vec<_>>(),
            ["crew", "crew1", "p"]
        );
        Ok(())
    }

    #[test]
    fn an_account_without_a_password_is_named() {
        let error = table(r#"[{"role":"crew","login":"crew1"}]"#).expect_err("incomplete");
        assert!(error.to_string().contains("password"));
    }
}
