//! A local account, checked whole before anything is stored.

use relight_common::{Grant, Invalid, Role, typed_id, wire};
use uuid::Uuid;
// `typed_id!` derives with it.
use serde as _;

typed_id!(
    /// One person who may log in.
    PersonId,
    "person_id"
);

const LOGIN_MAX: usize = 64;
const NAME_MAX: usize = 100;
const ORG_MAX: usize = 200;
const GRANTS_MAX: usize = 50;
/// Characters of a password.
const PASSWORD: std::ops::RangeInclusive<usize> = 10..=128;
/// Roles a local account may have.
const ROLES: [Role; 9] = [
    Role::Admin,
    Role::Dispatcher,
    Role::Agent,
    Role::UnitDesk,
    Role::Crew,
    Role::Planner,
    Role::Manager,
    Role::ControlRoom,
    Role::Scada,
];

/// A language the product speaks, as its BCP 47 tag; empty when not chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Language {
    /// Not chosen.
    #[default]
    Unset,
    /// Chinese, simplified.
    ZhCn,
    /// English.
    En,
}

impl Language {
    /// The tag.
    pub fn tag(self) -> &'static str {
        match self {
            Language::Unset => "",
            Language::ZhCn => "zh-CN",
            Language::En => "en",
        }
    }

    /// Reads a stored tag.
    pub fn of_tag(tag: &str) -> Self {
        match tag {
            "zh-CN" => Language::ZhCn,
            "en" => Language::En,
            _ => Language::Unset,
        }
    }
}

/// An account as an administrator wants it to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Log-in name, lower case.
    pub login: String,
    /// Name shown to colleagues.
    pub display_name: String,
    /// Roles by org path.
    pub grants: Vec<Grant>,
    /// The crew whose phone this is.
    pub crew_id: Option<Uuid>,
    /// The unit whose desk this is.
    pub unit_id: Option<Uuid>,
    /// Language of the pages.
    pub language: Language,
    /// May not log in; open sessions end.
    pub disabled: bool,
}

impl Account {
    /// The account in its normal form.
    ///
    /// # Errors
    /// [`Invalid`] naming the first field that is wrong.
    pub fn checked(mut self) -> Result<Self, Invalid> {
        self.login = login(&self.login)?;
        self.display_name = wire::text_required("person.display_name", &self.display_name, NAME_MAX)?;
        if self.grants.is_empty() || self.grants.len() > GRANTS_MAX {
            return Err(Invalid::new(
                "person.grants",
                format!("must be from 1 to {GRANTS_MAX}"),
            ));
        }
        for grant in &self.grants {
            if !ROLES.contains(&grant.role) {
                return Err(no_such_role());
            }
            org_path(&grant.org_path)?;
        }
        self.grants
            .sort_by(|a, b| (a.role.word(), &a.org_path).cmp(&(b.role.word(), &b.org_path)));
        self.grants.dedup();
        self.has_its_place(Role::Crew, self.crew_id, "person.crew_id")?;
        self.has_its_place(Role::UnitDesk, self.unit_id, "person.unit_id")?;
        Ok(self)
    }

    fn has_its_place(&self, role: Role, place: Option<Uuid>, field: &'static str) -> Result<(), Invalid> {
        if place.is_none() && self.grants.iter().any(|grant| grant.role == role) {
            return Err(Invalid::new(
                field,
                format!("must be given for the role {}", role.word()),
            ));
        }
        Ok(())
    }
}

/// Reads the word of a role a local account may have.
///
/// # Errors
/// [`Invalid`] listing the roles.
pub fn role(word: &str) -> Result<Role, Invalid> {
    Role::parse(word)
        .filter(|role| ROLES.contains(role))
        .ok_or_else(no_such_role)
}

fn no_such_role() -> Invalid {
    let words: Vec<_> = ROLES.iter().map(|role| role.word()).collect();
    Invalid::new(
        "person.grants.role",
        format!("must be one of {}", words.join(", ")),
    )
}

/// A log-in name in its normal form.
///
/// # Errors
/// [`Invalid`] when it is empty, too long or has other characters.
pub fn login(text: &str) -> Result<String, Invalid> {
    let login = wire::text_required("person.login", text, LOGIN_MAX)?.to_lowercase();
    let fits = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | '@');
    if login.chars().all(fits) {
        Ok(login)
    } else {
        Err(Invalid::new(
            "person.login",
            "must consist of letters, digits and . - _ @",
        ))
    }
}

