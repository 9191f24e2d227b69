//! What every handler shares: clients of the services, live sessions, the stream's hub, templates and words.

use std::sync::Arc;

use axum::extract::FromRef;
use relight_common::{
    Clock,
    edge::{Edge, Problem, photo::Photos},
    grpc::{Outgoing, Peers},
    service::Host,
};
use relight_proto::{
    access::v1::access_client::AccessClient,
    arrears::v1::{
        arrears_alarms_client::ArrearsAlarmsClient, arrears_breaches_client::ArrearsBreachesClient,
        arrears_client::ArrearsClient, case_photos_client::CasePhotosClient,
        unplaced_payments_client::UnplacedPaymentsClient,
    },
    dispatch::v1::{dispatch_client::DispatchClient, order_photos_client::OrderPhotosClient},
    insight::v1::{
        PublicOutagesReply, PublicOutagesRequest, books_client::BooksClient, insight_client::InsightClient,
        voltage_figures_client::VoltageFiguresClient,
    },
    intake::v1::{
        danger_tasks_client::DangerTasksClient, inferences_client::InferencesClient,
        intake_client::IntakeClient, replays_client::ReplaysClient,
        report_closings_client::ReportClosingsClient, report_owners_client::ReportOwnersClient,
        restoration_checks_client::RestorationChecksClient, signals_client::SignalsClient,
        triage_client::TriageClient,
    },
    notify::v1::{
        messages_client::MessagesClient, notify_client::NotifyClient, replies_client::RepliesClient,
        wrong_person_client::WrongPersonClient,
    },
    planner::v1::{
        call_records_client::CallRecordsClient, notice_tasks_client::NoticeTasksClient,
        outage_alarms_client::OutageAlarmsClient, outage_photos_client::OutagePhotosClient,
        plan_accuracy_client::PlanAccuracyClient, plan_figures_client::PlanFiguresClient,
        plan_forms_client::PlanFormsClient, plan_records_client::PlanRecordsClient,
        planner_client::PlannerClient, reliability_warnings_client::ReliabilityWarningsClient,
        safety_switch_offs_client::SafetySwitchOffsClient,
    },
    registry::v1::{
        customer_contacts_client::CustomerContactsClient, customer_numbers_client::CustomerNumbersClient,
        life_support_certificates_client::LifeSupportCertificatesClient,
        life_support_client::LifeSupportClient, links_client::LinksClient, registry_client::RegistryClient,
        switchings_client::SwitchingsClient,
    },
};
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;

use crate::{
    config::{self, Areas, Http, Notices},
    pages::Templates,
    stream::Hub,
    streets::Streets,
};

/// In a storm everybody opens the public list: it is asked for at most this often.
const OUTAGES_KEEP: std::time::Duration = std::time::Duration::from_secs(5);

/// Shared state.
#[derive(Debug, Clone)]
pub struct App(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    edge: Edge,
    clients: Clients,
    hub: Hub,
    templates: Templates,
    http: Http,
    notices: Notices,
    areas: Areas,
    clock: Clock,
    stop: CancellationToken,
    outages: Mutex<Option<(std::time::Instant, Arc<PublicOutagesReply>)>>,
    streets: Streets,
    photos: Photos,
}

