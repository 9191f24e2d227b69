//! The neighbours of notify as far as it asks them, served over real gRPC: contacts, reporters, the ledger, events.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use relight_common::{Claims, grpc, wire};
use relight_proto::{
    arrears::v1::{
        TextOfReply, TextOfRequest, TextsOfReply, TextsOfRequest,
        notice_text_batches_server::{NoticeTextBatches, NoticeTextBatchesServer},
        notice_texts_server::{NoticeTexts, NoticeTextsServer},
    },
    events::v1::{
        Event, HeadReply, HeadRequest, ReadReply, ReadRequest,
        events_server::{Events, EventsServer},
        head_reply::Head,
    },
    insight::v1::{
        HistoryReply, HistoryRequest, LedgerMember, LedgerMembersReply, MembersRequest, PlannedTotalsReply,
        PlannedTotalsRequest, PublicOutagesReply, PublicOutagesRequest, StepMembersRequest, WhyOffReply,
        WhyOffRequest,
        insight_server::{Insight, InsightServer},
    },
    intake::v1 as intake,
    intake::v1::intake_server::{Intake, IntakeServer},
    registry::v1 as registry,
    registry::v1::{
        customer_areas_server::{CustomerAreas, CustomerAreasServer},
        registry_server::{Registry, RegistryServer},
        set_members_server::{SetMembers, SetMembersServer},
    },
};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status};
use uuid::Uuid;

/// What the neighbours know.
#[derive(Default)]
pub(crate) struct Known {
    pub(crate) contacts: Vec<registry::Contact>,
    /// By incident.
    pub(crate) reporters: Vec<(Uuid, intake::ReporterContact)>,
    /// (version, members) by incident.
    pub(crate) members: HashMap<Uuid, (u64, Vec<LedgerMember>)>,
    pub(crate) steps: HashMap<Uuid, Vec<LedgerMember>>,
    pub(crate) events: Vec<Event>,
    /// Affected sets.
    pub(crate) sets: HashMap<Uuid, Vec<registry::Member>>,
    /// Members in one page of a set; 0: two.
    pub(crate) set_page: usize,
    /// What arrears says of a case.
    pub(crate) texts: HashMap<Uuid, TextOfReply>,
    /// How many debts were asked about, in each question for many and one by one.
    pub(crate) batches: Vec<usize>,
    pub(crate) alone: usize,
    /// How many customers were named in each question about members of a set.
    pub(crate) among: Vec<usize>,
    /// Where customers are at home who are not in 33/01.
    pub(crate) at_home: HashMap<Uuid, Vec<String>>,
}

#[derive(Clone, Default)]
pub(crate) struct Town(Arc<Mutex<Known>>);

impl Town {
    pub(crate) fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) async fn serve(
        &self,
        listener: TcpListener,
        guard: grpc::Guard,
        stop: CancellationToken,
    ) -> anyhow::Result<()> {
        let mut routes = grpc::routes().await;
        routes
            .add_service(RegistryServer::with_interceptor(self.clone(), guard.clone()))
            .add_service(CustomerAreasServer::with_interceptor(self.clone(), guard.clone()))
            .add_service(IntakeServer::with_interceptor(self.clone(), guard.clone()))
            .add_service(InsightServer::with_interceptor(self.clone(), guard.clone()))
            .add_service(NoticeTextsServer::with_interceptor(self.clone(), guard.clone()))
            .add_service(NoticeTextBatchesServer::with_interceptor(
                self.clone(),
                guard.clone(),
            ))
            .add_service(SetMembersServer::with_interceptor(self.clone(), guard.clone()))
            .add_service(EventsServer::with_interceptor(self.clone(), guard));
        grpc::serve(listener, routes.routes(), None, stop).await
    }
}

fn of_notify<T>(request: Request<T>) -> Result<T, Status> {
    let claims: Claims = wire::caller(&request)?;
    if !claims.is_service("notify") {
        return Err(Status::permission_denied("for notify only"));
    }
    Ok(request.into_inner())
}

fn absent<T>() -> Result<Response<T>, Status> {
    Err(Status::unimplemented("notify does not ask this"))
}

/// Two a page, so that paging is seen.
fn page(members: &[LedgerMember], after: &str) -> LedgerMembersReply {
    let start = if after.is_empty() {
        0
    } else {
        after.parse().unwrap_or(0)
    };
    let end = members.len().min(start + 2);
    LedgerMembersReply {
        members: members[start..end].to_vec(),
        next_after: if end < members.len() {
            end.to_string()
        } else {
            String::new()
        },
        etr_at: None,
    }
}

