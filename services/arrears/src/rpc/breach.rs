//! The list of cuts without right and late reconnections.

use relight_common::{Claims, Invalid, Role, error::refuse, wire};
use relight_proto::arrears::v1::{
    Breach, ListBreachesReply, ListBreachesRequest, arrears_breaches_server::ArrearsBreaches,
};
use tonic::{Request, Response, Status};

use super::Api;
use crate::{
    error::Error,
    outside::Outside,
    store::breach::{self, KINDS, Row},
};

/// Who answers for it, in their area.
const READ: [Role; 3] = [Role::Agent, Role::Manager, Role::Admin];

impl<O: Outside> Api<O> {
    async fn breaches(&self, claims: &Claims, ask: ListBreachesRequest) -> Result<ListBreachesReply, Error> {
        let kind = Some(ask.kind.as_str()).filter(|kind| !kind.is_empty());
        if kind.is_some_and(|kind| !KINDS.contains(&kind)) {
            return Err(Invalid::new("kind", format!("must be one of {}", KINDS.join(", "))).into());
        }
        let areas = claims.org_patterns(&READ);
        let name = format!("breaches:{kind:?}:{areas:?}");
        let page = self.cursors.page(&name, ask.page.as_ref())?;
        let rows = breach::list(self.db.pool(), (kind, &areas), page.after, page.size).await?;
        let last = rows.last().map(|row| (row.found_at, row.case_id));
        Ok(ListBreachesReply {
            next_cursor: self.cursors.next(&name, &page, rows.len(), last),
            breaches: rows.into_iter().map(shown).collect(),
        })
    }
}

fn shown(row: Row) -> Breach {
    Breach {
        case_id: row.case_id.to_string(),
        number: row.number,
        account: row.account,
        org_path: row.org_path,
        zone: row.zone,
        kind: row.kind,
        off_at: Some(wire::timestamp(row.off_at)),
        cut_by: row.cut_by.unwrap_or_default(),
        found_at: Some(wire::timestamp(row.found_at)),
        found_by: row.found_by,
        reason: row.reason,
        due_at: Some(wire::timestamp(row.due_at)),
        on_at: row.on_at.map(wire::timestamp),
        apology_ordered_at: row.apology_ordered_at.map(wire::timestamp),
        apologised_at: row.apologised_at.map(wire::timestamp),
    }
}

#[tonic::async_trait]
impl<O: Outside> ArrearsBreaches for Api<O> {
    async fn list_breaches(
        &self,
        request: Request<ListBreachesRequest>,
    ) -> Result<Response<ListBreachesReply>, Status> {
        let claims = wire::caller(&request)?;
        claims.need(&READ)?;
        let told = self.breaches(&claims, request.into_inner()).await;
        told.map(Response::new).map_err(refuse(crate::NAME))
    }
}
