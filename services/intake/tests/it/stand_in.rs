//! The registry and the ledger as intake sees them: a gRPC server that answers what a test told it.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::{Arc, Mutex},
};

use anyhow::Context;
use relight_common::{config::Grpc, grpc::Peers, secrets::Secrets};
use relight_proto::{
    insight::v1::{self as ledger, insight_server},
    registry::v1::{
        self as registry, accounts_server, listed_sets_server, registry_server, switchings_server,
    },
};
use tokio_stream::wrappers::TcpListenerStream;
use tonic::{Request, Response, Status, Streaming};

/// What the stand-ins say.
#[derive(Default)]
pub struct Script {
    pub accounts: HashMap<String, registry::ServicePoint>,
    pub off: HashMap<String, ledger::Interruption>,
    /// Records of a customer, open and closed, the newest first.
    pub history: HashMap<String, Vec<ledger::Interruption>>,
    /// The ledger answers nothing, the registry does.
    pub ledger_away: bool,
    /// (version, bytes); none = no network imported.
    pub network: Option<(String, Vec<u8>)>,
    /// Versions that were before it.
    pub past: Vec<(String, Vec<u8>)>,
    /// How it is switched; its version is that of the network.
    pub state: registry::GridStateReply,
    /// The state is of a version that came after the network.
    pub state_of_another: bool,
    pub sets: HashMap<String, registry::AffectedSet>,
    /// Service points of stored sets.
    pub members: HashMap<String, Vec<String>>,
    /// Answer nothing at all.
    pub silent: bool,
    /// Answer every question with this instead.
    pub failure: Option<Status>,
    /// Questions asked, by rpc.
    pub asked: BTreeMap<&'static str, u32>,
}

impl Script {
    /// The set of a device, or one of exactly the listed service points, which is kept.
    fn create_set(&mut self, asked: &registry::CreateAffectedSetRequest) -> Option<registry::AffectedSet> {
        let listed = &asked.service_point_external_ids;
        if listed.is_empty() && !asked.nobody {
            let device = asked.device_ids.concat().to_lowercase();
            return self.sets.get(&device).cloned();
        }
        let listed: HashSet<&String> = listed.iter().collect();
        let points = self.accounts.values();
        let mut points: Vec<String> = points
            .filter(|point| listed.contains(&point.external_id))
            .map(|point| point.service_point_id.clone())
            .collect();
        points.sort();
        let set_id = relight_common::ids::derived_from_name(&points.concat()).to_string();
        let count = u32::try_from(points.len()).expect("a small town");
        self.members.insert(set_id.clone(), points);
        Some(registry::AffectedSet {
            set_id,
            count,
            ..Default::default()
        })
    }
}

#[derive(Clone, Default)]
pub struct StandIn {
    pub script: Arc<Mutex<Script>>,
}

impl StandIn {
    pub fn say(&self, change: impl FnOnce(&mut Script)) {
        change(&mut self.script.lock().expect("no test panicked"));
    }

    pub fn asked(&self, rpc: &str) -> u32 {
        self.script
            .lock()
            .expect("no test panicked")
            .asked
            .get(rpc)
            .copied()
            .unwrap_or(0)
    }

    /// Serves on a free port; gives the peers of intake.
    pub async fn serve(&self, secrets: &Secrets) -> anyhow::Result<Peers> {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let uri = format!("http://{}", listener.local_addr()?);
        let routes = tonic::transport::Server::builder()
            .add_service(registry_server::RegistryServer::new(self.clone()))
            .add_service(accounts_server::AccountsServer::new(self.clone()))
            .add_service(listed_sets_server::ListedSetsServer::new(self.clone()))
            .add_service(switchings_server::SwitchingsServer::new(self.clone()))
            .add_service(insight_server::InsightServer::new(self.clone()));
        tokio::spawn(routes.serve_with_incoming(TcpListenerStream::new(listener)));
        let names = ["registry", "insight", "intake"];
        let peers = names
            .map(|name| (name.to_owned(), uri.clone()))
            .into_iter()
            .collect();
        Peers::new(
            &Grpc {
                tls: false,
                listen: BTreeMap::new(),
                peers,
            },
            secrets,
            "intake",
        )
        .context("peers")
    }

    async fn ask<T>(&self, rpc: &'static str, answer: impl FnOnce(&mut Script) -> T) -> Result<T, Status> {
        let silent = {
            let mut script = self.script.lock().expect("no test panicked");
            *script.asked.entry(rpc).or_default() += 1;
            script.silent
        };
        if silent {
            std::future::pending::<()>().await;
        }
        let mut script = self.script.lock().expect("no test panicked");
        match &script.failure {
            Some(failure) => Err(failure.clone()),
            None => Ok(answer(&mut script)),
        }
    }
}

