//! What a plan holds beside its window: its template, what was considered instead of switching off, the words of the
//! departments (operations.md O31).

use relight_common::{Claims, Invalid, Work};
use relight_policy::Pack;
use serde_json::json;

use super::{
    rights::PLAN,
    silent,
    step::{save, unchanged},
};
use crate::{
    domain::{
        form::{Countersign, Department, Step, Template, countersign},
        ids::OutageId,
        outage::{Decision, State},
        refusal::Refusal,
    },
    error::Error,
    store::{
        form::{self, Alternative},
        outage::{self, Stored},
    },
};

/// What is written into a form.
#[derive(Debug, Clone)]
pub struct Considered {
    /// Of which outage.
    pub outage: OutageId,
    /// Refused when it is at another version; 0: whatever it is.
    pub expected_version: i64,
    /// Another template; none: it stays.
    pub template: Option<&'static Template>,
    /// (kind, used, why).
    pub alternatives: Vec<(String, bool, String)>,
}

/// Whom a step of countersigning concerns.
#[derive(Debug, Clone)]
pub enum Whom {
    /// Every department of the template that has not agreed.
    All,
    /// These.
    Named(Vec<String>),
}

/// A step of countersigning.
#[derive(Debug, Clone)]
pub struct Asked {
    /// Of which outage.
    pub outage: OutageId,
    /// Refused when it is at another version; 0: whatever it is.
    pub expected_version: i64,
    /// What.
    pub step: Step,
    /// For whom.
    pub whom: Whom,
}

/// Writes what was considered. What a department has agreed to is not changed under its signature.
///
/// # Errors
/// [`Error::Unfit`] when it is decided or signed, [`Error::Common`].
pub async fn consider(work: &mut Work, claims: &Claims, asked: Considered) -> Result<Stored, Error> {
    let mut one = outage::lock(work.conn(), asked.outage).await?;
    planner_of(claims, &one)?;
    unchanged(&one, asked.expected_version)?;
    if !one.life.state.is_undecided() {
        return Err(Error::Unfit(
            "what was considered stands once the plan is decided",
        ));
    }
    if form::is_agreed(work.conn(), one.id.uuid(), one.life.plan_no).await? {
        return Err(Error::Unfit("a department has signed the plan as it is"));
    }
    if let Some(template) = asked.template {
        one.template.clone_from(&template.word);
    }
    let template = form::template(&one)?;
    for (kind, used, reason) in asked.alternatives {
        note(work, &one, template, (kind, used, reason)).await?;
    }
    considered_still(work, &one).await?;
    work.audit("outage.considered", one.id, json!({ "template": one.template }));
    save(work, &mut one).await?;
    Ok(one)
}

/// A plan that was handed in holds the alternatives of another template as well before it takes that one.
async fn considered_still(work: &mut Work, one: &Stored) -> Result<(), Error> {
    let missing = form::lacks(work.conn(), one).await?.alternatives;
    if one.life.state == State::Draft || missing.is_empty() {
        return Ok(());
    }
    Err(Refusal::NotConsidered(missing).into())
}

async fn note(
    work: &mut Work,
    one: &Stored,
    template: &Template,
    (kind, used, reason): (String, bool, String),
) -> Result<(), Error> {
    if !template.alternatives.iter().any(|known| known.word == kind) {
        let words: Vec<_> = template
            .alternatives
            .iter()
            .map(|one| one.word.as_str())
            .collect();
        let must = format!("must be one of {} in a {} plan", words.join(", "), template.word);
        return Err(Invalid::new("alternatives.kind", must).into());
    }
    let considered = Alternative {
        kind,
        used,
        reason,
        considered_by: work.actor().to_owned(),
        considered_at: work.at(),
    };
    form::consider(work.conn(), one.id, &considered).await
}

/// Sends the plan to departments, or takes what one of them says.
///
/// # Errors
/// [`Error::Countersign`], [`Error::Denied`], [`Error::Common`].
pub async fn countersigned(
    work: &mut Work,
    pack: &Pack,
    claims: &Claims,
    asked: Asked,
) -> Result<Stored, Error> {
    let mut one = outage::lock(work.conn(), asked.outage).await?;
    let template = form::template(&one)?;
    let departments = departments(template, &asked.whom)?;
    for department in &departments {
        may(claims, &one, department, &asked.step)?;
    }
    unchanged(&one, asked.expected_version)?;
    let mut changed = false;
    for department in departments {
        changed |= step(work, &one, department, &asked.step).await?;
    }
    if changed {
        save(work, &mut one).await?;
        silent::watch(work, pack, &one).await?;
    }
    Ok(one)
}

fn departments<'a>(template: &'a Template, whom: &Whom) -> Result<Vec<&'a Department>, Error> {
    let Whom::Named(words) = whom else {
        return Ok(template.departments.iter().collect());
    };
    let named = words.iter().map(|word| {
        template.department(word).ok_or_else(|| {
            let all: Vec<_> = template.departments.iter().map(|one| one.word.as_str()).collect();
            let must = format!("must be one of {} in a {} plan", all.join(", "), template.word);
            Invalid::new("department", must).into()
        })
    });
    named.collect()
}

/// Planners send; a department's own people say what it says.
fn may(claims: &Claims, one: &Stored, department: &Department, step: &Step) -> Result<(), Error> {
    if *step == Step::Send {
        return planner_of(claims, one);
    }
    if claims.has_at(&department.roles(), &one.place.org_path) {
        Ok(())
    } else {
        Err(Error::Denied("only the department itself receives and signs"))
    }
}

fn planner_of(claims: &Claims, one: &Stored) -> Result<(), Error> {
    if claims.has_at(&PLAN, &one.place.org_path) {
        Ok(())
    } else {
        Err(Error::Denied("planner or manager of the area"))
    }
}

/// False when it changes nothing.
async fn step(work: &mut Work, one: &Stored, department: &Department, step: &Step) -> Result<bool, Error> {
    let latest = form::latest(work.conn(), one, &department.word).await?;
    let by = Decision {
        by: work.actor().to_owned(),
        at: work.at(),
    };
    let after = countersign(&one.life, latest.clone(), step, by)?;
    if latest.as_ref() == Some(&after) {
        return Ok(false);
    }
    form::save(work.conn(), one, &department.word, &after).await?;
    audit(work, one, department, &after);
    Ok(true)
}

fn audit(work: &mut Work, one: &Stored, department: &Department, after: &Countersign) {
    let signed = after.signed.as_ref();
    let detail = json!({
        "department": department.word,
        "plan_no": one.life.plan_no,
        "round": after.round,
        "received": after.received.is_some(),
        "verdict": signed.map(|signed| signed.verdict.word()),
        "reason": signed.map(|signed| signed.reason.as_str()),
    });
    work.audit("outage.countersign", one.id, detail);
}