fn org_path(path: &str) -> Result<(), Invalid> {
    let level = |level: &str| {
        !level.is_empty()
            && level
                .chars()
                .all(|c| c.is_alphanumeric() || matches!(c, '-' | '_'))
    };
    if path.is_empty() || (path.chars().count() <= ORG_MAX && path.split('/').all(level)) {
        return Ok(());
    }
    let must = "must be empty (everywhere) or a path such as province/city/county/station";
    Err(Invalid::new("person.grants.org_path", must))
}

/// Whether a new password may be used for `login`.
///
/// # Errors
/// [`Invalid`] when it is too short, too long, or the log-in name.
pub fn password(text: &str, login: &str) -> Result<(), Invalid> {
    if !PASSWORD.contains(&text.chars().count()) {
        return Err(Invalid::new(
            "password",
            format!(
                "must have from {} to {} characters",
                PASSWORD.start(),
                PASSWORD.end()
            ),
        ));
    }
    if text.to_lowercase() == login {
        return Err(Invalid::new("password", "must not be the log-in name"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account() -> Account {
        Account {
            login: " Mei.Lin ".to_owned(),
            display_name: "Lin Mei".to_owned(),
            grants: vec![
                Grant {
                    role: Role::Dispatcher,
                    org_path: "demo/city".to_owned(),
                },
                Grant {
                    role: Role::Agent,
                    org_path: String::new(),
                },
                Grant {
                    role: Role::Agent,
                    org_path: String::new(),
                },
            ],
            crew_id: None,
            unit_id: None,
            language: Language::ZhCn,
            disabled: false,
        }
    }

    #[test]
    fn an_account_is_brought_into_its_normal_form() {
        let checked = account().checked().unwrap();
        assert_eq!((checked.login.as_str(), checked.grants.len()), ("mei.lin", 2));
        assert_eq!(checked.clone().checked().unwrap(), checked);
    }

    #[test]
    fn each_wrong_field_is_named() {
        let grant = |role, path: &str| {
            vec![Grant {
                role,
                org_path: path.to_owned(),
            }]
        };
        let cases: [(&str, Account); 10] = [
            (
                "person.login",
                Account {
                    login: "  ".to_owned(),
                    ..account()
                },
            ),
            (
                "person.login",
                Account {
                    login: "a b".to_owned(),
                    ..account()
                },
            ),
            (
                "person.login",
                Account {
                    login: "x".repeat(65),
                    ..account()
                },
            ),
            (
                "person.display_name",
                Account {
                    display_name: String::new(),
                    ..account()
                },
            ),
            (
                "person.grants",
                Account {
                    grants: Vec::new(),
                    ..account()
                },
            ),
            (
                "person.grants.role",
                Account {
                    grants: grant(Role::Service, ""),
                    ..account()
                },
            ),
            (
                "person.grants.role",
                Account {
                    grants: grant(Role::Customer, ""),
                    ..account()
                },
            ),
            (
                "person.grants.org_path",
                Account {
                    grants: grant(Role::Agent, "a//b"),
                    ..account()
                },
            ),
            (
                "person.crew_id",
                Account {
                    grants: grant(Role::Crew, "demo"),
                    ..account()
                },
            ),
            (
                "person.unit_id",
                Account {
                    grants: grant(Role::UnitDesk, "demo"),
                    ..account()
                },
            ),
        ];
        for (field, wrong) in cases {
            assert_eq!(wrong.checked().unwrap_err().field, field);
        }
        assert_eq!(role("service").unwrap_err().field, "person.grants.role");
    }

    #[test]
    fn passwords_have_ten_characters_and_are_not_the_login() {
        for (text, fits) in [
            ("short", false),
            ("mei.lin.mei", false),
            ("ten chars!", true),
            ("断路器合闸确认完毕好", true),
        ] {
            assert_eq!(password(text, "mei.lin.mei").is_ok(), fits, "{text}");
        }
        assert!(password(&"x".repeat(129), "a").is_err());
    }
}
