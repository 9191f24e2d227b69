//! How plans of a month were kept: announced against what happened (L2-5, operations.md O30, domain.md 5.5 no. 34).

use chrono::TimeDelta;
use sqlx::{PgPool, postgres::types::PgInterval};

use crate::{
    domain::{month::Month, window::Instant},
    error::Error,
};

/// Units of one answer.
const UNITS_MAX: i64 = 1_000;

/// What the policy pack lets pass as accurate.
#[derive(Debug, Clone, Copy)]
pub struct Tolerance {
    /// After the announced start.
    pub start: TimeDelta,
    /// After the announced end.
    pub end: TimeDelta,
}

/// Plans announced for a month by one unit, and what became of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accuracy {
    /// The unit.
    pub org_path: String,
    /// Announced for the month and due by now.
    pub plans: i64,
    /// Begun and ended as told.
    pub accurate: i64,
    /// Begun later than the start window.
    pub began_late: i64,
    /// Not ended when told.
    pub ended_late: i64,
    /// Neither begun nor called off.
    pub never_began: i64,
    /// Told to take longer.
    pub extended: i64,
    /// Called off.
    pub called_off: i64,
    /// Of those, shortly before.
    pub called_off_late: i64,
    /// Moved to another day.
    pub moved: i64,
    /// With times that were written down and entered later.
    pub entered_later: i64,
    /// Switched off without leave, as was recorded later.
    pub outside_permit: i64,
}

/// By unit, on the calendar of each place, as people were told: a later start or end that they were told of counts against it.
///
/// # Errors
/// [`Error::Common`].
pub async fn month(
    pool: &PgPool,
    (month, now): (Month, Instant),
    tolerance: Tolerance,
    org: &[String],
) -> Result<Vec<Accuracy>, Error> {
    let ((first, next), (from, until)) = (month.days(), month.around());
    let span = |span: TimeDelta| PgInterval {
        months: 0,
        days: 0,
        microseconds: span.num_microseconds().unwrap_or_default(),
    };
    sqlx::query_as!(
        Accuracy,
        r#"with told as (
             select o.org_path, o.switched_off_at as off, (o.life ->> 'restored_at')::timestamptz as back,
                 p.off_at + $7::interval as off_by, p.on_at + $8::interval as on_by, o.life -> 'marks' as marks,
                 e.outage_id is not null as moved, o.state in ('cancelled', 'aborted') as called_off
             from planner.published p join planner.outage o on o.id = p.outage_id
             left join planner.ended_plan e on e.outage_id = p.outage_id and e.plan_no = p.plan_no
             where p.edition = 1 and p.off_at >= $1 and p.off_at < $2 and o.org_path like any($3)
               and (p.off_at at time zone o.zone)::date >= $4 and (p.off_at at time zone o.zone)::date < $5
               and (p.on_at <= $6 or e.outage_id is not null or o.state in ('restored', 'archived', 'cancelled', 'aborted'))
         ), judged as (
             select *, not moved and not called_off as stood, off > off_by as is_late,
                 off is not null and (coalesce(back, $6) > on_by or marks ? 'handed_over') as is_over
             from told
         )
         select org_path, count(*) as "plans!",
             count(*) filter (where stood and off is not null and back is not null and not is_late and not is_over) as "accurate!",
             count(*) filter (where stood and is_late) as "began_late!", count(*) filter (where stood and is_over) as "ended_late!",
             count(*) filter (where stood and off is null) as "never_began!",
             count(*) filter (where stood and marks ? 'extended') as "extended!",
             count(*) filter (where not moved and called_off) as "called_off!",
             count(*) filter (where not moved and called_off and marks ? 'short_cancel') as "called_off_late!",
             count(*) filter (where moved) as "moved!",
             count(*) filter (where stood and marks ? 'entered_later') as "entered_later!",
             count(*) filter (where stood and marks ? 'outside_permit') as "outside_permit!"
         from judged group by org_path order by org_path limit $9"#,
        from,
        until,
        org,
        first,
        next,
        now,
        span(tolerance.start),
        span(tolerance.end),
        UNITS_MAX
    )
    .fetch_all(pool)
    .await
    .map_err(Error::db("count how plans were kept"))
}
