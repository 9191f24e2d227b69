//! Reports and urges.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use relight_common::{cursor::Page, telemetry};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{area, position};
use crate::{
    domain::{
        IncidentId, ReportId,
        place::Place,
        report::{Channel, KnownOutage, Neighbours, Standing, Triage},
    },
    error::Error,
};

/// A report as it is stored.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// Its id.
    pub id: ReportId,
    /// Spoken number.
    pub number: String,
    /// t_accept.
    pub accepted_at: DateTime<Utc>,
    /// When it was entered.
    pub received_at: DateTime<Utc>,
    /// How it came in.
    pub channel: Channel,
    /// Who took it.
    pub actor: String,
    /// What triage made of it.
    pub triage: Triage,
    /// The incident the ledger named.
    pub hint: Option<IncidentId>,
    /// Danger was told.
    pub danger: bool,
    /// What the danger is.
    pub danger_note: String,
    /// Anything else.
    pub note: String,
    /// Account as given.
    pub account: Option<String>,
    /// Where it is.
    pub place: Place,
    /// The account could not be looked up yet.
    pub place_pending: bool,
    /// Sealed.
    pub name: Option<Vec<u8>>,
    /// Sealed.
    pub phone: Option<Vec<u8>>,
    /// Address in words.
    pub address: String,
    /// BCP 47 tag or empty.
    pub language: String,
    /// What the reporter says of the neighbours.
    pub neighbours: Neighbours,
    /// Name and number are for the desk that took it only.
    pub confidential: bool,
    /// Life-support: a person has to call.
    pub call_wanted: bool,
    /// Where it stands.
    pub standing: Standing,
}

/// A report with what happened to it since.
#[derive(Debug, Clone, PartialEq)]
pub struct Stored {
    /// The report.
    pub report: Report,
    /// Its incident, once grouped.
    pub incident: Option<IncidentId>,
    /// State word of that incident.
    pub incident_state: Option<String>,
    /// How often its reporter asked again.
    pub urge_count: u32,
    /// To whom it was handed over; none: who took it owns it.
    pub owner: Option<String>,
}

impl Stored {
    /// Who tells the reporter.
    pub fn owner(&self) -> &str {
        self.owner.as_deref().unwrap_or(&self.report.actor)
    }
}

struct Row {
    id: Uuid,
    number: String,
    accepted_at: DateTime<Utc>,
    received_at: DateTime<Utc>,
    channel: String,
    actor: String,
    triage: String,
    danger: bool,
    danger_note: String,
    note: String,
    account: Option<String>,
    customer_id: Option<Uuid>,
    service_point_id: Option<Uuid>,
    load_id: Option<String>,
    transformer_id: Option<String>,
    area_class: Option<String>,
    important: bool,
    life_support: bool,
    reporter_name: Option<Vec<u8>>,
    reporter_phone: Option<Vec<u8>>,
    address: String,
    lon: Option<f64>,
    lat: Option<f64>,
    language: String,
    org_path: String,
    zone: String,
    hint_incident_id: Option<Uuid>,
    known_off_at: Option<DateTime<Utc>>,
    known_etr_at: Option<DateTime<Utc>>,
    known_cause: Option<String>,
    place_pending: bool,
    neighbours: String,
    confidential: bool,
    call_wanted: bool,
    state: String,
    close_reason: Option<String>,
    known_class: Option<String>,
    known_outage_id: Option<String>,
    incident_id: Option<Uuid>,
    incident_state: Option<String>,
    urge_count: i64,
    owner: Option<String>,
}

