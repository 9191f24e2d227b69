//! Certificates of life support that end soon or have ended: somebody asks for a new one, or decides.

use axum::{Json, extract::State};
use relight_common::{
    Role, ask,
    edge::{Caller, Params, Problem},
};
use relight_proto::registry::v1::{Certificate as WireCertificate, ListCertificatesRequest};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    customers::Customer,
    list::{List, PageParams},
};
use crate::app::App;

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list))
}

/// Somebody on life support whose certificate has to be renewed.
#[derive(Debug, Serialize, ToSchema)]
struct Certificate {
    /// With `life_support_until`, its last day.
    customer: Option<Customer>,
    /// That day is over. They are on life support all the same, until a person decides.
    ended: bool,
}

impl From<WireCertificate> for Certificate {
    fn from(one: WireCertificate) -> Self {
        Self {
            customer: one.customer.map(Customer::from),
            ended: one.ended,
        }
    }
}

/// Certificates of life support that end within the days of the policy pack (30) or have ended, the earliest first, in the
/// caller's area; each customer's view is audited. None ends the protection by itself.
#[utoipa::path(get, path = "/api/v1/life-support-certificates", tag = "customers", params(PageParams),
    security(("session" = [])), responses((status = 200, description = "A page", body = List<Certificate>)))]
async fn list(
    State(app): State<App>,
    caller: Caller,
    Params(params): Params<PageParams>,
) -> Result<Json<List<Certificate>>, Problem> {
    let claims = caller.need(&[Role::Planner, Role::Manager, Role::Agent, Role::Dispatcher])?;
    let message = ListCertificatesRequest {
        page: Some(params.into_wire()?),
    };
    let reply = ask!(app.edge(), claims, app.to().certificates, list, message).await?;
    Ok(Json(List::of(reply.certificates, reply.next_cursor)))
}
