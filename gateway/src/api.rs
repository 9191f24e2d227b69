//! REST under `/api/v1`, described by the OpenAPI document made from this code.

mod accounts;
mod arrears;
mod arrears_alarm;
mod arrears_breach;
mod arrears_event;
mod arrears_feed;
pub(crate) mod arrears_notice;
mod arrears_unplaced;
mod certificates;
mod contacts;
mod crews;
mod customers;
mod danger_tasks;
mod devices;
pub mod docs;
mod incidents;
mod inferences;
mod ledger;
mod ledger_voltage;
mod links;
mod list;
mod messages;
mod orders;
mod outages;
mod outages_accuracy;
mod outages_alarm;
mod outages_call;
mod outages_event;
mod outages_figures;
mod outages_form;
mod outages_people;
mod outages_planned;
pub(crate) mod outages_record;
mod outages_reliability;
mod outages_safety;
pub(crate) mod outages_shape;
mod outages_task;
pub(crate) mod photos;
mod recommendations;
mod replies;
mod report_closings;
mod report_owners;
mod reports;
mod restoration_checks;
mod sessions;
mod signals;
mod switching;
mod what_if;

use axum::Router;
use relight_common::{
    Role,
    edge::{complete, photo::Photos},
};
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;

use crate::app::App;

pub use incidents::Incident;
pub use list::{List, PageParams};
pub use outages::Outage;
pub use reports::Report;
pub use sessions::Language;
pub(crate) use {
    arrears_alarm::ARREARS_DESK,
    customers::{find, open_interruption},
    orders::acknowledge_alarm,
    reports::{Neighbours, NewReport, accept_report, urge_report},
    sessions::{close_session, open_session, send_code, use_code},
};

/// People who see orders, incidents and crews.
pub const STAFF: [Role; 6] = [
    Role::Dispatcher,
    Role::UnitDesk,
    Role::Agent,
    Role::Admin,
    Role::Manager,
    Role::ControlRoom,
];

#[derive(OpenApi)]
#[openapi(info(
    title = "Relight",
    description = "Field-crew dispatch and outage notices for electricity utilities.\n\n\
            JSON in snake_case, times as RFC 3339 in UTC, positions in WGS84 degrees. Unknown fields are refused. \
            Every write carries an `Idempotency-Key` (a UUID): the same key with the same body gives the first answer \
            again, with another body it is refused. Lists are read page by page: send `next_cursor` back as `cursor`. \
            Refusals are RFC 9457 problems; `errors` names every wrong field. On 503 and 429 wait for `Retry-After` \
            and send the same request again with the same key."
))]
struct Document;

/// The routes and their document.
pub fn routes(photos: &Photos) -> (Router<App>, utoipa::openapi::OpenApi) {
    let (router, mut document) = OpenApiRouter::with_openapi(Document::openapi())
        .merge(sessions::routes())
        .merge(reports::routes())
        .merge(report_closings::routes())
        .merge(report_owners::routes())
        .merge(danger_tasks::routes())
        .merge(incidents::routes())
        .merge(inferences::routes())
        .merge(restoration_checks::routes())
        .merge(signals::routes())
        .merge(orders::routes())
        .merge(crews::routes())
        .merge(customers::routes())
        .merge(contacts::routes())
        .merge(certificates::routes())
        .merge(outages::routes())
        .merge(outages_planned::routes())
        .merge(outages_safety::routes())
        .merge(outages_call::routes())
        .merge(outages_form::routes())
        .merge(outages_figures::routes())
        .merge(outages_accuracy::routes())
        .merge(outages_record::routes())
        .merge(outages_task::routes())
        .merge(outages_people::routes())
        .merge(outages_alarm::routes())
        .merge(outages_reliability::routes())
        .merge(messages::routes())
        .merge(photos::routes(photos))
        .merge(recommendations::routes())
        .merge(replies::routes())
        .merge(arrears::routes())
        .merge(arrears_alarm::routes())
        .merge(arrears_breach::routes())
        .merge(arrears_unplaced::routes())
        .merge(arrears_feed::routes())
        .merge(devices::routes())
        .merge(switching::routes())
        .merge(what_if::routes())
        .merge(links::routes())
        .merge(ledger::routes())
        .merge(ledger_voltage::routes())
        .merge(accounts::routes())
        .merge(crate::stream::routes())
        .split_for_parts();
    complete(&mut document);
    (router, document)
}
