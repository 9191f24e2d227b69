//! The contract of dispatch: wire to command and back. Generated types stop here (and in the consumer and in what is
//! told).

mod command;
mod crew;
mod event;
mod order;
mod peers;
mod photo;
mod recommend;

use std::sync::Arc;

use relight_common::{
    Begun, Claims, Clock, Db, Work, command::Meta, config, cursor::Cursors, error::refuse, grpc,
    secrets::Secrets, wire,
};
use relight_policy::Pack;
use relight_proto::dispatch::v1::{
    AcknowledgeAlarmRequest, ApplyRequest, Crew, CrewChangesReply, CrewChangesRequest, GetOrderRequest,
    ListCrewsReply, ListCrewsRequest, ListOrdersReply, ListOrdersRequest, ListUnitsReply, ListUnitsRequest,
    Order, PutCrewRequest, PutUnitRequest, RecommendReply, RecommendRequest, Unit, dispatch_server::Dispatch,
};
use sqlx::{Postgres, pool::PoolConnection};
use tonic::{Request, Response, Status};

use self::peers::Others;
use crate::{domain::ids::OrderId, error::Error, live::Live, store::view, wanted::Orders};

/// Serves the contract.
#[derive(Debug, Clone)]
pub struct Api {
    db: Db,
    clock: Clock,
    pack: Pack,
    live: Arc<Live>,
    orders: Arc<Orders>,
    others: Others,
    cursors: Cursors,
}

impl Api {
    /// Serves over `db` with the limits of `pack`.
    pub fn new(
        db: &Db,
        peers: &grpc::Peers,
        secrets: &Secrets,
        clock: Clock,
        pack: Pack,
        live: Arc<Live>,
    ) -> Self {
        Self {
            db: db.clone(),
            clock,
            pack,
            live,
            orders: Arc::new(Orders::new(db.clone())),
            others: Others::new(peers),
            cursors: Cursors::new(&secrets.cursor_key),
        }
    }

    async fn conn(&self) -> Result<PoolConnection<Postgres>, Error> {
        let conn = self.db.pool().acquire().await;
        conn.map_err(|error| relight_common::Error::Db("get a connection", error).into())
    }

    /// The transaction of a new command, or the reply it got before.
    async fn begin<R: prost::Message + Default>(
        &self,
        command_id: &str,
        claims: &Claims,
        request: &impl prost::Message,
    ) -> Result<Begun<R>, Error> {
        let meta = Meta::new(command_id, claims, request, self.clock.now())?;
        Ok(Work::begin(&self.db, meta).await?)
    }

    async fn view(&self, work: &mut Work, id: OrderId) -> Result<Order, Error> {
        let views = view::load(work.conn(), &[id.uuid()]).await?;
        let view = views
            .into_iter()
            .next()
            .ok_or_else(|| Error::NoSuchOrder(id.to_string()))?;
        Ok(order::shown(&view))
    }
}

/// The policy pack of this deployment.
///
/// # Errors
/// When the configuration names none.
pub(crate) fn pack() -> anyhow::Result<Pack> {
    Ok(config::section::<relight_policy::Section>("policy")?.load()?)
}

/// A handler: caller, work, reply; failures are logged and worded in one place.
macro_rules! answer {
    ($self:ident.$method:ident($request:ident)) => {{
        let claims = wire::caller(&$request)?;
        $self
            .$method(&claims, $request.into_inner())
            .await
            .map(Response::new)
            .map_err(refuse(crate::NAME))
    }};
}

#[tonic::async_trait]
impl Dispatch for Api {
    async fn apply(&self, request: Request<ApplyRequest>) -> Result<Response<Order>, Status> {
        answer!(self.apply_command(request))
    }

    async fn get_order(&self, request: Request<GetOrderRequest>) -> Result<Response<Order>, Status> {
        answer!(self.one_order(request))
    }

    async fn list_orders(
        &self,
        request: Request<ListOrdersRequest>,
    ) -> Result<Response<ListOrdersReply>, Status> {
        answer!(self.page_of_orders(request))
    }

    async fn recommend(
        &self,
        request: Request<RecommendRequest>,
    ) -> Result<Response<RecommendReply>, Status> {
        answer!(self.recommendation(request))
    }

    async fn acknowledge_alarm(
        &self,
        request: Request<AcknowledgeAlarmRequest>,
    ) -> Result<Response<Order>, Status> {
        answer!(self.acknowledge(request))
    }

    async fn put_unit(&self, request: Request<PutUnitRequest>) -> Result<Response<Unit>, Status> {
        answer!(self.unit_put(request))
    }

    async fn put_crew(&self, request: Request<PutCrewRequest>) -> Result<Response<Crew>, Status> {
        answer!(self.crew_put(request))
    }

    async fn list_units(
        &self,
        request: Request<ListUnitsRequest>,
    ) -> Result<Response<ListUnitsReply>, Status> {
        answer!(self.page_of_units(request))
    }

    async fn list_crews(
        &self,
        request: Request<ListCrewsRequest>,
    ) -> Result<Response<ListCrewsReply>, Status> {
        answer!(self.page_of_crews(request))
    }

    async fn crew_changes(
        &self,
        request: Request<CrewChangesRequest>,
    ) -> Result<Response<CrewChangesReply>, Status> {
        answer!(self.changes_of_crew(request))
    }
}
