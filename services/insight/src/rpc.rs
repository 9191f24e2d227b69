//! The wire side: who is off, who is back, the public list. Read only; `books` has what staff read and settle.

mod books;
mod rest;
mod voltage;

use chrono::TimeDelta;
use relight_common::{Claims, Clock, Db, Invalid, Role, cursor::Cursors, error::refuse, wire};
use relight_proto::{
    common::v1::Point,
    insight::v1::{
        self as pb, HistoryReply, HistoryRequest, LedgerMember, LedgerMembersReply, MembersRequest,
        PlannedTotalsReply, PlannedTotalsRequest, PublicOutagesReply, PublicOutagesRequest,
        StepMembersRequest, WhyOffReply, WhyOffRequest, insight_server::Insight,
    },
};
use tonic::{Request, Response, Status};
use uuid::Uuid;

use crate::{
    domain::{
        class::Ids,
        outage,
        record::{CustomerId, IncidentId, Instant, StepId},
    },
    error::Error,
    store::{
        read::{self, Head, Interruption, Member, Outage},
        view,
    },
};

/// Who may ask about customers in their area.
const STAFF: [Role; 6] = [
    Role::Service,
    Role::Admin,
    Role::Dispatcher,
    Role::Agent,
    Role::UnitDesk,
    Role::Crew,
];
/// Who may ask for the members of an incident.
const LISTS: [Role; 3] = [Role::Service, Role::Admin, Role::Dispatcher];
const CUSTOMERS_MAX: usize = 500;
const MEMBERS_MAX: u32 = 5_000;
const OUTAGES_MAX: i64 = 1_000;

/// Serves the ledger.
#[derive(Debug, Clone)]
pub struct Api {
    db: Db,
    clock: Clock,
    cursors: Cursors,
}

/// Consecutive outages that are one plan.
const SAME_PLAN_MAX: usize = 10;

impl Api {
    /// Serves the ledger in `db`; `cursor_key` signs page cursors.
    pub fn new(db: Db, clock: Clock, cursor_key: &[u8; 32]) -> Self {
        Self {
            db,
            clock,
            cursors: Cursors::new(cursor_key),
        }
    }

    async fn why_off_of(&self, claims: &Claims, ask: &WhyOffRequest) -> Result<WhyOffReply, Error> {
        if ask.customer_ids.len() > CUSTOMERS_MAX {
            return Err(Invalid::new("customer_ids", "must be at most 500").into());
        }
        let ids = ask.customer_ids.iter().map(|id| CustomerId::parse(id));
        let ids = ids
            .map(|id| id.map(CustomerId::uuid))
            .collect::<Result<Vec<_>, _>>()?;
        let org = visible(claims, &ids)?;
        let now = self.clock.now();
        let open = read::why_off(self.db.pool(), &ids, &org).await?;
        Ok(WhyOffReply {
            open: open.into_iter().map(|record| interruption(record, now)).collect(),
        })
    }

    async fn history_of(&self, claims: &Claims, ask: &HistoryRequest) -> Result<HistoryReply, Error> {
        let customer = CustomerId::parse(&ask.customer_id)?.uuid();
        let org = visible(claims, &[customer])?;
        let filter = format!("history:{customer}");
        let page = self.cursors.page(&filter, ask.page.as_ref())?;
        let rows = read::history(self.db.pool(), customer, &org, page.after, page.size).await?;
        let last = rows.last().map(|row| (row.off_at, row.id));
        let next_cursor = self.cursors.next(&filter, &page, rows.len(), last);
        let now = self.clock.now();
        let interruptions = rows.into_iter().map(|record| interruption(record, now)).collect();
        Ok(HistoryReply {
            interruptions,
            next_cursor,
        })
    }

    async fn members_of(&self, claims: &Claims, ask: &MembersRequest) -> Result<LedgerMembersReply, Error> {
        let id = IncidentId::parse(&ask.incident_id)?;
        let (after, limit) = span(&ask.after, ask.limit)?;
        let wanted = i64::try_from(ask.min_incident_version).unwrap_or(i64::MAX);
        let head = read::head(self.db.pool(), id).await?;
        let known = head.as_ref().map_or(0, |head| head.version);
        if known < wanted {
            return Err(Error::NotYet {
                incident: id,
                known,
                wanted,
            });
        }
        let head = head
            .filter(|head| head.version > 0 && may_list(claims, head))
            .ok_or(Error::NoIncident(id))?;
        let mut conn = self
            .db
            .pool()
            .acquire()
            .await
            .map_err(Error::db("read an incident"))?;
        let holder = view::holder(&mut conn, id).await?;
        let family = view::family(&mut conn, id).await?;
        drop(conn);
        let rows = read::members(self.db.pool(), holder, &family, after, limit).await?;
        Ok(page_of(rows, limit, &head, self.clock.now()))
    }