impl TryFrom<Row> for Stored {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self, Error> {
        let hint = row.hint_incident_id.map(IncidentId::from_uuid);
        let known = || KnownOutage {
            incident: hint,
            off_at: row.known_off_at,
            etr_at: row.known_etr_at,
            announced_end_at: None,
            cause: row.known_cause.clone().unwrap_or_default(),
            class: row.known_class.clone().unwrap_or_default(),
            outage: row.known_outage_id.clone().unwrap_or_default(),
            confirmed: true,
        };
        let triage = match row.triage.as_str() {
            "new" => Triage::New,
            "undetermined" => Triage::Undetermined,
            "known_outage" => Triage::KnownOutage(known()),
            "customer_side" => Triage::CustomerSide,
            "cut" => Triage::Cut(known()),
            "own_request" => Triage::OwnRequest(known()),
            "prepaid" => Triage::Prepaid,
            "left" => Triage::Left,
            _ => return Err(Error::Stored("triage")),
        };
        let standing = match (row.state.as_str(), row.close_reason) {
            ("open", _) => Standing::Open,
            ("helping", _) => Standing::Helping,
            ("closed", Some(reason)) => Standing::Closed(reason),
            _ => return Err(Error::Stored("state of a report")),
        };
        let place = Place {
            service_point_id: row.service_point_id,
            customer_id: row.customer_id,
            load_id: row.load_id,
            transformer_id: row.transformer_id,
            area: row.area_class.as_deref().map(area).transpose()?,
            important: row.important,
            life_support: row.life_support,
            org_path: row.org_path,
            zone: row.zone,
            position: position(row.lon, row.lat),
        };
        Ok(Stored {
            report: Report {
                id: ReportId::from_uuid(row.id),
                number: row.number,
                accepted_at: row.accepted_at,
                received_at: row.received_at,
                channel: Channel::parse(&row.channel).ok_or(Error::Stored("channel"))?,
                actor: row.actor,
                triage,
                hint,
                danger: row.danger,
                danger_note: row.danger_note,
                note: row.note,
                account: row.account,
                place,
                place_pending: row.place_pending,
                name: row.reporter_name,
                phone: row.reporter_phone,
                address: row.address,
                language: row.language,
                neighbours: Neighbours::parse(&row.neighbours)
                    .ok_or(Error::Stored("word for the neighbours"))?,
                confidential: row.confidential,
                call_wanted: row.call_wanted,
                standing,
            },
            incident: row.incident_id.map(IncidentId::from_uuid),
            incident_state: row.incident_state,
            urge_count: u32::try_from(row.urge_count).unwrap_or(u32::MAX),
            owner: row.owner,
        })
    }
}

/// `select` of whole reports; the tail says which.
macro_rules! reports {
    ($tail:tt $(, $arg:expr)* $(,)?) => {
        sqlx::query_as!(
            Row,
            "select r.id, r.number, r.accepted_at, r.received_at, r.channel, r.actor, r.triage, r.danger,
                 r.danger_note, r.note, r.account, r.customer_id, r.service_point_id, r.load_id, r.transformer_id,
                 r.area_class, r.important, r.life_support, r.reporter_name, r.reporter_phone, r.address, r.lon,
                 r.lat, r.language, r.org_path, r.zone, r.hint_incident_id, r.known_off_at, r.known_etr_at,
                 r.known_cause, r.place_pending, r.neighbours, r.confidential, r.call_wanted, r.state, r.close_reason,
                 r.known_class, r.known_outage_id, l.incident_id as \"incident_id?\", i.state as \"incident_state?\",
                 (select count(*) from intake.urge u where u.report_id = r.id) as \"urge_count!\", r.owner
             from intake.report r
             left join intake.report_link l on l.report_id = r.id
             left join intake.incident i on i.id = l.incident_id " + $tail
            $(, $arg)*
        )
    };
}

/// The report by its id.
///
/// # Errors
/// [`Error::Common`].
pub async fn by_id(conn: &mut PgConnection, id: ReportId) -> Result<Option<Stored>, Error> {
    let row = reports!("where r.id = $1", id.uuid());
    row.fetch_optional(conn)
        .await
        .map_err(Error::db("read a report"))?
        .map(Stored::try_from)
        .transpose()
}

/// The report by its spoken number.
///
/// # Errors
/// [`Error::Common`].
pub async fn by_number(conn: &mut PgConnection, number: &str) -> Result<Option<Stored>, Error> {
    let row = reports!("where r.number = $1", number);
    row.fetch_optional(conn)
        .await
        .map_err(Error::db("read a report"))?
        .map(Stored::try_from)
        .transpose()
}

