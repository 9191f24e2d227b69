//! What is kept of a planned outage: announcements as they went out, how the notice was given, the transfer sheet.

use axum::{Json, extract::State};
use chrono::{DateTime, Utc};
use relight_common::{
    Claims, ask,
    edge::{Caller, Problem, Segment, at},
    wire::uuid,
};
use relight_proto::planner::v1::{
    Countersign, GetFormRequest, NoticeCompliance, PlanRecordRequest, PublishedAnnouncement,
    TransferSheet as WireSheet,
};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    list::List,
    outages_planned::PLANNERS,
    outages_shape::{PlannedOutage, Window, Words, window},
};
use crate::app::App;

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(published))
        .routes(routes!(compliance))
        .routes(routes!(transfer))
}

/// An announcement as people read it; never changed.
#[derive(Debug, Clone, Serialize, ToSchema)]
struct Published {
    /// Of which plan.
    plan_no: u32,
    /// 1: the announcement; each further one is what the public read of this plan from its moment on.
    edition: u32,
    /// As what it counted then.
    class: String,
    /// As people were told.
    window: Option<Window>,
    /// What people read.
    words: Words,
    /// Who wrote it.
    written_by: String,
    /// Who else read it.
    approved_by: String,
    /// Who sent it out; empty: a release that did not keep it.
    announced_by: String,
    /// When.
    published_at: Option<DateTime<Utc>>,
    /// Version of the policy pack that holds for it.
    pack_version: String,
    /// When it became void; absent: it holds, or ended as told.
    void_at: Option<DateTime<Utc>>,
}

impl From<PublishedAnnouncement> for Published {
    fn from(one: PublishedAnnouncement) -> Self {
        Self {
            plan_no: one.plan_no,
            edition: one.edition,
            class: one.class,
            window: window(one.window),
            words: one.words.map(Words::from).unwrap_or_default(),
            written_by: one.written_by,
            approved_by: one.approved_by,
            announced_by: one.announced_by,
            published_at: at(one.published_at),
            pack_version: one.pack_version,
            void_at: at(one.void_at),
        }
    }
}

/// Customers of one class; a customer may be in several.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ClassCoverage {
    /// `important`, `life_support`, `dedicated_line`, `own_generation`, `high_voltage`, `other`
    pub class: String,
    /// How many.
    pub customers: u32,
    /// Of those, told.
    pub told: u32,
    /// Of those, in time.
    pub in_time: u32,
    /// Acknowledged, or their silence taken on.
    pub acknowledged: u32,
}

/// Effective proofs of one kind and channel.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ProofCount {
    /// `notice`, `reminder`, ...
    pub kind: String,
    /// `sms`, `email`, `visit`, `post`, `call`, `community`, `esign`
    pub channel: String,
    /// How many.
    pub count: u32,
}

/// How the notice of a plan was given. Once it is archived: as it was found then.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Compliance {
    /// Of which plan.
    pub plan_no: u32,
    /// By class.
    pub classes: Vec<ClassCoverage>,
    /// By kind and channel.
    pub proofs: Vec<ProofCount>,
    /// When it was announced.
    pub published_at: Option<DateTime<Utc>>,
    /// First effective notice.
    pub first_told_at: Option<DateTime<Utc>>,
    /// The last of the first effective notices.
    pub last_told_at: Option<DateTime<Utc>>,
    /// Whether the law carries the window with these notices.
    pub lead_kept: bool,
    /// Its arithmetic.
    pub law: String,
    /// Version of the policy pack.
    pub pack_version: String,
    /// Told later than the lead asks for.
    pub told_late: u32,
    /// Moved in after the announcement.
    pub late_joiners: u32,
    /// Reached by nobody.
    pub not_told: u32,
    /// Proofs that were somebody else's.
    pub proofs_void: u32,
    /// When it was archived; absent: not yet.
    pub archived_at: Option<DateTime<Utc>>,
    /// What was written at the end.
    pub note: String,
}

impl From<NoticeCompliance> for Compliance {
    fn from(one: NoticeCompliance) -> Self {
        let classes = one.classes.into_iter().map(|of| ClassCoverage {
            class: of.class,
            customers: of.customers,
            told: of.told,
            in_time: of.in_time,
            acknowledged: of.acknowledged,
        });
        let proofs = one.proofs.into_iter().map(|of| ProofCount {
            kind: of.kind,
            channel: of.channel,
            count: of.count,
        });
        Self {
            plan_no: one.plan_no,
            classes: classes.collect(),
            proofs: proofs.collect(),
            published_at: at(one.published_at),
            first_told_at: at(one.first_told_at),
            last_told_at: at(one.last_told_at),
            lead_kept: one.lead_kept,
            law: one.law,
            pack_version: one.pack_version,
            told_late: one.told_late,
            late_joiners: one.late_joiners,
            not_told: one.not_told,
            proofs_void: one.proofs_void,
            archived_at: at(one.archived_at),
            note: one.note,
        }
    }
}

