//! The wire: checks who calls and what was sent, asks, and maps rows to messages. Generated types stop here.

mod accounts;
mod among;
mod areas;
mod certificates;
mod contacts;
mod customers;
mod grid;
mod life_support;
mod links;
mod listed;
mod map;
mod numbers;
mod several;
mod streets;
mod supplies;
mod switching;
mod what_if;

use std::{pin::Pin, sync::Arc};

use futures_util::Stream;
use relight_common::{Claims, Clock, Db, cursor::Cursors, error::refuse, secrets::Secrets, wire};
use relight_policy::Pack;
use relight_proto::registry::v1::{
    AffectedSet, ContactsReply, ContactsRequest, CreateAffectedSetRequest, Customer, GetAffectedSetRequest,
    GetCustomerRequest, GetServicePointRequest, GridSnapshotChunk, GridSnapshotRequest, ListDevicesReply,
    ListDevicesRequest, ListServicePointsReply, ListServicePointsRequest, MatchContactReply,
    MatchContactRequest, MembersReply, MembersRequest, SearchCustomersReply, SearchCustomersRequest,
    ServicePoint, registry_server::Registry,
};
use tonic::{Request, Response, Status};

use crate::{config::Terms, held::Holder, seal::Sealer};

/// The registry's gRPC service.
#[derive(Debug, Clone)]
pub struct Api {
    db: Db,
    clock: Clock,
    sealer: Sealer,
    cursors: Cursors,
    holder: Arc<Holder>,
    terms: Terms,
    pack: Pack,
}

impl Api {
    /// Over this database, with the current network from `holder`, by the house's `terms` and the rules of `pack`.
    pub fn new(
        db: Db,
        secrets: &Secrets,
        clock: Clock,
        holder: Arc<Holder>,
        (terms, pack): (Terms, Pack),
    ) -> Self {
        Self {
            db,
            clock,
            sealer: Sealer::new(secrets),
            cursors: Cursors::new(&secrets.cursor_key),
            holder,
            terms,
            pack,
        }
    }
}

/// Only the service of this name.
fn only(claims: &Claims, services: &[&str]) -> Result<(), Status> {
    if services.iter().any(|name| claims.is_service(name)) {
        return Ok(());
    }
    Err(Status::permission_denied(format!(
        "this is for the service {} only",
        services.join(" or ")
    )))
}

/// Who calls, and the message.
fn taken<T>(request: Request<T>) -> Result<(Claims, T), Status> {
    let claims = wire::caller(&request)?;
    Ok((claims, request.into_inner()))
}

/// Pieces of a network on their way.
type Chunks = Pin<Box<dyn Stream<Item = Result<GridSnapshotChunk, Status>> + Send>>;

#[tonic::async_trait]
impl Registry for Api {
    type GridSnapshotStream = Chunks;

    async fn get_customer(&self, request: Request<GetCustomerRequest>) -> Result<Response<Customer>, Status> {
        let (claims, message) = taken(request)?;
        if !claims.is_service(customers::PLANNER) {
            claims.need(&customers::SEE_ONE)?;
        }
        self.customer(&claims, &message)
            .await
            .map(Response::new)
            .map_err(refuse("registry"))
    }

    async fn search_customers(
        &self,
        request: Request<SearchCustomersRequest>,
    ) -> Result<Response<SearchCustomersReply>, Status> {
        let (claims, message) = taken(request)?;
        claims.need(&customers::SEE_ALL)?;
        self.search(&claims, &message)
            .await
            .map(Response::new)
            .map_err(refuse("registry"))
    }

    async fn get_service_point(
        &self,
        request: Request<GetServicePointRequest>,
    ) -> Result<Response<ServicePoint>, Status> {
        let (claims, message) = taken(request)?;
        claims.need(&[relight_common::Role::Service])?;
        self.service_point(&message)
            .await
            .map(Response::new)
            .map_err(refuse("registry"))
    }

    async fn list_service_points(
        &self,
        request: Request<ListServicePointsRequest>,
    ) -> Result<Response<ListServicePointsReply>, Status> {
        let (claims, message) = taken(request)?;
        only(&claims, &["intake", "insight"])?;
        self.service_points(&message)
            .await
            .map(Response::new)
            .map_err(refuse("registry"))
    }

    async fn contacts(&self, request: Request<ContactsRequest>) -> Result<Response<ContactsReply>, Status> {
        let (claims, message) = taken(request)?;
        only(&claims, &["notify"])?;
        self.open_contacts(&claims, &message)
            .await
            .map(Response::new)
            .map_err(refuse("registry"))
    }

    async fn match_contact(
        &self,
        request: Request<MatchContactRequest>,
    ) -> Result<Response<MatchContactReply>, Status> {
        let (claims, message) = taken(request)?;
        only(&claims, &["access"])?;
        self.matching(&message)
            .await
            .map(Response::new)
            .map_err(refuse("registry"))
    }

    async fn grid_snapshot(
        &self,
        request: Request<GridSnapshotRequest>,
    ) -> Result<Response<Self::GridSnapshotStream>, Status> {
        let (claims, message) = taken(request)?;
        only(&claims, &["intake"])?;
        self.snapshot(&message)
            .await
            .map(Response::new)
            .map_err(refuse("registry"))
    }

    async fn create_affected_set(
        &self,
        request: Request<CreateAffectedSetRequest>,
    ) -> Result<Response<AffectedSet>, Status> {
        let (claims, message) = taken(request)?;
        only(&claims, &["intake", "dispatch", "planner"])?;
        self.create_set(&claims, &message)
            .await
            .map(Response::new)
            .map_err(refuse("registry"))
    }

    async fn get_affected_set(
        &self,
        request: Request<GetAffectedSetRequest>,
    ) -> Result<Response<AffectedSet>, Status> {
        let (claims, message) = taken(request)?;
        claims.need(&[relight_common::Role::Service])?;
        self.set(&message)
            .await
            .map(Response::new)
            .map_err(refuse("registry"))
    }

    async fn members(&self, request: Request<MembersRequest>) -> Result<Response<MembersReply>, Status> {
        let (claims, message) = taken(request)?;
        only(&claims, &["insight", "intake", "notify", "planner"])?;
        self.set_members(&message)
            .await
            .map(Response::new)
            .map_err(refuse("registry"))
    }

    async fn list_devices(
        &self,
        request: Request<ListDevicesRequest>,
    ) -> Result<Response<ListDevicesReply>, Status> {
        let (claims, message) = taken(request)?;
        claims.need(&[relight_common::Role::Dispatcher])?;
        self.devices(&message)
            .await
            .map(Response::new)
            .map_err(refuse("registry"))
    }
}
