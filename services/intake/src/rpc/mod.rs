//! The wire: who may ask what, requests into commands, answers back.

pub(crate) mod accept;
mod checks;
mod closing;
pub(crate) mod confirm;
pub(crate) mod danger;
mod hand;
mod inferences;
pub(crate) mod judge;
mod owner;
mod read;
mod replays;
mod signals;
pub(crate) mod together;
mod triage;
mod urge;

use std::{pin::Pin, sync::Arc};

pub(crate) use inferences::BEFORE;

use futures_util::{Stream, stream};
use relight_common::{Claims, Role, error::refuse, wire};
use relight_proto::intake::v1::{
    self as pb, danger_tasks_server::DangerTasks, inferences_server::Inferences, intake_server::Intake,
    replays_server::Replays, report_closings_server::ReportClosings, report_owners_server::ReportOwners,
    restoration_checks_server::RestorationChecks, signals_server::Signals, triage_server::Triage,
};
use tonic::{Request, Response, Status, Streaming};

use crate::desk::Desk;

/// Serves intake.
#[derive(Debug, Clone)]
pub struct Api {
    desk: Arc<Desk>,
    accepting: together::Accepting,
}

impl Api {
    /// Over this desk.
    pub fn new(desk: Arc<Desk>) -> Self {
        let accepting = together::accepting(&desk);
        Self { desk, accepting }
    }
}

type Reply<T> = Result<Response<T>, Status>;

#[tonic::async_trait]
impl Intake for Api {
    async fn accept_report(&self, request: Request<pb::AcceptReportRequest>) -> Reply<pb::Report> {
        let claims = wire::caller(&request)?;
        claims.need(&accept::REPORTERS)?;
        let done = accept::accept(&self.desk, &self.accepting, &claims, &request.into_inner()).await;
        done.map(Response::new).map_err(refuse("intake"))
    }