type Reply<T> = Result<Response<T>, Status>;

fn absent<T>() -> Reply<T> {
    Err(Status::unimplemented("intake never asks this"))
}

#[tonic::async_trait]
impl accounts_server::Accounts for StandIn {
    async fn points_of_accounts(
        &self,
        request: Request<registry::PointsOfAccountsRequest>,
    ) -> Reply<registry::PointsOfAccountsReply> {
        let accounts = request.into_inner().accounts;
        let points = self.ask("points_of_accounts", |script| {
            let points = accounts.iter().map(|account| registry::PointOfAccount {
                service_point: script.accounts.get(account).cloned(),
            });
            points.collect()
        });
        Ok(Response::new(registry::PointsOfAccountsReply {
            points: points.await?,
        }))
    }

    /// Two a page.
    async fn points_of_customer(
        &self,
        request: Request<registry::PointsOfCustomerRequest>,
    ) -> Reply<registry::PointsOfCustomerReply> {
        let asked = request.into_inner();
        let all = self.ask("points_of_customer", |script| {
            let all = script.accounts.values();
            let mut theirs: Vec<_> = all
                .filter(|point| {
                    point.customer_id == asked.customer_id && point.service_point_id > asked.after
                })
                .cloned()
                .collect();
            theirs.sort_by(|a, b| a.service_point_id.cmp(&b.service_point_id));
            theirs
        });
        let mut service_points = all.await?;
        let is_full = service_points.len() > 2;
        service_points.truncate(2);
        let last = service_points.last().filter(|_| is_full);
        Ok(Response::new(registry::PointsOfCustomerReply {
            next_after: last
                .map(|point| point.service_point_id.clone())
                .unwrap_or_default(),
            service_points,
        }))
    }
}

#[tonic::async_trait]
impl switchings_server::Switchings for StandIn {
    async fn grid_state(&self, _: Request<registry::GridStateRequest>) -> Reply<registry::GridStateReply> {
        let state = self.ask("grid_state", |script| {
            let version = script.network.as_ref().map(|(version, _)| version.clone());
            let version = version.filter(|_| !script.state_of_another);
            registry::GridStateReply {
                grid_version: version.unwrap_or_default(),
                ..script.state.clone()
            }
        });
        state.await.map(Response::new)
    }

    async fn request_switching(
        &self,
        _: Request<registry::RequestSwitchingRequest>,
    ) -> Reply<registry::Switching> {
        absent()
    }
    async fn advance_switching(
        &self,
        _: Request<registry::AdvanceSwitchingRequest>,
    ) -> Reply<registry::Switching> {
        absent()
    }
    async fn get_switching(&self, _: Request<registry::GetSwitchingRequest>) -> Reply<registry::Switching> {
        absent()
    }
    async fn list_switchings(
        &self,
        _: Request<registry::ListSwitchingsRequest>,
    ) -> Reply<registry::ListSwitchingsReply> {
        absent()
    }
    async fn record_telemetry(
        &self,
        _: Request<registry::RecordTelemetryRequest>,
    ) -> Reply<registry::RecordTelemetryReply> {
        absent()
    }
    async fn what_if(&self, _: Request<registry::WhatIfRequest>) -> Reply<registry::WhatIfReply> {
        absent()
    }
}

#[tonic::async_trait]
impl registry_server::Registry for StandIn {
    type GridSnapshotStream =
        tokio_stream::Iter<std::vec::IntoIter<Result<registry::GridSnapshotChunk, Status>>>;

    async fn get_service_point(
        &self,
        _: Request<registry::GetServicePointRequest>,
    ) -> Reply<registry::ServicePoint> {
        absent()
    }

    async fn list_service_points(
        &self,
        request: Request<registry::ListServicePointsRequest>,
    ) -> Reply<registry::ListServicePointsReply> {
        let page = request.into_inner().page.unwrap_or_default();
        let all = self.ask("list_service_points", |script| {
            let mut all: Vec<_> = script.accounts.values().cloned().collect();
            all.sort_by(|a, b| a.account.cmp(&b.account));
            all
        });
        let rest: Vec<_> = all
            .await?
            .into_iter()
            .filter(|point| point.account > page.cursor)
            .collect();
        let size = usize::try_from(page.size).expect("a page size");
        let next_cursor = rest
            .get(size)
            .map(|_| rest[size - 1].account.clone())
            .unwrap_or_default();
        let service_points = rest.into_iter().take(size).collect();
        Ok(Response::new(registry::ListServicePointsReply {
            service_points,
            next_cursor,
        }))
    }

