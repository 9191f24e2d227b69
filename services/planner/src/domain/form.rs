//! What a plan has to hold beside its window (operations.md O31): plans of high and of low voltage differ in what is
//! considered instead of switching off and in which departments countersign. Both are data: `forms/*.toml`.

use std::sync::LazyLock;

use relight_common::Role;
use serde::Deserialize;

use super::outage::{Decision, Outage, State};

const FILES: [&str; 2] = [
    include_str!("../../forms/high_voltage.toml"),
    include_str!("../../forms/low_voltage.toml"),
];

static TEMPLATES: LazyLock<Vec<Template>> = LazyLock::new(|| {
    FILES
        .map(|text| toml::from_str(text).expect("tests read every form"))
        .to_vec()
});

/// The template of a plan that names none: the one that asks for more.
pub const STRICTEST: &str = "high_voltage";

/// What plans of one kind have to hold.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Template {
    /// Its word in the database and on the wire.
    pub word: String,
    /// Its name, Chinese.
    pub zh: String,
    /// And English.
    pub en: String,
    /// For customers supplied at most at this voltage, volts; none: for all.
    pub up_to_v: Option<i32>,
    /// What is considered instead of switching off.
    #[serde(rename = "alternative")]
    pub alternatives: Vec<Named>,
    /// Who countersigns.
    #[serde(rename = "department")]
    pub departments: Vec<Department>,
}

/// A word with its names.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Named {
    /// In the database and on the wire.
    pub word: String,
    /// Chinese.
    pub zh: String,
    /// English.
    pub en: String,
}

/// A department that countersigns.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Department {
    /// In the database and on the wire.
    pub word: String,
    /// Chinese.
    pub zh: String,
    /// English.
    pub en: String,
    /// Who signs for it.
    roles: Vec<String>,
}

impl Department {
    /// Who signs for it.
    pub fn roles(&self) -> Vec<Role> {
        self.roles.iter().filter_map(|word| Role::parse(word)).collect()
    }
}

impl Template {
    /// Every template.
    pub fn all() -> &'static [Template] {
        &TEMPLATES
    }

    /// The template of this word.
    pub fn find(word: &str) -> Option<&'static Template> {
        Self::all().iter().find(|one| one.word == word)
    }

    /// The department of this word, if it countersigns such plans.
    pub fn department(&self, word: &str) -> Option<&Department> {
        self.departments.iter().find(|one| one.word == word)
    }
}

/// The Chinese name of an alternative or a department; the word itself when no template has it.
pub fn name_zh(word: &str) -> &str {
    let alternatives = Template::all().iter().flat_map(|one| &one.alternatives);
    let departments = Template::all().iter().flat_map(|one| &one.departments);
    let names = alternatives.map(|one| (&one.word, &one.zh));
    let mut names = names.chain(departments.map(|one| (&one.word, &one.zh)));
    names.find(|(of, _)| *of == word).map_or(word, |(_, zh)| zh)
}

/// What the form of a plan still lacks.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Lacks {
    /// So many customers are supplied at more than the template is for.
    pub above_voltage: u32,
    /// Nobody wrote why these do not do.
    pub alternatives: Vec<String>,
    /// These departments have not signed the present plan.
    pub unsigned: Vec<String>,
    /// These refused it, and were not asked again.
    pub refused: Vec<String>,
}

/// What a department says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It can be done as planned.
    Agreed,
    /// It cannot.
    Refused,
}

impl Verdict {
    /// The word in the database and on the wire.
    pub fn word(self) -> &'static str {
        match self {
            Verdict::Agreed => "agreed",
            Verdict::Refused => "refused",
        }
    }

    /// Reads the word.
    pub fn parse(word: &str) -> Option<Self> {
        [Verdict::Agreed, Verdict::Refused]
            .into_iter()
            .find(|one| one.word() == word)
    }
}

/// A department's word on a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed {
    /// Who, and when.
    pub by: Decision,
    /// What they say.
    pub verdict: Verdict,
    /// Why; never empty when they refuse.
    pub reason: String,
}

/// One way of a plan to a department and back: how long each leg takes is what the utility wants to know (S3 三(一)4).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Countersign {
    /// The first is 1; after a refusal the plan can be sent again.
    pub round: u32,
    /// When it was sent.
    pub sent: Decision,
    /// When the department had it.
    pub received: Option<Decision>,
    /// When and what it answered.
    pub signed: Option<Signed>,
}

/// What happens to a countersign.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// The planner sends the plan.
    Send,
    /// The department has it.
    Receive,
    /// The department answers.
    Sign {
        /// What.
        verdict: Verdict,
        /// Why.
        reason: String,
    },
}

/// Why a countersign is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The plan is at another point of its life.
    #[error("departments countersign a plan once it is submitted and until it is announced")]
    NotNow,
    /// Nobody sent it.
    #[error("the plan was not sent to this department")]
    NotSent,
    /// It answered already.
    #[error("the department has signed; what is signed stays")]
    HasSigned,
    /// Four eyes.
    #[error("the author of a plan signs for no department; another person has to")]
    OwnPlan,
    /// A refusal says why.
    #[error("a department that refuses says why")]
    NoReason,
}

/// Whether departments may be asked about `outage` now: a plan that was moved is a new one and is signed anew before
/// people are told of it.
pub fn is_open(outage: &Outage) -> bool {
    match outage.state {
        State::Submitted | State::Balanced | State::Negotiating => true,
        State::Approved => outage.announced_at.is_none(),
        _ => false,
    }
}

/// What `step` makes of the latest countersign of one department. Repeating a step changes nothing.
///
/// # Errors
/// A [`Fault`] that says what stands in the way.
pub fn countersign(
    outage: &Outage,
    latest: Option<Countersign>,
    step: &Step,
    by: Decision,
) -> Result<Countersign, Fault> {
    if !is_open(outage) {
        return Err(Fault::NotNow);
    }
    match (latest, step) {
        (None, Step::Send) => Ok(sent(1, by)),
        (Some(known), Step::Send) => match &known.signed {
            Some(signed) if signed.verdict == Verdict::Refused => Ok(sent(known.round + 1, by)),
            _ => Ok(known),
        },
        (None, Step::Receive | Step::Sign { .. }) => Err(Fault::NotSent),
        (Some(known), Step::Receive) => Ok(Countersign {
            received: known.received.or(Some(by)),
            ..known
        }),
        (Some(known), Step::Sign { verdict, reason }) => sign(outage, known, *verdict, reason, by),
    }
}

fn sent(round: u32, sent: Decision) -> Countersign {
    Countersign {
        round,
        sent,
        received: None,
        signed: None,
    }
}

/// Who signs has the plan before them: signing what nobody received receives it.
fn sign(
    outage: &Outage,
    known: Countersign,
    verdict: Verdict,
    reason: &str,
    by: Decision,
) -> Result<Countersign, Fault> {
    if let Some(signed) = &known.signed {
        let same = signed.verdict == verdict && signed.reason == reason && signed.by.by == by.by;
        return if same { Ok(known) } else { Err(Fault::HasSigned) };
    }
    if by.by == outage.author {
        return Err(Fault::OwnPlan);
    }
    if verdict == Verdict::Refused && reason.trim().is_empty() {
        return Err(Fault::NoReason);
    }
    Ok(Countersign {
        received: known.received.or_else(|| Some(by.clone())),
        signed: Some(Signed {
            by,
            verdict,
            reason: reason.to_owned(),
        }),
        ..known
    })
}

#[cfg(test)]
mod tests;
