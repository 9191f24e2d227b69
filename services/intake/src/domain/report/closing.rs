//! A report that a person finds to be no fault (domain.md 5.1, CLOSED_NOFAULT), and taking that back. Pure.

use super::Standing;
use crate::domain::ReportId;

/// Why it is no fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// Nobody is off: a prank, a wrong account, a mistake.
    False,
    /// Another report says the same.
    Duplicate(ReportId),
    /// Inside the customer's own installation.
    CustomerInternal,
}

impl Reason {
    /// The word on the wire and in the table.
    pub fn word(self) -> &'static str {
        match self {
            Reason::False => "false_report",
            Reason::Duplicate(_) => "duplicate",
            Reason::CustomerInternal => "customer_internal",
        }
    }

    /// Whether this word is of a closing that a person made.
    pub fn is_word(word: &str) -> bool {
        ["false_report", "duplicate", "customer_internal"].contains(&word)
    }
}

/// Who closes, and what they know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Closing {
    /// Why.
    pub reason: Reason,
    /// The customer was told.
    pub customer_told: bool,
    /// A dispatcher closes it.
    pub by_dispatcher: bool,
}

/// Why a report is not closed, or not opened again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Danger is never swallowed (operations.md O6).
    #[error("the report tells of danger: it can be closed only as false_report, by a dispatcher")]
    Danger,
    /// People are told why nobody comes.
    #[error("tell the customer first, then close the report with customer_told")]
    NotTold,
    /// It is over already.
    #[error("the report is closed ({0}); open it again first")]
    Closed(String),
    /// Nobody closed it.
    #[error("the report is {0}: there is no closing to take back")]
    NotClosed(String),
}

/// Closes a report that stands so.
///
/// # Errors
/// [`Refusal`].
pub fn close(from: &Standing, danger: bool, closing: Closing) -> Result<Standing, Refusal> {
    if let Standing::Closed(reason) = from {
        return Err(Refusal::Closed(reason.clone()));
    }
    if danger && !(closing.reason == Reason::False && closing.by_dispatcher) {
        return Err(Refusal::Danger);
    }
    if !closing.customer_told && closing.reason != Reason::False {
        return Err(Refusal::NotTold);
    }
    Ok(Standing::Closed(closing.reason.word().to_owned()))
}

/// Takes a closing back.
///
/// # Errors
/// [`Refusal::NotClosed`] when no person closed it.
pub fn reopen(from: &Standing) -> Result<Standing, Refusal> {
    match from {
        Standing::Closed(reason) if Reason::is_word(reason) => Ok(Standing::Open),
        Standing::Closed(reason) => Err(Refusal::NotClosed(format!("closed as {reason}"))),
        Standing::Open | Standing::Helping => Err(Refusal::NotClosed(from.word().to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_closed_with_a_reason_and_danger_only_as_false_by_a_dispatcher() {
        let twin = Reason::Duplicate(ReportId::new());
        let closed = |word: &str| Standing::Closed(word.to_owned());
        for standing in [
            Standing::Open,
            Standing::Helping,
            closed("cut"),
            closed("false_report"),
        ] {
            for danger in [false, true] {
                for reason in [Reason::False, twin, Reason::CustomerInternal] {
                    for (customer_told, by_dispatcher) in
                        [(false, false), (false, true), (true, false), (true, true)]
                    {
                        let closing = Closing {
                            reason,
                            customer_told,
                            by_dispatcher,
                        };
                        let right = match (&standing, danger, reason) {
                            (Standing::Closed(word), ..) => Err(Refusal::Closed(word.clone())),
                            (_, true, Reason::False) if by_dispatcher => Ok(closed("false_report")),
                            (_, true, _) => Err(Refusal::Danger),
                            (_, false, Reason::False) => Ok(closed("false_report")),
                            (_, false, _) if !customer_told => Err(Refusal::NotTold),
                            (_, false, reason) => Ok(closed(reason.word())),
                        };
                        assert_eq!(
                            close(&standing, danger, closing),
                            right,
                            "{standing:?} {danger} {closing:?}"
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn only_what_a_person_closed_is_opened_again() {
        let closed = |word: &str| Standing::Closed(word.to_owned());
        for word in ["false_report", "duplicate", "customer_internal"] {
            assert_eq!(reopen(&closed(word)), Ok(Standing::Open));
        }
        for standing in [Standing::Open, Standing::Helping, closed("cut"), closed("solved")] {
            assert!(
                matches!(reopen(&standing), Err(Refusal::NotClosed(_))),
                "{standing:?}"
            );
        }
    }
}