    async fn step_members_of(
        &self,
        claims: &Claims,
        ask: &StepMembersRequest,
    ) -> Result<LedgerMembersReply, Error> {
        let step = StepId::parse(&ask.step_id)?;
        let (after, limit) = span(&ask.after, ask.limit)?;
        let head = read::step_head(self.db.pool(), step).await?;
        let head = head.filter(|head| may_list(claims, head)).ok_or(Error::NoStep)?;
        let rows = read::step_members(self.db.pool(), step, after, limit).await?;
        Ok(page_of(rows, limit, &head, self.clock.now()))
    }

    async fn planned_totals_of(&self, ask: &PlannedTotalsRequest) -> Result<PlannedTotalsReply, Error> {
        if ask.customer_ids.len() > MEMBERS_MAX as usize {
            return Err(Invalid::new("customer_ids", "must be at most 5000").into());
        }
        let ids = ask.customer_ids.iter().map(|id| CustomerId::parse(id));
        let ids = ids
            .map(|id| id.map(CustomerId::uuid))
            .collect::<Result<Vec<_>, _>>()?;
        let since = wire::instant("since", ask.since)?;
        let until = wire::instant("until", ask.until)?;
        let above = (i64::from(ask.more_than), ask.more_than_s);
        let except = match ask.except_outage_id.as_str() {
            "" => None,
            id => Some(wire::uuid("except_outage_id", id)?),
        };
        if ask.same_plan_outage_ids.len() > SAME_PLAN_MAX {
            return Err(Invalid::new("same_plan_outage_ids", "must be at most 10").into());
        }
        let same = ask.same_plan_outage_ids.iter();
        let same = same.map(|id| wire::uuid("same_plan_outage_ids", id));
        let same = same.collect::<Result<Vec<_>, _>>()?;
        let plus = (ask.plus_s, except, same.as_slice());
        let (count, hours) = read::planned_above(self.db.pool(), &ids, (since, until), plus, above).await?;
        Ok(PlannedTotalsReply {
            above_count: u32::try_from(count).unwrap_or(u32::MAX),
            above_hours: u32::try_from(hours).unwrap_or(u32::MAX),
        })
    }

    async fn outages(&self) -> Result<PublicOutagesReply, Error> {
        let now = self.clock.now();
        let since = now - TimeDelta::hours(outage::SHOWN_AFTER_H);
        let rows = read::outages(self.db.pool(), since, OUTAGES_MAX).await?;
        let off = read::customers_off(self.db.pool()).await?;
        Ok(PublicOutagesReply {
            outages: rows.into_iter().map(|row| public(row, now)).collect(),
            as_of: Some(wire::timestamp(now)),
            customers_off: u32::try_from(off).unwrap_or(u32::MAX),
        })
    }
}

/// The org paths whose incidents the caller may see; a customer sees every incident, of the own account only.
fn visible(claims: &Claims, customers: &[Uuid]) -> Result<Vec<String>, Error> {
    if claims.has(&STAFF) {
        return Ok(claims.org_patterns(&STAFF));
    }
    let own = |id: &Uuid| claims.has(&[Role::Customer]) && claims.customer_id.as_ref() == Some(id);
    if customers.iter().all(own) {
        Ok(vec!["%".to_owned()])
    } else {
        Err(Error::NotYours)
    }
}

/// Whether the caller may list members at the incident's place. To others it does not exist.
fn may_list(claims: &Claims, head: &Head) -> bool {
    claims.has_at(&LISTS, &head.org_path)
}

fn span(after: &str, limit: u32) -> Result<(Option<Uuid>, i64), Invalid> {
    let limit = if limit == 0 {
        CUSTOMERS_MAX as u32
    } else {
        limit.min(MEMBERS_MAX)
    };
    Ok((wire::uuid_opt("after", after)?, i64::from(limit)))
}