/// One client per service.
#[derive(Debug, Clone)]
pub struct Clients {
    /// People and sessions.
    pub access: AccessClient<Outgoing>,
    /// Customers and the grid.
    pub registry: RegistryClient<Outgoing>,
    /// Whose contacts customers have.
    pub contacts: CustomerContactsClient<Outgoing>,
    /// By which number customers are called.
    pub numbers: CustomerNumbersClient<Outgoing>,
    /// Who depends on supply to live.
    pub life_support: LifeSupportClient<Outgoing>,
    /// Until when certificates of life support go.
    pub certificates: LifeSupportCertificatesClient<Outgoing>,
    /// The control room's seat.
    pub switchings: SwitchingsClient<Outgoing>,
    /// Where customers hang in the grid.
    pub links: LinksClient<Outgoing>,
    /// Reports and incidents.
    pub intake: IntakeClient<Outgoing>,
    /// Intake's signals of meters and telemetry.
    pub signals: SignalsClient<Outgoing>,
    /// Intake's inference.
    pub inferences: InferencesClient<Outgoing>,
    /// Decisions of the inference made again.
    pub replays: ReplaysClient<Outgoing>,
    /// What a sample said after a restoration.
    pub checks: RestorationChecksClient<Outgoing>,
    /// Reports that are no fault.
    pub closings: ReportClosingsClient<Outgoing>,
    /// Whose reports are whose.
    pub owners: ReportOwnersClient<Outgoing>,
    /// What danger asks for beside the repair.
    pub danger: DangerTasksClient<Outgoing>,
    /// Intake's triage.
    pub triage: TriageClient<Outgoing>,
    /// Orders and crews.
    pub dispatch: DispatchClient<Outgoing>,
    /// Messages.
    pub notify: NotifyClient<Outgoing>,
    /// Who was told what.
    pub messages: MessagesClient<Outgoing>,
    /// What people answered.
    pub replies: RepliesClient<Outgoing>,
    /// Contacts that are somebody else's.
    pub wrong_person: WrongPersonClient<Outgoing>,
    /// The ledger.
    pub insight: InsightClient<Outgoing>,
    /// The ledger as a book.
    pub books: BooksClient<Outgoing>,
    /// The ledger's year by voltage.
    pub voltages: VoltageFiguresClient<Outgoing>,
    /// Planned outages.
    pub planner: PlannerClient<Outgoing>,
    /// What is not where it has to be.
    pub outage_alarms: OutageAlarmsClient<Outgoing>,
    /// Calls about outages, kept by planner.
    pub calls: CallRecordsClient<Outgoing>,
    /// Figures about plans, kept by planner.
    pub plan_figures: PlanFiguresClient<Outgoing>,
    /// How plans were kept, by planner.
    pub plan_accuracy: PlanAccuracyClient<Outgoing>,
    /// What is kept of plans.
    pub plan_records: PlanRecordsClient<Outgoing>,
    /// Who is sent to tell customers.
    pub notice_tasks: NoticeTasksClient<Outgoing>,
    /// Forms of plans, kept by planner.
    pub plan_forms: PlanFormsClient<Outgoing>,
    /// Important customers with one supply left.
    pub reliability: ReliabilityWarningsClient<Outgoing>,
    /// What was switched off because of danger.
    pub safety: SafetySwitchOffsClient<Outgoing>,
    /// Debts, notices, leave to cut.
    pub arrears: ArrearsClient<Outgoing>,
    /// What the arrears desk has to look at.
    pub arrears_alarms: ArrearsAlarmsClient<Outgoing>,
    /// Cuts without right, late reconnections.
    pub breaches: ArrearsBreachesClient<Outgoing>,
    /// Payments without an account.
    pub unplaced: UnplacedPaymentsClient<Outgoing>,
    /// Photos of arrears cases.
    pub case_photos: CasePhotosClient<Outgoing>,
    /// Photos of planned outages.
    pub outage_photos: OutagePhotosClient<Outgoing>,
    /// Photos of work orders.
    pub order_photos: OrderPhotosClient<Outgoing>,
}