#[tonic::async_trait]
impl Insight for Town {
    async fn members(
        &self,
        request: Request<MembersRequest>,
    ) -> Result<Response<LedgerMembersReply>, Status> {
        let request = of_notify(request)?;
        let known = self.known();
        let found = known.members.get(&wire_id(&request.incident_id)?);
        let (version, members) = found.ok_or_else(|| Status::unavailable("not applied yet"))?;
        if *version < request.min_incident_version {
            return Err(Status::unavailable("not applied yet"));
        }
        Ok(Response::new(page(members, &request.after)))
    }
    async fn step_members(
        &self,
        request: Request<StepMembersRequest>,
    ) -> Result<Response<LedgerMembersReply>, Status> {
        let request = of_notify(request)?;
        let known = self.known();
        let members = known
            .steps
            .get(&wire_id(&request.step_id)?)
            .cloned()
            .unwrap_or_default();
        Ok(Response::new(page(&members, &request.after)))
    }
    async fn why_off(&self, _: Request<WhyOffRequest>) -> Result<Response<WhyOffReply>, Status> {
        absent()
    }
    async fn history(&self, _: Request<HistoryRequest>) -> Result<Response<HistoryReply>, Status> {
        absent()
    }
    async fn planned_totals(
        &self,
        _: Request<PlannedTotalsRequest>,
    ) -> Result<Response<PlannedTotalsReply>, Status> {
        absent()
    }
    async fn public_outages(
        &self,
        _: Request<PublicOutagesRequest>,
    ) -> Result<Response<PublicOutagesReply>, Status> {
        absent()
    }
}

fn wire_id(text: &str) -> Result<Uuid, Status> {
    Uuid::parse_str(text).map_err(|_| Status::invalid_argument("no id"))
}

#[tonic::async_trait]
impl Intake for Town {
    async fn reporters(
        &self,
        request: Request<intake::ReportersRequest>,
    ) -> Result<Response<intake::ReportersReply>, Status> {
        let request = of_notify(request)?;
        let known = self.known();
        let wanted = known.reporters.iter().filter(|(incident, reporter)| {
            incident.to_string() == request.incident_id || reporter.report_id == request.report_id
        });
        let reporters = wanted.map(|(_, reporter)| reporter.clone()).collect();
        Ok(Response::new(intake::ReportersReply { reporters }))
    }
    async fn accept_report(
        &self,
        _: Request<intake::AcceptReportRequest>,
    ) -> Result<Response<intake::Report>, Status> {
        absent()
    }
    async fn get_report(
        &self,
        _: Request<intake::GetReportRequest>,
    ) -> Result<Response<intake::Report>, Status> {
        absent()
    }
    async fn list_reports(
        &self,
        _: Request<intake::ListReportsRequest>,
    ) -> Result<Response<intake::ListReportsReply>, Status> {
        absent()
    }
    async fn urge(&self, _: Request<intake::UrgeRequest>) -> Result<Response<intake::Report>, Status> {
        absent()
    }
    async fn get_incident(
        &self,
        _: Request<intake::GetIncidentRequest>,
    ) -> Result<Response<intake::Incident>, Status> {
        absent()
    }
    async fn list_incidents(
        &self,
        _: Request<intake::ListIncidentsRequest>,
    ) -> Result<Response<intake::ListIncidentsReply>, Status> {
        absent()
    }
    async fn confirm_device(
        &self,
        _: Request<intake::ConfirmDeviceRequest>,
    ) -> Result<Response<intake::Incident>, Status> {
        absent()
    }
}

#[tonic::async_trait]
impl Registry for Town {
    type GridSnapshotStream = futures_util::stream::Empty<Result<registry::GridSnapshotChunk, Status>>;

