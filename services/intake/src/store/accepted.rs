//! Reports as they are accepted: many in one statement, since in a storm they come together.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use super::report::Report;
use crate::error::Error;

/// A new report, and the trace of whoever sent it.
#[derive(Debug)]
pub struct New<'a> {
    /// The report.
    pub report: &'a Report,
    /// W3C trace context.
    pub trace: String,
}

/// Stores new reports and puts them in front of the grouping worker, except those that are answered already and those
/// for which self-help is tried.
///
/// # Errors
/// [`Error::Common`]; none is stored then.
pub async fn insert_all(conn: &mut PgConnection, reports: &[New<'_>]) -> Result<(), Error> {
    fn each<'a, T>(reports: &'a [New<'a>], of: impl Fn(&'a Report) -> T) -> Vec<T> {
        reports.iter().map(|new| of(new.report)).collect()
    }
    macro_rules! each {
        ($report:ident => $value:expr) => {
            &each(reports, |$report| $value)
        };
    }
    let traces: Vec<&str> = reports.iter().map(|new| new.trace.as_str()).collect();
    sqlx::query!(
        "with stored as (
             insert into intake.report (id, number, accepted_at, received_at, channel, actor, triage, danger,
                 danger_note, note, account, customer_id, service_point_id, load_id, transformer_id, area_class,
                 important, life_support, reporter_name, reporter_phone, address, lon, lat, language, org_path, zone,
                 hint_incident_id, known_off_at, known_etr_at, known_cause, place_pending, neighbours, confidential,
                 call_wanted, state, close_reason, closed_at, known_class, known_outage_id)
             select * from unnest($1::uuid[], $2::text[], $3::timestamptz[], $4::timestamptz[], $5::text[], $6::text[],
                 $7::text[], $8::boolean[], $9::text[], $10::text[], $11::text[], $12::uuid[], $13::uuid[], $14::text[],
                 $15::text[], $16::text[], $17::boolean[], $18::boolean[], $19::bytea[], $20::bytea[], $21::text[],
                 $22::float8[], $23::float8[], $24::text[], $25::text[], $26::text[], $27::uuid[], $28::timestamptz[],
                 $29::timestamptz[], $30::text[], $31::boolean[], $32::text[], $33::boolean[], $34::boolean[],
                 $35::text[], $36::text[], $37::timestamptz[], $38::text[], $39::text[])
             returning id, received_at, call_wanted, state),
         called as (
             insert into intake.call_wanted (report_id, since) select id, received_at from stored where call_wanted)
         insert into intake.report_waiting (report_id, traceparent)
             select id, trace from stored join unnest($1::uuid[], $40::text[]) as asked (id, trace) using (id)
             where state = 'open'",
        each!(r => r.id.uuid()),
        each!(r => r.number.as_str()) as _,
        each!(r => r.accepted_at),
        each!(r => r.received_at),
        each!(r => r.channel.word()) as _,
        each!(r => r.actor.as_str()) as _,
        each!(r => r.triage.word()) as _,
        each!(r => r.danger),
        each!(r => r.danger_note.as_str()) as _,
        each!(r => r.note.as_str()) as _,
        each!(r => r.account.as_deref()) as _,
        each!(r => r.place.customer_id) as _,
        each!(r => r.place.service_point_id) as _,
        each!(r => r.place.load_id.as_deref()) as _,
        each!(r => r.place.transformer_id.as_deref()) as _,
        each!(r => r.place.area.map(|area| area.word())) as _,
        each!(r => r.place.important),
        each!(r => r.place.life_support),
        each!(r => r.name.as_deref()) as _,
        each!(r => r.phone.as_deref()) as _,
        each!(r => r.address.as_str()) as _,
        each!(r => r.place.position.map(|position| position.lon)) as _,
        each!(r => r.place.position.map(|position| position.lat)) as _,
        each!(r => r.language.as_str()) as _,
        each!(r => r.place.org_path.as_str()) as _,
        each!(r => r.place.zone.as_str()) as _,
        each!(r => r.hint.map(|hint| hint.uuid())) as _,
        each!(r => r.triage.known().and_then(|known| known.off_at)) as _,
        each!(r => r.triage.known().and_then(|known| known.etr_at)) as _,
        each!(r => r.triage.known().map(|known| known.cause.as_str())) as _,
        each!(r => r.place_pending),
        each!(r => r.neighbours.word()) as _,
        each!(r => r.confidential),
        each!(r => r.call_wanted),
        each!(r => r.standing.word()) as _,
        each!(r => r.standing.reason()) as _,
        each!(r => closed_at(r)) as _,
        each!(r => r.triage.known().map(|known| known.class.as_str())) as _,
        each!(r => r.triage.known().map(|known| known.outage.as_str())) as _,
        &traces as _,
    )
    .execute(conn)
    .await
    .map(drop)
    .map_err(Error::db("store the reports"))
}

/// A report that needs nothing more was closed when it was entered.
fn closed_at(report: &Report) -> Option<DateTime<Utc>> {
    report.standing.reason().map(|_| report.received_at)
}
