//! The wire: who may ask what, requests into commands, answers back.

mod accept;
mod confirm;
mod read;

use std::sync::Arc;

use relight_common::{error::refuse, wire};
use relight_proto::intake::v1::{self as pb, intake_server::Intake};
use tonic::{Request, Response, Status};

use crate::desk::Desk;

/// Serves intake.
#[derive(Debug, Clone)]
pub struct Api {
    desk: Arc<Desk>,
}

impl Api {
    /// Over this desk.
    pub fn new(desk: Arc<Desk>) -> Self {
        Self { desk }
    }
}

type Reply<T> = Result<Response<T>, Status>;

#[tonic::async_trait]
impl Intake for Api {
    async fn accept_report(&self, request: Request<pb::AcceptReportRequest>) -> Reply<pb::Report> {
        let claims = wire::caller(&request)?;
        claims.need(&accept::REPORTERS)?;
        let done = accept::accept(&self.desk, &claims, &request.into_inner()).await;
        done.map(Response::new).map_err(refuse("intake"))
    }

    async fn urge(&self, request: Request<pb::UrgeRequest>) -> Reply<pb::Report> {
        let claims = wire::caller(&request)?;
        claims.need(&accept::URGERS)?;
        let done = accept::urge(&self.desk, &claims, &request.into_inner()).await;
        done.map(Response::new).map_err(refuse("intake"))
    }

    async fn get_report(&self, request: Request<pb::GetReportRequest>) -> Reply<pb::Report> {
        let claims = wire::caller(&request)?;
        let done = read::report(&self.desk, &claims, &request.into_inner()).await;
        done.map(Response::new).map_err(refuse("intake"))
    }

    async fn list_reports(&self, request: Request<pb::ListReportsRequest>) -> Reply<pb::ListReportsReply> {
        let claims = wire::caller(&request)?;
        let done = read::reports(&self.desk, &claims, &request.into_inner()).await;
        done.map(Response::new).map_err(refuse("intake"))
    }

    async fn get_incident(&self, request: Request<pb::GetIncidentRequest>) -> Reply<pb::Incident> {
        let claims = wire::caller(&request)?;
        claims.need(&read::INCIDENT_READERS)?;
        let done = read::incident(&self.desk, &claims, &request.into_inner()).await;
        done.map(Response::new).map_err(refuse("intake"))
    }

    async fn list_incidents(
        &self,
        request: Request<pb::ListIncidentsRequest>,
    ) -> Reply<pb::ListIncidentsReply> {
        let claims = wire::caller(&request)?;
        claims.need(&read::INCIDENT_READERS)?;
        let done = read::incidents(&self.desk, &claims, &request.into_inner()).await;
        done.map(Response::new).map_err(refuse("intake"))
    }

    async fn confirm_device(&self, request: Request<pb::ConfirmDeviceRequest>) -> Reply<pb::Incident> {
        let claims = wire::caller(&request)?;
        confirm::may(&claims)?;
        let done = confirm::confirm(&self.desk, &claims, &request.into_inner()).await;
        done.map(Response::new).map_err(refuse("intake"))
    }

    async fn reporters(&self, request: Request<pb::ReportersRequest>) -> Reply<pb::ReportersReply> {
        let claims = wire::caller(&request)?;
        if !claims.is_service("notify") {
            return Err(Status::permission_denied(
                "only service:notify reads reporters' contacts",
            ));
        }
        let done = read::reporters(&self.desk, &request.into_inner()).await;
        done.map(Response::new).map_err(refuse("intake"))
    }
}