/// Whose open report a new one may urge: accepted after `since`, and not after `until` where the new one was written down
/// earlier, since it is then the first word of it itself.
#[derive(Debug, Clone, Copy)]
pub struct MayUrge {
    /// The customer.
    pub customer: Uuid,
    /// The window begins.
    pub since: DateTime<Utc>,
    /// And ends; none: it has no end.
    pub until: Option<DateTime<Utc>>,
}

/// Of each of these customers the first report in the window whose fault is not over: the one a new report urges. Where supply
/// was restored or is fed another way since, a new report is "still off" and urges nothing, though others wait yet.
///
/// # Errors
/// [`Error::Common`].
pub async fn open_of_customers(
    conn: &mut PgConnection,
    who: &[MayUrge],
) -> Result<HashMap<Uuid, Stored>, Error> {
    if who.is_empty() {
        return Ok(HashMap::new());
    }
    let customers: Vec<Uuid> = who.iter().map(|one| one.customer).collect();
    let since: Vec<DateTime<Utc>> = who.iter().map(|one| one.since).collect();
    let until: Vec<Option<DateTime<Utc>>> = who.iter().map(|one| one.until).collect();
    let rows = reports!(
        "join unnest($1::uuid[], $2::timestamptz[], $3::timestamptz[]) as w (customer, since, until)
             on r.customer_id = w.customer and r.accepted_at > w.since
             and (w.until is null or r.accepted_at <= w.until)
         where (i.id is null or i.state = 'open') and (r.state <> 'closed' or r.close_reason = 'known_outage')
             and not exists (
                 select from intake.evidence e where e.kind = 'restored' and e.incident_id = l.incident_id
                     and e.load_id = r.load_id and e.at >= r.accepted_at)
             and coalesce((
                 select e.kind <> 'fed_again' from intake.evidence e
                 where e.kind in ('fed_again', 'lost_again') and e.incident_id = l.incident_id and e.load_id = r.load_id
                     and e.at >= r.accepted_at
                 order by e.at desc, e.kind limit 1), true)
         order by r.accepted_at desc, r.id desc",
        &customers,
        &since,
        &until as _,
    );
    let rows = rows
        .fetch_all(conn)
        .await
        .map_err(Error::db("look for the customers' open reports"))?;
    let stored = rows.into_iter().map(Stored::try_from);
    // The last one of a customer stays, which is the first that was accepted.
    let of_customer = stored.filter_map(|stored| match stored {
        Ok(stored) => Some(Ok((stored.report.place.customer_id?, stored))),
        Err(error) => Some(Err(error)),
    });
    of_customer.collect()
}

/// Which reports a list shows.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Of this incident.
    pub incident: Option<Uuid>,
    /// Of this customer.
    pub customer: Option<Uuid>,
    /// At org paths like one of these.
    pub org_patterns: Vec<String>,
    /// Owned by this person, and not over.
    pub owned_by: Option<String>,
}

/// A page of reports, newest first.
///
/// # Errors
/// [`Error::Common`].
pub async fn page(
    conn: &mut PgConnection,
    filter: &Filter,
    page: &Page<(DateTime<Utc>, Uuid)>,
) -> Result<Vec<Stored>, Error> {
    let (before_at, before_id) = page.before();
    let rows = reports!(
        "where ($1::uuid is null or l.incident_id = $1) and ($2::uuid is null or r.customer_id = $2)
             and r.org_path like any($3) and (r.accepted_at, r.id) < ($4, $5)
             and ($7::text is null or (coalesce(r.owner, r.actor) = $7 and r.state <> 'closed' and (i.id is null or i.state = 'open')))
         order by r.accepted_at desc, r.id desc limit $6",
        filter.incident,
        filter.customer,
        &filter.org_patterns,
        before_at,
        before_id,
        page.size,
        filter.owned_by.as_deref(),
    );
    let rows = rows.fetch_all(conn).await.map_err(Error::db("list reports"))?;
    rows.into_iter().map(Stored::try_from).collect()
}