impl Clients {
    fn new(peers: &Peers) -> Self {
        Self {
            access: AccessClient::new(peers.to("access")),
            registry: RegistryClient::new(peers.to("registry")),
            contacts: CustomerContactsClient::new(peers.to("registry")),
            numbers: CustomerNumbersClient::new(peers.to("registry")),
            life_support: LifeSupportClient::new(peers.to("registry")),
            certificates: LifeSupportCertificatesClient::new(peers.to("registry")),
            switchings: SwitchingsClient::new(peers.to("registry")),
            links: LinksClient::new(peers.to("registry")),
            intake: IntakeClient::new(peers.to("intake")),
            signals: SignalsClient::new(peers.to("intake")),
            inferences: InferencesClient::new(peers.to("intake")),
            replays: ReplaysClient::new(peers.to("intake")),
            checks: RestorationChecksClient::new(peers.to("intake")),
            closings: ReportClosingsClient::new(peers.to("intake")),
            owners: ReportOwnersClient::new(peers.to("intake")),
            danger: DangerTasksClient::new(peers.to("intake")),
            triage: TriageClient::new(peers.to("intake")),
            dispatch: DispatchClient::new(peers.to("dispatch")),
            notify: NotifyClient::new(peers.to("notify")),
            messages: MessagesClient::new(peers.to("notify")),
            replies: RepliesClient::new(peers.to("notify")),
            wrong_person: WrongPersonClient::new(peers.to("notify")),
            insight: InsightClient::new(peers.to("insight")),
            books: BooksClient::new(peers.to("insight")),
            voltages: VoltageFiguresClient::new(peers.to("insight")),
            planner: PlannerClient::new(peers.patient("planner")),
            outage_alarms: OutageAlarmsClient::new(peers.to("planner")),
            calls: CallRecordsClient::new(peers.to("planner")),
            plan_figures: PlanFiguresClient::new(peers.to("planner")),
            plan_accuracy: PlanAccuracyClient::new(peers.to("planner")),
            plan_records: PlanRecordsClient::new(peers.to("planner")),
            notice_tasks: NoticeTasksClient::new(peers.to("planner")),
            plan_forms: PlanFormsClient::new(peers.to("planner")),
            reliability: ReliabilityWarningsClient::new(peers.to("planner")),
            safety: SafetySwitchOffsClient::new(peers.to("planner")),
            arrears: ArrearsClient::new(peers.patient("arrears")),
            arrears_alarms: ArrearsAlarmsClient::new(peers.to("arrears")),
            breaches: ArrearsBreachesClient::new(peers.to("arrears")),
            unplaced: UnplacedPaymentsClient::new(peers.to("arrears")),
            case_photos: CasePhotosClient::new(peers.to("arrears")),
            outage_photos: OutagePhotosClient::new(peers.to("planner")),
            order_photos: OrderPhotosClient::new(peers.to("dispatch")),
        }
    }
}

impl App {
    /// The state of a gateway in `host`.
    ///
    /// # Errors
    /// When the configuration or an embedded template is wrong.
    pub fn new(host: &Host) -> anyhow::Result<Self> {
        let (http, notices) = config::load()?;
        Ok(Self(Arc::new(Inner {
            edge: Edge::new(host.peers.clone(), http.limits),
            clients: Clients::new(&host.peers),
            hub: Hub::default(),
            templates: Templates::new()?,
            http,
            notices,
            areas: Areas::load()?,
            clock: host.clock.clone(),
            stop: host.stop.clone(),
            outages: Mutex::default(),
            streets: Streets::default(),
            photos: Photos::of(&host.settings)?,
        })))
    }

    /// Sessions, limits, peers.
    pub fn edge(&self) -> &Edge {
        &self.0.edge
    }
    /// Clients of the services.
    pub fn to(&self) -> &Clients {
        &self.0.clients
    }
    /// The stream's hub.
    pub fn hub(&self) -> Hub {
        self.0.hub.clone()
    }
    /// Templates.
    pub fn templates(&self) -> &Templates {
        &self.0.templates
    }
    /// Section `http`.
    pub fn http(&self) -> &Http {
        &self.0.http
    }
    /// Section `notices`.
    pub fn notices(&self) -> &Notices {
        &self.0.notices
    }
    /// Section `areas`.
    pub fn areas(&self) -> &Areas {
        &self.0.areas
    }
    /// Streets of the public list.
    pub fn streets(&self) -> &Streets {
        &self.0.streets
    }
    /// Photos and their bytes.
    pub fn photos(&self) -> &Photos {
        &self.0.photos
    }
    /// The clock.
    pub fn clock(&self) -> &Clock {
        &self.0.clock
    }
    /// Fires when the process stops.
    pub fn stop(&self) -> &CancellationToken {
        &self.0.stop
    }

    /// The public list of outages, at most 5 s old.
    ///
    /// # Errors
    /// When insight does not answer.
    pub async fn outages(&self) -> Result<Arc<PublicOutagesReply>, Problem> {
        let mut held = self.0.outages.lock().await;
        if let Some((at, reply)) = held.as_ref()
            && at.elapsed() < OUTAGES_KEEP
        {
            return Ok(reply.clone());
        }
        let claims = relight_common::Claims::anybody();
        let reply = relight_common::ask!(
            self.edge(),
            &claims,
            self.to().insight,
            public_outages,
            PublicOutagesRequest {}
        )
        .await?;
        let reply = Arc::new(reply);
        let links = &self.to().links;
        self.streets().learn(self.edge(), links, &reply.outages).await;
        *held = Some((std::time::Instant::now(), reply.clone()));
        Ok(reply)
    }
}

impl FromRef<App> for Edge {
    fn from_ref(app: &App) -> Self {
        app.edge().clone()
    }
}