    async fn contacts(
        &self,
        request: Request<registry::ContactsRequest>,
    ) -> Result<Response<registry::ContactsReply>, Status> {
        let request = of_notify(request)?;
        let known = self.known();
        let asked: HashSet<&str> = request.customer_ids.iter().map(String::as_str).collect();
        let wanted = known
            .contacts
            .iter()
            .filter(|one| asked.contains(one.customer_id.as_str()));
        Ok(Response::new(registry::ContactsReply {
            contacts: wanted.cloned().collect(),
        }))
    }
    async fn get_customer(
        &self,
        _: Request<registry::GetCustomerRequest>,
    ) -> Result<Response<registry::Customer>, Status> {
        absent()
    }
    async fn search_customers(
        &self,
        _: Request<registry::SearchCustomersRequest>,
    ) -> Result<Response<registry::SearchCustomersReply>, Status> {
        absent()
    }
    async fn get_service_point(
        &self,
        _: Request<registry::GetServicePointRequest>,
    ) -> Result<Response<registry::ServicePoint>, Status> {
        absent()
    }
    async fn list_service_points(
        &self,
        _: Request<registry::ListServicePointsRequest>,
    ) -> Result<Response<registry::ListServicePointsReply>, Status> {
        absent()
    }
    async fn match_contact(
        &self,
        _: Request<registry::MatchContactRequest>,
    ) -> Result<Response<registry::MatchContactReply>, Status> {
        absent()
    }
    async fn grid_snapshot(
        &self,
        _: Request<registry::GridSnapshotRequest>,
    ) -> Result<Response<Self::GridSnapshotStream>, Status> {
        absent()
    }
    async fn create_affected_set(
        &self,
        _: Request<registry::CreateAffectedSetRequest>,
    ) -> Result<Response<registry::AffectedSet>, Status> {
        absent()
    }
    async fn get_affected_set(
        &self,
        _: Request<registry::GetAffectedSetRequest>,
    ) -> Result<Response<registry::AffectedSet>, Status> {
        absent()
    }
    async fn members(
        &self,
        request: Request<registry::MembersRequest>,
    ) -> Result<Response<registry::MembersReply>, Status> {
        let request = of_notify(request)?;
        let known = self.known();
        let members = known.sets.get(&wire_id(&request.set_id)?);
        let members = members.ok_or_else(|| Status::not_found("no such set"))?;
        if request.at.is_none() {
            let must = "notify tells whoever has the service point now, not who had it when the set was made";
            return Err(Status::invalid_argument(must));
        }
        let members: Vec<registry::Member> = members
            .iter()
            .filter(|member| member.own_generation || !request.own_generation)
            .cloned()
            .collect();
        let start = request.after.parse().unwrap_or(0).min(members.len());
        let end = members.len().min(start + known.set_page.max(2));
        let next_after = if end < members.len() {
            end.to_string()
        } else {
            String::new()
        };
        Ok(Response::new(registry::MembersReply {
            members: members[start..end].to_vec(),
            next_after,
        }))
    }
    async fn list_devices(
        &self,
        _: Request<registry::ListDevicesRequest>,
    ) -> Result<Response<registry::ListDevicesReply>, Status> {
        absent()
    }
}

#[tonic::async_trait]
impl CustomerAreas for Town {
    async fn areas_of(
        &self,
        request: Request<registry::AreasOfRequest>,
    ) -> Result<Response<registry::AreasOfReply>, Status> {
        let request = of_notify(request)?;
        let known = self.known();
        let known = known.at_home.get(&wire_id(&request.customer_id)?);
        Ok(Response::new(registry::AreasOfReply {
            org_paths: known.cloned().unwrap_or_else(|| vec!["33/01".to_owned()]),
        }))
    }
}

#[tonic::async_trait]
impl NoticeTexts for Town {
    async fn text_of(&self, request: Request<TextOfRequest>) -> Result<Response<TextOfReply>, Status> {
        let request = of_notify(request)?;
        let mut known = self.known();
        known.alone += 1;
        let text = known.texts.get(&wire_id(&request.case_id)?);
        text.cloned()
            .map(Response::new)
            .ok_or_else(|| Status::not_found("no such case"))
    }
}

#[tonic::async_trait]
impl NoticeTextBatches for Town {
    async fn texts_of(&self, request: Request<TextsOfRequest>) -> Result<Response<TextsOfReply>, Status> {
        let request = of_notify(request)?;
        let mut known = self.known();
        known.batches.push(request.notices.len());
        let mut texts = HashMap::new();
        for notice in request.notices {
            let text = known.texts.get(&wire_id(&notice.case_id)?).cloned();
            texts.extend(text.map(|text| (notice.notice_id, text)));
        }
        Ok(Response::new(TextsOfReply { texts }))
    }
}

#[tonic::async_trait]
impl SetMembers for Town {
    async fn among(
        &self,
        request: Request<registry::MembersAmongRequest>,
    ) -> Result<Response<registry::MembersReply>, Status> {
        let request = of_notify(request)?;
        let mut known = self.known();
        known.among.push(request.customer_ids.len());
        let members = known.sets.get(&wire_id(&request.set_id)?);
        let members = members.ok_or_else(|| Status::not_found("no such set"))?;
        let named = |member: &&registry::Member| request.customer_ids.contains(&member.customer_id);
        Ok(Response::new(registry::MembersReply {
            members: members.iter().filter(named).cloned().collect(),
            next_after: String::new(),
        }))
    }
}

/// Every source is this town: all five readers apply the same events, so each comes five times.
#[tonic::async_trait]
impl Events for Town {
    async fn head(&self, _: Request<HeadRequest>) -> Result<Response<HeadReply>, Status> {
        let seq = self.known().events.len() as u64;
        let heads = (0..4).map(|partition| Head {
            partition,
            seq: if partition == 0 { seq } else { 0 },
        });
        Ok(Response::new(HeadReply {
            heads: heads.collect(),
        }))
    }
    async fn read(&self, request: Request<ReadRequest>) -> Result<Response<ReadReply>, Status> {
        let request = request.into_inner();
        let known = self.known();
        let events: Vec<Event> = known
            .events
            .iter()
            .filter(|e| request.partition == 0 && e.seq > request.after)
            .cloned()
            .collect();
        Ok(Response::new(ReadReply {
            events,
            head: known.events.len() as u64,
            oldest: 1,
        }))
    }
}