/// The reports of one incident whose reporter left a number or is a customer, oldest first.
///
/// # Errors
/// [`Error::Common`].
pub async fn of_incident(conn: &mut PgConnection, incident: Uuid, limit: i64) -> Result<Vec<Stored>, Error> {
    let rows = reports!(
        "where l.incident_id = $1 and (r.reporter_phone is not null or r.customer_id is not null)
         order by r.accepted_at, r.id limit $2",
        incident,
        limit,
    );
    let rows = rows.fetch_all(conn).await.map_err(Error::db("list reporters"))?;
    rows.into_iter().map(Stored::try_from).collect()
}

/// Somebody asked again.
#[derive(Debug, Clone)]
pub struct Urge<'a> {
    /// Derived from the command: a repeat is the same.
    pub id: Uuid,
    /// What is urged.
    pub report: ReportId,
    /// When.
    pub at: DateTime<Utc>,
    /// Who entered it.
    pub actor: &'a str,
    /// How it came in.
    pub channel: &'a str,
    /// What they said.
    pub note: &'a str,
}

/// Stores an urge; the worker counts it on the incident.
///
/// # Errors
/// [`Error::Common`].
pub async fn insert_urge(conn: &mut PgConnection, urge: &Urge<'_>) -> Result<(), Error> {
    sqlx::query!(
        "insert into intake.urge (id, report_id, at, actor, channel, note) values ($1, $2, $3, $4, $5, $6)",
        urge.id,
        urge.report.uuid(),
        urge.at,
        urge.actor,
        urge.channel,
        urge.note,
    )
    .execute(conn)
    .await
    .map(drop)
    .map_err(Error::db("store an urge"))
}

/// Whether an open fault lies at one of these devices.
///
/// # Errors
/// [`Error::Common`].
pub async fn fault_at(conn: &mut PgConnection, devices: &[String]) -> Result<bool, Error> {
    sqlx::query_scalar!(
        "select exists (select 1 from intake.incident where state = 'open' and device_id = any($1)) as \"any!\"",
        devices
    )
    .fetch_one(conn)
    .await
    .map_err(Error::db("look for a fault above"))
}

/// What the meter of a load said last of its own relay after `since`: open (yes), or closed or fed (no).
///
/// # Errors
/// [`Error::Common`].
pub async fn relay_open(
    conn: &mut PgConnection,
    load: &str,
    since: DateTime<Utc>,
) -> Result<Option<bool>, Error> {
    sqlx::query_scalar!(
        "select kind = 'relay_open' as \"open!\" from intake.evidence
         where load_id = $1 and at >= $2 and kind in ('relay_open', 'relay_closed', 'ping_on')
         order by at desc, id desc limit 1",
        load,
        since
    )
    .fetch_optional(conn)
    .await
    .map_err(Error::db("read the relay of a meter"))
}

/// Ends self-help: solved (with what it was), or (none) a fault like any other. No when it was not being tried.
///
/// # Errors
/// [`Error::Common`].
pub async fn helped(
    conn: &mut PgConnection,
    report: ReportId,
    reason: Option<&str>,
    now: DateTime<Utc>,
) -> Result<bool, Error> {
    let done = sqlx::query_scalar!(
        "with changed as (
             update intake.report set state = case when $2::text is null then 'open' else 'closed' end,
                 close_reason = $2, closed_at = case when $2::text is null then null else $3::timestamptz end
             where id = $1 and state = 'helping' returning id, state),
         queued as (
             insert into intake.report_waiting (report_id, traceparent) select id, $4 from changed where state = 'open'
             on conflict do nothing)
         select count(*) as \"changed!\" from changed",
        report.uuid(),
        reason,
        now,
        telemetry::traceparent()
    )
    .fetch_one(conn)
    .await
    .map_err(Error::db("end self-help"))?;
    Ok(done > 0)
}