    async fn grid_snapshot(
        &self,
        request: Request<registry::GridSnapshotRequest>,
    ) -> Reply<Self::GridSnapshotStream> {
        let wanted = request.into_inner().grid_version;
        let network = self.ask("grid_snapshot", |script| {
            let past = script.past.iter().find(|(version, _)| *version == wanted);
            past.or(script.network.as_ref()).cloned()
        });
        let network = network.await?;
        let (version, bytes) = network.ok_or_else(|| Status::failed_precondition("no network"))?;
        let chunk = |data: &[u8]| {
            Ok(registry::GridSnapshotChunk {
                grid_version: version.clone(),
                data: data.to_vec(),
            })
        };
        let chunks: Vec<_> = bytes.chunks(1000).map(chunk).collect();
        Ok(Response::new(tokio_stream::iter(chunks)))
    }

    async fn create_affected_set(
        &self,
        request: Request<registry::CreateAffectedSetRequest>,
    ) -> Reply<registry::AffectedSet> {
        let asked = request.into_inner();
        let set = self
            .ask("create_affected_set", |script| script.create_set(&asked))
            .await?;
        set.map(Response::new)
            .ok_or_else(|| Status::invalid_argument("no such device"))
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
    async fn contacts(&self, _: Request<registry::ContactsRequest>) -> Reply<registry::ContactsReply> {
        absent()
    }
    async fn match_contact(
        &self,
        _: Request<registry::MatchContactRequest>,
    ) -> Reply<registry::MatchContactReply> {
        absent()
    }
    async fn get_affected_set(
        &self,
        _: Request<registry::GetAffectedSetRequest>,
    ) -> Reply<registry::AffectedSet> {
        absent()
    }
    async fn members(&self, request: Request<registry::MembersRequest>) -> Reply<registry::MembersReply> {
        let set = request.into_inner().set_id;
        let points = self
            .ask("members", |script| script.members.get(&set).cloned())
            .await?;
        let members = points
            .unwrap_or_default()
            .into_iter()
            .map(|point| registry::Member {
                service_point_id: point,
                ..Default::default()
            });
        Ok(Response::new(registry::MembersReply {
            members: members.collect(),
            next_after: String::new(),
        }))
    }
    async fn list_devices(
        &self,
        _: Request<registry::ListDevicesRequest>,
    ) -> Reply<registry::ListDevicesReply> {
        absent()
    }
}

#[tonic::async_trait]
impl listed_sets_server::ListedSets for StandIn {
    async fn create(
        &self,
        request: Request<Streaming<registry::PointsOfSet>>,
    ) -> Reply<registry::AffectedSet> {
        let (mut parts, mut asked) = (
            request.into_inner(),
            registry::CreateAffectedSetRequest::default(),
        );
        while let Some(part) = parts.message().await? {
            if part.service_point_external_ids.len() > 20_000 {
                return Err(Status::invalid_argument("too many in one part"));
            }
            asked
                .service_point_external_ids
                .extend(part.service_point_external_ids);
        }
        let set = self
            .ask("create_listed", |script| script.create_set(&asked))
            .await?;
        set.map(Response::new)
            .ok_or_else(|| Status::invalid_argument("nobody is listed"))
    }
}

#[tonic::async_trait]
impl insight_server::Insight for StandIn {
    async fn why_off(&self, request: Request<ledger::WhyOffRequest>) -> Reply<ledger::WhyOffReply> {
        let ids = request.into_inner().customer_ids;
        let open = self.ask("why_off", |script| {
            let open = ids.iter().filter_map(|id| script.off.get(id).cloned());
            (!script.ledger_away).then(|| open.collect::<Vec<_>>())
        });
        let open = open.await?.ok_or_else(|| Status::unavailable("away"))?;
        Ok(Response::new(ledger::WhyOffReply { open }))
    }

    async fn history(&self, request: Request<ledger::HistoryRequest>) -> Reply<ledger::HistoryReply> {
        let customer = request.into_inner().customer_id;
        let records = self.ask("history", |script| {
            let records = script.history.get(&customer).cloned().unwrap_or_default();
            (!script.ledger_away).then_some(records)
        });
        let interruptions = records.await?.ok_or_else(|| Status::unavailable("away"))?;
        Ok(Response::new(ledger::HistoryReply {
            interruptions,
            next_cursor: String::new(),
        }))
    }
    async fn members(&self, _: Request<ledger::MembersRequest>) -> Reply<ledger::LedgerMembersReply> {
        absent()
    }
    async fn step_members(
        &self,
        _: Request<ledger::StepMembersRequest>,
    ) -> Reply<ledger::LedgerMembersReply> {
        absent()
    }
    async fn public_outages(
        &self,
        _: Request<ledger::PublicOutagesRequest>,
    ) -> Reply<ledger::PublicOutagesReply> {
        absent()
    }
    async fn planned_totals(
        &self,
        _: Request<ledger::PlannedTotalsRequest>,
    ) -> Reply<ledger::PlannedTotalsReply> {
        absent()
    }
}