    async fn urge(&self, request: Request<pb::UrgeRequest>) -> Reply<pb::Report> {
        let claims = wire::caller(&request)?;
        claims.need(&urge::URGERS)?;
        let done = urge::urge(&self.desk, &claims, &request.into_inner()).await;
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

/// Replies to batches of signals, each as soon as its batch is stored.
type SignalReplies = Pin<Box<dyn Stream<Item = Result<pb::SignalsReply, Status>> + Send>>;

#[tonic::async_trait]
impl Signals for Api {
    type StreamStream = SignalReplies;

    async fn send(&self, request: Request<pb::SignalBatch>) -> Reply<pb::SignalsReply> {
        let claims = wire::caller(&request)?;
        claims.need(&signals::SENDERS)?;
        let done = signals::take(&self.desk, &claims, &request.into_inner()).await;
        done.map(Response::new).map_err(refuse("intake"))
    }

    async fn stream(&self, request: Request<Streaming<pb::SignalBatch>>) -> Reply<SignalReplies> {
        let claims = wire::caller(&request)?;
        claims.need(&signals::SENDERS)?;
        let state = (self.desk.clone(), claims, request.into_inner());
        Ok(Response::new(Box::pin(stream::unfold(Some(state), next_batch))))
    }
}

type Incoming = (Arc<Desk>, Claims, Streaming<pb::SignalBatch>);

/// Takes the next batch of a stream; the first refusal ends it.
async fn next_batch(state: Option<Incoming>) -> Option<(Result<pb::SignalsReply, Status>, Option<Incoming>)> {
    let (desk, claims, mut incoming) = state?;
    match incoming.message().await {
        Ok(Some(batch)) => match signals::take(&desk, &claims, &batch).await {
            Ok(reply) => Some((Ok(reply), Some((desk, claims, incoming)))),
            Err(error) => Some((Err(refuse("intake")(error)), None)),
        },
        Ok(None) => None,
        Err(status) => Some((Err(status), None)),
    }
}

#[tonic::async_trait]
impl Inferences for Api {
    async fn get(&self, request: Request<pb::GetInferenceRequest>) -> Reply<pb::Inference> {
        let claims = wire::caller(&request)?;
        claims.need(&read::INCIDENT_READERS)?;
        let done = inferences::get(&self.desk, &claims, &request.into_inner()).await;
        done.map(Response::new).map_err(refuse("intake"))
    }

    async fn pings_wanted(&self, request: Request<pb::PingsWantedRequest>) -> Reply<pb::PingsWantedReply> {
        let claims = wire::caller(&request)?;
        claims.need(&inferences::PINGERS)?;
        let done = inferences::pings(&self.desk, &claims).await;
        done.map(Response::new).map_err(refuse("intake"))
    }

    async fn evidence(&self, request: Request<pb::EvidenceRequest>) -> Reply<pb::EvidenceReply> {
        let claims = wire::caller(&request)?;
        claims.need(&read::INCIDENT_READERS)?;
        let done = inferences::evidence(&self.desk, &claims, &request.into_inner()).await;
        done.map(Response::new).map_err(refuse("intake"))
    }

    async fn replay(&self, request: Request<pb::ReplayRequest>) -> Reply<pb::ReplayReply> {
        let claims = wire::caller(&request)?;
        claims.need(&read::INCIDENT_READERS)?;
        let done = inferences::again(&self.desk, &claims, &request.into_inner()).await;
        done.map(Response::new).map_err(refuse("intake"))
    }

    async fn overrule(&self, request: Request<pb::OverruleRequest>) -> Reply<pb::Incident> {
        let claims = wire::caller(&request)?;
        claims.need(&[Role::Dispatcher])?;
        let done = hand::overrule(&self.desk, &claims, &request.into_inner()).await;
        done.map(Response::new).map_err(refuse("intake"))
    }

    async fn undo_overrule(&self, request: Request<pb::UndoOverruleRequest>) -> Reply<pb::Incident> {
        let claims = wire::caller(&request)?;
        claims.need(&[Role::Dispatcher])?;
        let done = hand::undo(&self.desk, &claims, &request.into_inner()).await;
        done.map(Response::new).map_err(refuse("intake"))
    }

    async fn split(&self, request: Request<pb::SplitRequest>) -> Reply<pb::Incident> {
        let claims = wire::caller(&request)?;
        claims.need(&[Role::Dispatcher])?;
        let done = hand::split(&self.desk, &claims, &request.into_inner()).await;
        done.map(Response::new).map_err(refuse("intake"))
    }

    async fn merge(&self, request: Request<pb::MergeRequest>) -> Reply<pb::Incident> {
        let claims = wire::caller(&request)?;
        claims.need(&[Role::Dispatcher])?;
        let done = hand::merge(&self.desk, &claims, &request.into_inner()).await;
        done.map(Response::new).map_err(refuse("intake"))
    }

    async fn correct_link(&self, request: Request<pb::CorrectLinkRequest>) -> Reply<pb::Report> {
        let claims = wire::caller(&request)?;
        if !claims.is_service("dispatch") {
            claims.need(&hand::CORRECTORS)?;
        }
        let done = hand::correct(&self.desk, &claims, &request.into_inner()).await;
        done.map(Response::new).map_err(refuse("intake"))
    }
}

#[tonic::async_trait]
impl Replays for Api {
    async fn decision(&self, request: Request<pb::ReplayDecisionRequest>) -> Reply<pb::ReplayDecisionReply> {
        let claims = wire::caller(&request)?;
        claims.need(&read::INCIDENT_READERS)?;
        let done = replays::decision(&self.desk, &claims, &request.into_inner()).await;
        done.map(Response::new).map_err(refuse("intake"))
    }
}

#[tonic::async_trait]
impl RestorationChecks for Api {
    async fn of(&self, request: Request<pb::RestorationChecksRequest>) -> Reply<pb::RestorationChecksReply> {
        let claims = wire::caller(&request)?;
        claims.need(&read::INCIDENT_READERS)?;
        let done = checks::of(&self.desk, &claims, &request.into_inner()).await;
        done.map(Response::new).map_err(refuse("intake"))
    }
}

#[tonic::async_trait]
impl DangerTasks for Api {
    async fn list(&self, request: Request<pb::ListDangerTasksRequest>) -> Reply<pb::ListDangerTasksReply> {
        let claims = wire::caller(&request)?;
        claims.need(&danger::SEEN_BY)?;
        let done = danger::list(&self.desk, &claims, &request.into_inner()).await;
        done.map(Response::new).map_err(refuse("intake"))
    }

    async fn settle(&self, request: Request<pb::SettleDangerTaskRequest>) -> Reply<pb::DangerTask> {
        let claims = wire::caller(&request)?;
        claims.need(&danger::HELPERS)?;
        let done = danger::settle(&self.desk, &claims, &request.into_inner()).await;
        done.map(Response::new).map_err(refuse("intake"))
    }
}

#[tonic::async_trait]
impl ReportOwners for Api {
    async fn hand_over(&self, request: Request<pb::HandOverRequest>) -> Reply<pb::Report> {
        let claims = wire::caller(&request)?;
        claims.need(&owner::OWNERS)?;
        let done = owner::hand_over(&self.desk, &claims, &request.into_inner()).await;
        done.map(Response::new).map_err(refuse("intake"))
    }

    async fn own(&self, request: Request<pb::OwnReportsRequest>) -> Reply<pb::ListReportsReply> {
        let claims = wire::caller(&request)?;
        claims.need(&owner::OWNERS)?;
        let done = owner::own(&self.desk, &claims, &request.into_inner()).await;
        done.map(Response::new).map_err(refuse("intake"))
    }
}

#[tonic::async_trait]
impl ReportClosings for Api {
    async fn close(&self, request: Request<pb::CloseReportRequest>) -> Reply<pb::Report> {
        let claims = wire::caller(&request)?;
        claims.need(&closing::CLOSERS)?;
        let done = closing::close(&self.desk, &claims, &request.into_inner()).await;
        done.map(Response::new).map_err(refuse("intake"))
    }

    async fn reopen(&self, request: Request<pb::ReopenReportRequest>) -> Reply<pb::Report> {
        let claims = wire::caller(&request)?;
        claims.need(&closing::CLOSERS)?;
        let done = closing::reopen(&self.desk, &claims, &request.into_inner()).await;
        done.map(Response::new).map_err(refuse("intake"))
    }
}

#[tonic::async_trait]
impl Triage for Api {
    async fn self_helped(&self, request: Request<pb::SelfHelpRequest>) -> Reply<pb::Report> {
        let claims = wire::caller(&request)?;
        claims.need(&triage::HELPERS)?;
        let done = triage::helped(&self.desk, &claims, &request.into_inner()).await;
        done.map(Response::new).map_err(refuse("intake"))
    }

    async fn calls_wanted(&self, request: Request<pb::CallsWantedRequest>) -> Reply<pb::CallsWantedReply> {
        let claims = wire::caller(&request)?;
        claims.need(&triage::CALLS_SEEN_BY)?;
        let done = triage::calls(&self.desk, &claims).await;
        done.map(Response::new).map_err(refuse("intake"))
    }

    async fn called(&self, request: Request<pb::CalledRequest>) -> Reply<pb::CallWanted> {
        let claims = wire::caller(&request)?;
        claims.need(&triage::CALLERS)?;
        let done = triage::called(&self.desk, &claims, &request.into_inner()).await;
        done.map(Response::new).map_err(refuse("intake"))
    }

    async fn import_paper(&self, request: Request<pb::PaperBatch>) -> Reply<pb::PaperReply> {
        let claims = wire::caller(&request)?;
        claims.need(&triage::CLERKS)?;
        let done = triage::import(&self.desk, &self.accepting, &claims, &request.into_inner()).await;
        done.map(Response::new).map_err(refuse("intake"))
    }
}