/// One way of the plan to a department and back.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Transfer {
    /// `dispatch`, `equipment`, `marketing`, `supply_station`
    pub department: String,
    /// Who sent it.
    pub sent_by: String,
    /// When.
    pub sent_at: Option<DateTime<Utc>>,
    /// Who took it.
    pub received_by: String,
    /// When.
    pub received_at: Option<DateTime<Utc>>,
}

impl From<Countersign> for Transfer {
    fn from(one: Countersign) -> Self {
        Self {
            department: one.department,
            sent_by: one.sent_by,
            sent_at: at(one.sent_at),
            received_by: one.received_by,
            received_at: at(one.received_at),
        }
    }
}

/// What is handed to the hotline and the halls (停电信息传递表).
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct TransferSheet {
    /// The outage: number, plan, class, unit, line and devices, area, reason, planned and actual times, approver, state.
    pub outage: PlannedOutage,
    /// Customers affected.
    pub customers: u32,
    /// Who was told and how.
    pub compliance: Compliance,
    /// Every end people were told, the first first.
    pub ends_told: Vec<DateTime<Utc>>,
    /// To whom the present plan was handed, and when.
    pub transfers: Vec<Transfer>,
    /// When this sheet was made.
    pub made_at: Option<DateTime<Utc>>,
}

impl TransferSheet {
    pub(crate) fn of(sheet: WireSheet, transfers: Vec<Countersign>) -> Self {
        let outage = PlannedOutage::from(sheet.outage.unwrap_or_default());
        let ends = sheet.ends_told.into_iter().filter_map(|end| at(Some(end)));
        let of_this = transfers.into_iter().filter(|one| one.plan_no == outage.plan_no);
        Self {
            transfers: of_this.map(Transfer::from).collect(),
            customers: sheet.customers,
            compliance: sheet.compliance.unwrap_or_default().into(),
            ends_told: ends.collect(),
            made_at: at(sheet.made_at),
            outage,
        }
    }
}

/// The sheet of an outage, with the way it took through the departments.
pub(crate) async fn sheet(app: &App, claims: &Claims, id: &str) -> Result<TransferSheet, Problem> {
    let outage_id = uuid("id", id)?.to_string();
    let message = PlanRecordRequest {
        outage_id: outage_id.clone(),
    };
    let sheet = ask!(app.edge(), claims, app.to().plan_records, sheet, message).await?;
    let message = GetFormRequest { outage_id };
    let form = ask!(app.edge(), claims, app.to().plan_forms, get, message).await?;
    Ok(TransferSheet::of(sheet, form.countersigns))
}

/// Every announcement of a planned outage as people read it, who wrote it and who read it before.
#[utoipa::path(get, path = "/api/v1/planned-outages/{id}/announcements", tag = "planned outages", security(("session" = [])),
    params(("id" = Uuid, Path, description = "Outage id")),
    responses((status = 200, description = "The first first", body = List<Published>)))]
async fn published(
    State(app): State<App>,
    caller: Caller,
    Segment(id): Segment,
) -> Result<Json<List<Published>>, Problem> {
    let claims = caller.need(&PLANNERS)?;
    let message = PlanRecordRequest {
        outage_id: uuid("id", &id)?.to_string(),
    };
    let reply = ask!(app.edge(), claims, app.to().plan_records, published, message).await?;
    Ok(Json(List::of(reply.announcements, String::new())))
}

/// How the notice of a planned outage was given: coverage by class, proofs, lead, who was told late.
#[utoipa::path(get, path = "/api/v1/planned-outages/{id}/compliance", tag = "planned outages", security(("session" = [])),
    params(("id" = Uuid, Path, description = "Outage id")),
    responses((status = 200, description = "As found now, or when it was archived", body = Compliance)))]
async fn compliance(
    State(app): State<App>,
    caller: Caller,
    Segment(id): Segment,
) -> Result<Json<Compliance>, Problem> {
    let claims = caller.need(&PLANNERS)?;
    let message = PlanRecordRequest {
        outage_id: uuid("id", &id)?.to_string(),
    };
    let reply = ask!(app.edge(), claims, app.to().plan_records, compliance, message).await?;
    Ok(Json(reply.into()))
}

/// The transfer sheet (停电信息传递表) for the hotline and the halls; `/transfer-sheets/{id}` prints it.
#[utoipa::path(get, path = "/api/v1/planned-outages/{id}/transfer-sheet", tag = "planned outages", security(("session" = [])),
    params(("id" = Uuid, Path, description = "Outage id")),
    responses((status = 200, description = "The sheet", body = TransferSheet)))]
async fn transfer(
    State(app): State<App>,
    caller: Caller,
    Segment(id): Segment,
) -> Result<Json<TransferSheet>, Problem> {
    let claims = caller.need(&PLANNERS)?;
    Ok(Json(sheet(&app, claims, &id).await?))
}
