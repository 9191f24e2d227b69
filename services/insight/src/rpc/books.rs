//! The ledger as a book: who was affected by what, the sums of a year, and what nobody can explain.

use relight_common::{Begun, Claims, Invalid, Role, Work, command::Meta, error::refuse, wire};
use relight_proto::insight::v1::{
    AffectedReply, AffectedRequest, Exception, ListExceptionsReply, ListExceptionsRequest,
    SettleExceptionRequest, YearReply, YearRequest, affected_reply::Record, books_server::Books,
    year_reply::Total,
};
use tonic::{Request, Response, Status};

use super::{Api, CUSTOMERS_MAX, span, visible};
use crate::{
    domain::record::CustomerId,
    error::Error,
    exceptions,
    store::{
        book,
        exception::{self, Row},
    },
};

/// Who reads who was affected.
pub(super) const READ: [Role; 6] = [
    Role::Service,
    Role::Admin,
    Role::Dispatcher,
    Role::Agent,
    Role::Planner,
    Role::Manager,
];
/// Who sees exceptions.
const WATCH: [Role; 4] = [Role::Dispatcher, Role::ControlRoom, Role::Manager, Role::Admin];
/// Who settles them.
const SETTLE: [Role; 3] = [Role::Dispatcher, Role::ControlRoom, Role::Manager];
const NOTE_MAX: usize = 500;

impl Api {
    async fn affected_of(&self, claims: &Claims, ask: &AffectedRequest) -> Result<AffectedReply, Error> {
        let id = wire::uuid("basis_id", &ask.basis_id)?;
        let (after, limit) = span(&ask.after, ask.limit)?;
        let reason = book::reason(self.db.pool(), id).await?;
        let reason = reason
            .filter(|reason| claims.has_at(&READ, &reason.org_path))
            .ok_or(Error::NoReason(id))?;
        let rows = book::affected(self.db.pool(), id, after, limit).await?;
        let full = i64::try_from(rows.len()).is_ok_and(|rows| rows >= limit);
        let last = rows
            .last()
            .filter(|_| full)
            .map(|row| row.customer_id.to_string());
        let record = |row: book::Affected| Record {
            customer_id: row.customer_id.to_string(),
            off_at: Some(wire::timestamp(row.off_at)),
            on_at: row.on_at.map(wire::timestamp),
            reporter: row.reporter,
            shared: row.shared,
        };
        Ok(AffectedReply {
            class: reason.class,
            records: rows.into_iter().map(record).collect(),
            next_after: last.unwrap_or_default(),
            customers_off: reason.customers_off.unsigned_abs(),
            customers_restored: reason.customers_restored.unsigned_abs(),
        })
    }

    async fn year_of(&self, claims: &Claims, ask: &YearRequest) -> Result<YearReply, Error> {
        if ask.customer_ids.len() > CUSTOMERS_MAX {
            return Err(Invalid::new("customer_ids", "must be at most 500").into());
        }
        let ids = ask.customer_ids.iter().map(|id| CustomerId::parse(id));
        let ids = ids
            .map(|id| id.map(CustomerId::uuid))
            .collect::<Result<Vec<_>, _>>()?;
        let org = visible(claims, &ids)?;
        let span = (
            wire::instant("since", ask.since)?,
            wire::instant("until", ask.until)?,
        );
        if span.1 <= span.0 {
            return Err(Invalid::new("until", "must be after since").into());
        }
        let rows = book::totals(self.db.pool(), &ids, &org, span, self.clock.now()).await?;
        let total = |row: book::Total| Total {
            customer_id: row.customer_id.to_string(),
            class: row.class,
            count: u32::try_from(row.count).unwrap_or(u32::MAX),
            seconds: row.seconds,
            voltage_v: row.voltage_v.unsigned_abs(),
        };
        Ok(YearReply {
            totals: rows.into_iter().map(total).collect(),
        })
    }

    async fn exceptions_of(
        &self,
        claims: &Claims,
        ask: &ListExceptionsRequest,
    ) -> Result<ListExceptionsReply, Error> {
        let org = claims.org_patterns(&WATCH);
        let filter = format!("exceptions:{}:{}", ask.open, org.join(" "));
        let page = self.cursors.page(&filter, ask.page.as_ref())?;
        let rows = exception::list(self.db.pool(), &org, ask.open, page.after, page.size).await?;
        let last = rows
            .last()
            .map(|row| (row.raised_at.unwrap_or(row.off_at), row.id));
        let next_cursor = self.cursors.next(&filter, &page, rows.len(), last);
        Ok(ListExceptionsReply {
            exceptions: rows.into_iter().map(told).collect(),
            next_cursor,
        })
    }

    async fn settled(&self, claims: &Claims, ask: &SettleExceptionRequest) -> Result<Exception, Error> {
        let meta = Meta::new(&ask.command_id, claims, ask, self.clock.now())?;
        let id = wire::uuid("exception_id", &ask.exception_id)?;
        let note = wire::text_required("note", &ask.note, NOTE_MAX)?;
        let mut work = match Work::begin(&self.db, meta).await? {
            Begun::Before(reply) => return Ok(reply),
            Begun::New(work) => work,
        };
        let row = exception::lock(work.conn(), id).await?;
        let row = row
            .filter(|row| row.raised_at.is_some() && claims.has_at(&SETTLE, &row.org_path))
            .ok_or(Error::NoException(id))?;
        if row.state == "settled" {
            return Err(Error::Settled(id));
        }
        let settled = exceptions::settle(&mut work, &row, &claims.actor, &note).await?;
        Ok(work.commit(told(settled)).await?)
    }
}

fn told(row: Row) -> Exception {
    Exception {
        exception_id: row.id.to_string(),
        kind: row.kind,
        device_id: row.device_id,
        off_at: Some(wire::timestamp(row.off_at)),
        raised_at: row.raised_at.map(wire::timestamp),
        customers: row.customers.unsigned_abs(),
        org_path: row.org_path,
        state: row.state,
        settled_at: row.settled_at.map(wire::timestamp),
        settled_by: row.settled_by.unwrap_or_default(),
        note: row.note,
        place: row.place,
    }
}

#[tonic::async_trait]
impl Books for Api {
    async fn affected(&self, request: Request<AffectedRequest>) -> Result<Response<AffectedReply>, Status> {
        let claims = wire::caller(&request)?;
        claims.need(&READ)?;
        let reply = self.affected_of(&claims, request.get_ref()).await;
        reply.map(Response::new).map_err(refuse("insight"))
    }

    async fn year(&self, request: Request<YearRequest>) -> Result<Response<YearReply>, Status> {
        let claims = wire::caller(&request)?;
        let reply = self.year_of(&claims, request.get_ref()).await;
        reply.map(Response::new).map_err(refuse("insight"))
    }

    async fn list_exceptions(
        &self,
        request: Request<ListExceptionsRequest>,
    ) -> Result<Response<ListExceptionsReply>, Status> {
        let claims = wire::caller(&request)?;
        claims.need(&WATCH)?;
        let reply = self.exceptions_of(&claims, request.get_ref()).await;
        reply.map(Response::new).map_err(refuse("insight"))
    }

    async fn settle_exception(
        &self,
        request: Request<SettleExceptionRequest>,
    ) -> Result<Response<Exception>, Status> {
        let claims = wire::caller(&request)?;
        claims.need(&SETTLE)?;
        let reply = self.settled(&claims, request.get_ref()).await;
        reply.map(Response::new).map_err(refuse("insight"))
    }
}
