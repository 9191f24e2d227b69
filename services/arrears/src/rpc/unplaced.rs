//! The list of payments whose account nobody knows.

use relight_common::{Role, error::refuse, wire};
use relight_proto::arrears::v1::{
    ListUnplacedReply, ListUnplacedRequest, UnplacedPayment, unplaced_payments_server::UnplacedPayments,
};
use tonic::{Request, Response, Status};

use super::Api;
use crate::{
    error::Error,
    outside::Outside,
    store::unplaced::{self, Row},
};

/// Such a payment has no area: who answers for billing looks after it.
const READ: [Role; 2] = [Role::Manager, Role::Admin];

impl<O: Outside> Api<O> {
    async fn unplaced(&self, ask: ListUnplacedRequest) -> Result<ListUnplacedReply, Error> {
        let page = self.cursors.page("unplaced", ask.page.as_ref())?;
        let rows = unplaced::list(self.db.pool(), page.after, page.size).await?;
        let last = rows.last().map(|row| (row.received_at, row.id));
        Ok(ListUnplacedReply {
            next_cursor: self.cursors.next("unplaced", &page, rows.len(), last),
            payments: rows.into_iter().map(shown).collect(),
        })
    }
}

fn shown(row: Row) -> UnplacedPayment {
    UnplacedPayment {
        source: row.source,
        external_id: row.external_id,
        account: row.account,
        amount_cents: row.amount_cents,
        paid_at: Some(wire::timestamp(row.paid_at)),
        received_at: Some(wire::timestamp(row.received_at)),
        why: row.why,
    }
}

#[tonic::async_trait]
impl<O: Outside> UnplacedPayments for Api<O> {
    async fn list(
        &self,
        request: Request<ListUnplacedRequest>,
    ) -> Result<Response<ListUnplacedReply>, Status> {
        wire::caller(&request)?.need(&READ)?;
        let told = self.unplaced(request.into_inner()).await;
        told.map(Response::new).map_err(refuse(crate::NAME))
    }
}
