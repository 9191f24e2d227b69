//! Who is calling, as their [token](crate::token) proves it. Deny by default: no token, no role or no org path means no.

use serde::{Deserialize, Serialize};
use tonic::Status;
use uuid::Uuid;

/// What somebody may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Accounts, units, crews, imports.
    Admin,
    /// Control room.
    Dispatcher,
    /// Hotline and hall.
    Agent,
    /// Desk of a repair unit: takes or returns orders, assigns crews.
    UnitDesk,
    /// Phone of a crew.
    Crew,
    /// A customer, about their own account.
    Customer,
    /// Anybody on the public pages.
    Public,
    /// Another service of the platform.
    Service,
    /// Plans outages.
    Planner,
    /// Decides about plans, exceptions and disconnections.
    Manager,
    /// The seat that switches: acknowledges, permits, sets device states.
    ControlRoom,
    /// The machine that tells what SCADA says.
    Scada,
}

impl Role {
    /// The role's word on the wire.
    pub fn word(self) -> &'static str {
        match self {
            Role::Admin => "admin",
            Role::Dispatcher => "dispatcher",
            Role::Agent => "agent",
            Role::UnitDesk => "unit_desk",
            Role::Crew => "crew",
            Role::Customer => "customer",
            Role::Public => "public",
            Role::Service => "service",
            Role::Planner => "planner",
            Role::Manager => "manager",
            Role::ControlRoom => "control_room",
            Role::Scada => "scada",
        }
    }

    /// Reads a role's word.
    pub fn parse(word: &str) -> Option<Role> {
        [
            Role::Admin,
            Role::Dispatcher,
            Role::Agent,
            Role::UnitDesk,
            Role::Crew,
            Role::Customer,
            Role::Public,
            Role::Service,
            Role::Planner,
            Role::Manager,
            Role::ControlRoom,
            Role::Scada,
        ]
        .into_iter()
        .find(|role| role.word() == word)
    }
}

/// A role at one org path and everything below it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// The role.
    pub role: Role,
    /// `province/city/county/station`; empty = everywhere.
    pub org_path: String,
}

/// The caller, as proven by the token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    /// Person id, `service:NAME` or `public`.
    pub actor: String,
    /// The person's name as the account has it, for papers that name who acted; empty for services and the public.
    #[serde(default)]
    pub name: String,
    /// Roles by org path.
    pub grants: Vec<Grant>,
    /// The customer whose own data this is.
    pub customer_id: Option<Uuid>,
    /// The crew whose phone this is.
    pub crew_id: Option<Uuid>,
    /// The unit whose desk this is.
    pub unit_id: Option<Uuid>,
    /// One request of the edge, through every service. It proves nothing, so it travels beside the token.
    #[serde(skip, default = "Uuid::now_v7")]
    pub request_id: Uuid,
}

impl Claims {
    /// Claims of a service acting on behalf of a cause.
    pub fn service(name: &str) -> Self {
        Self::of(
            format!("service:{name}"),
            vec![Grant {
                role: Role::Service,
                org_path: String::new(),
            }],
        )
    }

    /// Claims of somebody nobody knows.
    pub fn anybody() -> Self {
        Self::of(
            "public".to_owned(),
            vec![Grant {
                role: Role::Public,
                org_path: String::new(),
            }],
        )
    }

    /// Claims of `actor` with `grants`.
    pub fn of(actor: impl Into<String>, grants: Vec<Grant>) -> Self {
        Self {
            actor: actor.into(),
            name: String::new(),
            grants,
            customer_id: None,
            crew_id: None,
            unit_id: None,
            request_id: Uuid::now_v7(),
        }
    }

    /// The name for papers: the id where the account has none.
    pub fn called(&self) -> &str {
        if self.name.is_empty() {
            &self.actor
        } else {
            &self.name
        }
    }

    /// Whether the caller has one of the roles anywhere.
    pub fn has(&self, roles: &[Role]) -> bool {
        self.grants.iter().any(|grant| roles.contains(&grant.role))
    }

    /// Whether the caller has one of the roles at `org_path` or above it.
    pub fn has_at(&self, roles: &[Role], org_path: &str) -> bool {
        self.grants
            .iter()
            .any(|grant| roles.contains(&grant.role) && covers(&grant.org_path, org_path))
    }

    /// Whether this is the named service.
    pub fn is_service(&self, name: &str) -> bool {
        self.has(&[Role::Service]) && self.actor.strip_prefix("service:") == Some(name)
    }

    /// Refuses callers without one of the roles.
    ///
    /// # Errors
    /// `PermissionDenied`.
    pub fn need(&self, roles: &[Role]) -> Result<(), Status> {
        if self.has(roles) {
            Ok(())
        } else {
            Err(denied(roles))
        }
    }

    /// Refuses callers without one of the roles at `org_path`.
    ///
    /// # Errors
    /// `PermissionDenied`.
    pub fn need_at(&self, roles: &[Role], org_path: &str) -> Result<(), Status> {
        if self.has_at(roles, org_path) {
            Ok(())
        } else {
            Err(denied(roles))
        }
    }

    /// `LIKE` patterns of the org paths where the caller has one of the roles, for filters in SQL:
    /// `org_path like any($1)`.
    pub fn org_patterns(&self, roles: &[Role]) -> Vec<String> {
        let paths = self.grants.iter().filter(|grant| roles.contains(&grant.role));
        paths
            .flat_map(|grant| match grant.org_path.as_str() {
                "" => vec!["%".to_owned()],
                path => vec![escape(path), format!("{}/%", escape(path))],
            })
            .collect()
    }
}

fn denied(roles: &[Role]) -> Status {
    let words: Vec<_> = roles.iter().map(|role| role.word()).collect();
    Status::permission_denied(format!(
        "this needs the role {} for that area",
        words.join(" or ")
    ))
}

/// Whether `grant` is `path` or above it.
fn covers(grant: &str, path: &str) -> bool {
    grant.is_empty()
        || path
            .strip_prefix(grant)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn escape(path: &str) -> String {
    path.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(path: &str) -> Claims {
        Claims::of(
            "p",
            vec![Grant {
                role: Role::Dispatcher,
                org_path: path.to_owned(),
            }],
        )
    }

    #[test]
    fn a_grant_covers_what_is_below_it_and_nothing_beside() {
        assert!(at("demo/city").has_at(&[Role::Dispatcher], "demo/city/east"));
        assert!(!at("demo/city").has_at(&[Role::Dispatcher], "demo/cityhall"));
        assert!(!at("demo/city").has_at(&[Role::Admin], "demo/city"));
        assert_eq!(at("a_b").org_patterns(&[Role::Dispatcher]), ["a\\_b", "a\\_b/%"]);
    }
}
