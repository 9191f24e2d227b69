//! Intake and the registry as dispatch sees them: a gRPC server that answers what a test told it and keeps the questions.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use relight_common::{config::Grpc, grpc::Peers, secrets::Secrets};
use relight_proto::{
    intake::v1::{self as intake, intake_server},
    registry::v1::{self as registry, registry_server},
};
use tokio_stream::wrappers::TcpListenerStream;
use tonic::{Request, Response, Status};

#[derive(Default)]
pub struct Script {
    pub confirmed: Vec<intake::ConfirmDeviceRequest>,
    pub sets: Vec<registry::CreateAffectedSetRequest>,
    /// The one service point there is.
    pub point: Option<registry::ServicePoint>,
    /// Customers behind any device.
    pub behind: u32,
    /// Answer every question with this instead.
    pub failure: Option<Status>,
}

#[derive(Clone, Default)]
pub struct StandIn(pub Arc<Mutex<Script>>);

type Reply<T> = Result<Response<T>, Status>;

fn absent<T>() -> Reply<T> {
    Err(Status::unimplemented("dispatch never asks this"))
}

impl StandIn {
    pub fn script(&self) -> std::sync::MutexGuard<'_, Script> {
        self.0.lock().expect("no test panicked")
    }

    /// Serves on a free port; gives the peers of dispatch.
    pub async fn serve(&self, secrets: &Secrets) -> anyhow::Result<Peers> {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let uri = format!("http://{}", listener.local_addr()?);
        let routes = tonic::transport::Server::builder()
            .add_service(registry_server::RegistryServer::new(self.clone()))
            .add_service(intake_server::IntakeServer::new(self.clone()));
        tokio::spawn(routes.serve_with_incoming(TcpListenerStream::new(listener)));
        let peers = ["registry", "intake"].map(|name| (name.to_owned(), uri.clone()));
        let config = Grpc {
            tls: false,
            listen: BTreeMap::new(),
            peers: peers.into(),
        };
        Peers::new(&config, secrets, "dispatch")
    }
}

#[tonic::async_trait]
impl intake_server::Intake for StandIn {
    async fn confirm_device(
        &self,
        request: Request<intake::ConfirmDeviceRequest>,
    ) -> Reply<intake::Incident> {
        let mut script = self.script();
        if let Some(failure) = &script.failure {
            return Err(failure.clone());
        }
        assert!(
            request.metadata().contains_key(relight_common::grpc::CALLER),
            "called with a service token"
        );
        script.confirmed.push(request.into_inner());
        Ok(Response::new(intake::Incident::default()))
    }
    async fn accept_report(&self, _: Request<intake::AcceptReportRequest>) -> Reply<intake::Report> {
        absent()
    }
    async fn get_report(&self, _: Request<intake::GetReportRequest>) -> Reply<intake::Report> {
        absent()
    }
    async fn list_reports(&self, _: Request<intake::ListReportsRequest>) -> Reply<intake::ListReportsReply> {
        absent()
    }
    async fn urge(&self, _: Request<intake::UrgeRequest>) -> Reply<intake::Report> {
        absent()
    }
    async fn get_incident(&self, _: Request<intake::GetIncidentRequest>) -> Reply<intake::Incident> {
        absent()
    }
    async fn list_incidents(
        &self,
        _: Request<intake::ListIncidentsRequest>,
    ) -> Reply<intake::ListIncidentsReply> {
        absent()
    }
    async fn reporters(&self, _: Request<intake::ReportersRequest>) -> Reply<intake::ReportersReply> {
        absent()
    }
}

#[tonic::async_trait]
impl registry_server::Registry for StandIn {
    type GridSnapshotStream = tokio_stream::Empty<Result<registry::GridSnapshotChunk, Status>>;

    async fn create_affected_set(
        &self,
        request: Request<registry::CreateAffectedSetRequest>,
    ) -> Reply<registry::AffectedSet> {
        let mut script = self.script();
        if let Some(failure) = &script.failure {
            return Err(failure.clone());
        }
        let request = request.into_inner();
        let set_id = format!("set-{}", request.device_ids.join("+"));
        script.sets.push(request);
        Ok(Response::new(registry::AffectedSet {
            set_id,
            count: script.behind,
            ..Default::default()
        }))
    }
    async fn get_customer(&self, _: Request<registry::GetCustomerRequest>) -> Reply<registry::Customer> {
        absent()
    }
    async fn search_customers(
        &self,
        _: Request<registry::SearchCustomersRequest>,
    ) -> Reply<registry::SearchCustomersReply> {
        absent()
    }
    async fn get_service_point(
        &self,
        _: Request<registry::GetServicePointRequest>,
    ) -> Reply<registry::ServicePoint> {
        let script = self.script();
        if let Some(failure) = &script.failure {
            return Err(failure.clone());
        }
        let point = script.point.clone();
        point
            .map(Response::new)
            .ok_or_else(|| Status::not_found("no such service point"))
    }
    async fn list_service_points(
        &self,
        _: Request<registry::ListServicePointsRequest>,
    ) -> Reply<registry::ListServicePointsReply> {
        absent()
    }
    async fn contacts(&self, _: Request<registry::ContactsRequest>) -> Reply<registry::ContactsReply> {
        absent()
    }
    async fn match_contact(
        &self,
        _: Request<registry::MatchContactRequest>,
    ) -> Reply<registry::MatchContactReply> {
        absent()
    }
    async fn grid_snapshot(
        &self,
        _: Request<registry::GridSnapshotRequest>,
    ) -> Reply<Self::GridSnapshotStream> {
        absent()
    }
    async fn get_affected_set(
        &self,
        _: Request<registry::GetAffectedSetRequest>,
    ) -> Reply<registry::AffectedSet> {
        absent()
    }
    async fn members(&self, _: Request<registry::MembersRequest>) -> Reply<registry::MembersReply> {
        absent()
    }
    async fn list_devices(
        &self,
        _: Request<registry::ListDevicesRequest>,
    ) -> Reply<registry::ListDevicesReply> {
        absent()
    }
}
