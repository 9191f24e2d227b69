//! What `up` says once everything stands.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::{Context as _, Result};
use serde_json::Value;

/// One log-in for every role, from `relight demo logins --json`: role, login, password.
pub(super) fn logins(json: &str) -> Result<String> {
    let accounts: Vec<Value> =
        serde_json::from_str(json).context("`relight demo logins --json` is not a JSON list")?;
    let mut text = String::new();
    let mut roles = Vec::new();
    for account in &accounts {
        let [role, login, password] = ["role", "login", "password"].map(|key| field(account, key));
        let role = role?;
        if !roles.contains(&role) {
            roles.push(role);
            line(&mut text, role, &format!("{:<18} {}", login?, password?));
        }
    }
    text.push_str(
        "  A customer signs in with the account and the code that is sent to the phone (see messages).\n",
    );
    Ok(text)
}

/// Where things are, and what to try. `http` and `mobile` are addresses with their ports.
pub(super) fn places(
    http: &str,
    mobile: &str,
    messages: Option<&Path>,
    log: &Path,
    has_town: bool,
) -> String {
    let mut text = String::new();
    line(
        &mut text,
        "wallboard",
        &format!("http://{http}/board (sign in as dispatcher)"),
    );
    line(&mut text, "crews", &format!("http://{mobile}"));
    if let Some(messages) = messages {
        line(&mut text, "messages", &messages.display().to_string());
    }
    let paper = log.with_file_name("data").join("paper").join("newest.en.html");
    line(&mut text, "on paper", &paper.display().to_string());
    let photos = log.with_file_name("data").join("photos");
    line(&mut text, "photos", &photos.display().to_string());
    line(&mut text, "log", &log.display().to_string());
    line(&mut text, "look after", "cargo xtask relight doctor");
    if has_town {
        line(&mut text, "storm", "cargo xtask relight demo storm");
        line(&mut text, "all log-ins", "cargo xtask relight demo logins");
    } else {
        line(
            &mut text,
            "first log-in",
            "cargo xtask relight account put --login NAME --role admin",
        );
    }
    text.push_str("Ctrl-C stops it\n");
    text
}

fn line(text: &mut String, name: &str, words: &str) {
    writeln!(text, "  {name:<12} {words}").expect("writing to a string");
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
    fn every_role_has_one_line() -> Result<()> {
        let text = logins(
            r#"[{"role":"crew","login":"crew1","password":"p","more":1},
                {"role":"crew","login":"crew2","password":"q"},
                {"role":"agent","login":"a","password":"r"}]"#,
        )?;
        let first: Vec<_> = text
            .lines()
            .map(|line| line.split_whitespace().collect::<Vec<_>>())
            .collect();
        assert_eq!(first[0], ["crew", "crew1", "p"]);
        assert_eq!(first[1], ["agent", "a", "r"]);
        assert_eq!(first.len(), 3);
        Ok(())
    }

    #[test]
    fn an_account_without_a_password_is_named() {
        let error = logins(r#"[{"role":"crew","login":"crew1"}]"#).expect_err("incomplete");
        assert!(error.to_string().contains("password"));
    }
}