fn page_of(rows: Vec<Member>, limit: i64, head: &Head, now: Instant) -> LedgerMembersReply {
    let full = i64::try_from(rows.len()).is_ok_and(|rows| rows >= limit);
    let last = rows
        .last()
        .filter(|_| full)
        .map(|row| row.customer_id.to_string());
    let member = |row: Member| LedgerMember {
        customer_id: row.customer_id.to_string(),
        reporter: row.reporter,
    };
    LedgerMembersReply {
        members: rows.into_iter().map(member).collect(),
        next_after: last.unwrap_or_default(),
        etr_at: outage::valid_etr(head.etr_at, now).map(wire::timestamp),
    }
}

/// Order state and estimate are about open records only. What is no incident of intake has its id apart.
fn interruption(row: Interruption, now: Instant) -> pb::Interruption {
    let open = row.on_at.is_none();
    let ids = Ids::of(&row.class, row.incident_id);
    let is_planned = ["PLANNED", "TEMPORARY"].contains(&row.class.as_str());
    pb::Interruption {
        customer_id: row.customer_id.to_string(),
        incident_id: ids.incident,
        outage_id: ids.outage,
        basis_id: ids.basis,
        also: row.also,
        class: row.class,
        off_at: Some(wire::timestamp(row.off_at)),
        on_at: row.on_at.map(wire::timestamp),
        confirmed: row.confirmed,
        cause_code: row.cause_code,
        etr_at: outage::valid_etr(row.etr_at, now)
            .filter(|_| open)
            .map(wire::timestamp),
        announced_end_at: row.etr_at.filter(|_| open && is_planned).map(wire::timestamp),
        reporter: row.reporter,
        order_state: if open { row.order_state } else { String::new() },
    }
}

fn public(row: Outage, now: Instant) -> pb::PublicOutage {
    let (off, restored) = (row.customers_off, row.customers_restored);
    let status = outage::status(row.confirmed, &row.order_state, off.into(), restored.into());
    let place = row.lon.zip(row.lat).filter(|_| off + restored > 1);
    pb::PublicOutage {
        number: row.number,
        class: row.class,
        area: outage::area(&row.org_path),
        org_path: row.org_path,
        off_at: row.off_at.map(wire::timestamp),
        etr_at: outage::valid_etr(row.etr_at, now)
            .filter(|_| off > 0)
            .map(wire::timestamp),
        customers_off: off.unsigned_abs(),
        customers_restored: restored.unsigned_abs(),
        status: status.to_owned(),
        cause_code: row.cause_code,
        position: place.map(|(lon, lat)| Point {
            lon: outage::rounded(lon),
            lat: outage::rounded(lat),
        }),
        restored_at: row.restored_at.filter(|_| off == 0).map(wire::timestamp),
        zone: row.zone,
    }
}

#[tonic::async_trait]
impl Insight for Api {
    async fn why_off(&self, request: Request<WhyOffRequest>) -> Result<Response<WhyOffReply>, Status> {
        let claims = wire::caller(&request)?;
        let reply = self.why_off_of(&claims, request.get_ref()).await;
        reply.map(Response::new).map_err(refuse("insight"))
    }

    async fn history(&self, request: Request<HistoryRequest>) -> Result<Response<HistoryReply>, Status> {
        let claims = wire::caller(&request)?;
        let reply = self.history_of(&claims, request.get_ref()).await;
        reply.map(Response::new).map_err(refuse("insight"))
    }

    async fn members(
        &self,
        request: Request<MembersRequest>,
    ) -> Result<Response<LedgerMembersReply>, Status> {
        let claims = wire::caller(&request)?;
        claims.need(&LISTS)?;
        let reply = self.members_of(&claims, request.get_ref()).await;
        reply.map(Response::new).map_err(refuse("insight"))
    }

    async fn step_members(
        &self,
        request: Request<StepMembersRequest>,
    ) -> Result<Response<LedgerMembersReply>, Status> {
        let claims = wire::caller(&request)?;
        claims.need(&LISTS)?;
        let reply = self.step_members_of(&claims, request.get_ref()).await;
        reply.map(Response::new).map_err(refuse("insight"))
    }

    async fn planned_totals(
        &self,
        request: Request<PlannedTotalsRequest>,
    ) -> Result<Response<PlannedTotalsReply>, Status> {
        wire::caller(&request)?.need(&[Role::Service])?;
        let reply = self.planned_totals_of(request.get_ref()).await;
        reply.map(Response::new).map_err(refuse("insight"))
    }

    async fn public_outages(
        &self,
        request: Request<PublicOutagesRequest>,
    ) -> Result<Response<PublicOutagesReply>, Status> {
        wire::caller(&request)?;
        self.outages().await.map(Response::new).map_err(refuse("insight"))
    }
}
