//! What a report is: danger, a known outage, a cut, the customer's own trouble, or a fault. Pure.

use chrono::{DateTime, Utc};

use crate::domain::IncidentId;

/// What triage made of a report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Triage {
    /// A fault nobody knew of here.
    New,
    /// The customer is already off, and this is why.
    KnownOutage(KnownOutage),
    /// Nobody can say yet; treated as a fault of ours.
    Undetermined,
    /// Probably inside the customer's own installation: self-help first, dispatched when that fails.
    CustomerSide,
    /// Disconnected for arrears.
    Cut(KnownOutage),
    /// The meter's own relay is open because its prepaid credit is used up.
    Prepaid,
    /// Off at the customer's own request.
    OwnRequest(KnownOutage),
    /// The supply of this account has ended; the report is kept.
    Left,
}

impl Triage {
    /// The word on the wire and in the table.
    pub fn word(&self) -> &'static str {
        match self {
            Triage::New => "new",
            Triage::KnownOutage(_) => "known_outage",
            Triage::Undetermined => "undetermined",
            Triage::CustomerSide => "customer_side",
            Triage::Cut(_) => "cut",
            Triage::OwnRequest(_) => "own_request",
            Triage::Prepaid => "prepaid",
            Triage::Left => "left",
        }
    }

    /// What the ledger knew.
    pub fn known(&self) -> Option<&KnownOutage> {
        match self {
            Triage::KnownOutage(known) | Triage::Cut(known) | Triage::OwnRequest(known) => Some(known),
            Triage::New | Triage::Undetermined | Triage::CustomerSide | Triage::Prepaid | Triage::Left => {
                None
            }
        }
    }

    /// Where the report stands after triage. What is off for another reason than a fault is no work for a crew.
    pub fn standing(&self) -> Standing {
        match self {
            Triage::CustomerSide => Standing::Helping,
            Triage::KnownOutage(known) if known.incident.is_none() => {
                Standing::Closed("known_outage".to_owned())
            }
            Triage::Cut(_) => Standing::Closed("cut".to_owned()),
            Triage::OwnRequest(_) => Standing::Closed("own_request".to_owned()),
            Triage::Prepaid => Standing::Closed("prepaid".to_owned()),
            Triage::New | Triage::Undetermined | Triage::Left | Triage::KnownOutage(_) => Standing::Open,
        }
    }
}

/// Where a report stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// Waiting for its incident, or in one.
    Open,
    /// Self-help is being tried.
    Helping,
    /// Answered, with the reason.
    Closed(String),
}

impl Standing {
    /// The word on the wire and in the table.
    pub fn word(&self) -> &'static str {
        match self {
            Standing::Open => "open",
            Standing::Helping => "helping",
            Standing::Closed(_) => "closed",
        }
    }

    /// Why it is closed.
    pub fn reason(&self) -> Option<&str> {
        match self {
            Standing::Closed(reason) => Some(reason),
            Standing::Open | Standing::Helping => None,
        }
    }
}

/// An open record of the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownOutage {
    /// The fault behind it; none for planned and other outages.
    pub incident: Option<IncidentId>,
    /// Since when.
    pub off_at: Option<DateTime<Utc>>,
    /// Until when, as estimated; none once that has passed.
    pub etr_at: Option<DateTime<Utc>>,
    /// Of planned work: its end as last told, also once it has passed. Looked at when a report is judged, and not kept.
    pub announced_end_at: Option<DateTime<Utc>>,
    /// Cause code; empty while unknown.
    pub cause: String,
    /// Class of the ledger: FAULT, PLANNED, ...
    pub class: String,
    /// The planned outage behind it; empty: none.
    pub outage: String,
    /// Nobody guesses any more.
    pub confirmed: bool,
}

impl KnownOutage {
    /// Planned work whose announced end, as last told, has passed: whoever is still off then has a fault, or is owed the search for
    /// one (domain.md 5.5 no. 26).
    pub fn is_over(&self, now: DateTime<Utc>) -> bool {
        self.announced_end_at.is_some_and(|end| end <= now)
    }

    /// Whether the supply was stopped for this customer alone, and not by a fault or work.
    pub fn is_cut(&self) -> bool {
        ["ARREARS", "CUSTOMER_REQUEST"].contains(&self.class.as_str())
    }
}

/// What the reporter says of the neighbours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Neighbours {
    /// Not asked, or not known.
    #[default]
    Unknown,
    /// They have supply.
    On,
    /// They are off too.
    Off,
}

impl Neighbours {
    /// The word on the wire and in the table.
    pub fn word(self) -> &'static str {
        match self {
            Neighbours::Unknown => "",
            Neighbours::On => "on",
            Neighbours::Off => "off",
        }
    }

    /// Reads the word.
    pub fn parse(word: &str) -> Option<Neighbours> {
        [Neighbours::Unknown, Neighbours::On, Neighbours::Off]
            .into_iter()
            .find(|said| said.word() == word)
    }
}

/// What triage looks at.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Seen {
    /// Danger was told.
    pub danger: bool,
    /// The place is known to the grid.
    pub on_the_grid: bool,
    /// The supply of this account has ended.
    pub left: bool,
    /// The ledger's open record of this customer.
    pub known: Option<KnownOutage>,
    /// The ledger did not say in time whether there is one.
    pub no_answer: bool,
    /// What the meter's own relay last said, if it said anything since then: open?
    pub relay_open: Option<bool>,
    /// The meter said that its prepaid credit is used up, and nothing else since.
    pub credit_out: bool,
    /// An open fault lies above this place.
    pub fault_above: bool,
    /// What the reporter says of the neighbours.
    pub neighbours: Neighbours,
}

/// What triage makes of a report. Danger is never swallowed; arrears are never blamed while a fault lies above or the
/// meter contradicts; what nobody can say is a fault of ours.
pub fn triage(seen: Seen, now: DateTime<Utc>) -> Triage {
    let fault = if seen.on_the_grid {
        Triage::New
    } else {
        Triage::Undetermined
    };
    if seen.danger {
        return fault;
    }
    if seen.left {
        return Triage::Left;
    }
    let only_theirs = seen.known.as_ref().is_none_or(KnownOutage::is_cut);
    if seen.credit_out && seen.relay_open == Some(true) && only_theirs && !seen.fault_above {
        return Triage::Prepaid;
    }
    match seen.known {
        Some(known) if known.is_cut() => {
            let is_sure = seen.relay_open.unwrap_or(known.confirmed);
            match (seen.fault_above, is_sure, known.class.as_str()) {
                (true, ..) => fault,
                (false, false, _) => Triage::Undetermined,
                (false, true, "ARREARS") => Triage::Cut(known),
                (false, true, _) => Triage::OwnRequest(known),
            }
        }
        Some(known) if known.is_over(now) => fault,
        Some(known) => Triage::KnownOutage(known),
        // Nobody knows whether they are off: no self-help, and no promise that it is something new.
        None if seen.no_answer => Triage::Undetermined,
        None if seen.neighbours == Neighbours::On && seen.on_the_grid && !seen.fault_above => {
            Triage::CustomerSide
        }
        None => fault,
    }
}

#[cfg(test)]
mod tests;
