//! Departments that have a plan and say nothing: somebody asks them before the plan is late (operations.md O31, S3 三(一)4).

use relight_common::Work;
use relight_policy::Pack;

use super::{
    step::{law, zone_of},
    tell,
};
use crate::{
    domain::{
        form::{self as rule, Template},
        said::{Said, clock},
        window::Instant,
    },
    error::Error,
    store::{
        form::{self, Waiting},
        outage::Stored,
    },
};

/// Timer: a department should have countersigned by now.
pub const SILENT: &str = "outage.countersign";

/// Sets the next moment at which a silent department is said; none once all have answered or nobody is asked any more.
///
/// # Errors
/// [`Error::Common`].
pub async fn watch(work: &mut Work, pack: &Pack, one: &Stored) -> Result<(), Error> {
    let id = one.id.uuid();
    let waiting = waiting(work, pack, one).await?;
    match waiting.iter().map(|one| one.due_at).min() {
        Some(at) => {
            work.set_timer(SILENT, id, at, i64::from(one.life.plan_no))
                .await?
        }
        None => work.clear_timer(SILENT, id).await?,
    }
    Ok(())
}

/// Says which departments are silent, each of them once for each time it was asked.
///
/// # Errors
/// [`Error::Common`].
pub async fn alarm(work: &mut Work, pack: &Pack, one: &Stored) -> Result<(), Error> {
    let now = work.at();
    let all = waiting(work, pack, one).await?;
    let late: Vec<_> = all.iter().filter(|due| due.due_at <= now).collect();
    if !late.is_empty() {
        let (zh, en): (Vec<_>, Vec<_>) = late.iter().map(|due| words(one, due)).unzip();
        let because = Said::new(
            format!("尚未会签：{}", zh.join("、")),
            format!("not countersigned by {}", en.join(", ")),
        );
        tell::alarm(work, one, "countersign", because).await?;
        let departments: Vec<_> = late.iter().map(|due| due.of.department.clone()).collect();
        form::said(work.conn(), one, &departments, now).await?;
    }
    watch(work, pack, one).await
}

/// Chinese and English.
fn words(one: &Stored, late: &Due) -> (String, String) {
    let department =
        Template::find(&one.template).and_then(|template| template.department(&late.of.department));
    let word = late.of.department.as_str();
    let (zh, en) = department.map_or((word, word), |named| (&named.zh, &named.en));
    let since = clock(late.of.sent_at, zone_of(one));
    (
        format!("{zh}（{since}已送达）"),
        format!("{en} (has it since {since})"),
    )
}

struct Due {
    of: Waiting,
    due_at: Instant,
}

async fn waiting(work: &mut Work, pack: &Pack, one: &Stored) -> Result<Vec<Due>, Error> {
    if !rule::is_open(&one.life) {
        return Ok(Vec::new());
    }
    let Some(within) = law(pack, one).countersign_within(work.at()) else {
        return Ok(Vec::new());
    };
    let all = form::waiting(work.conn(), one).await?;
    let due = |of: Waiting| Due {
        due_at: of.sent_at + within,
        of,
    };
    Ok(all.into_iter().map(due).collect())
}
