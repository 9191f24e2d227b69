//! Arrears on site: a notice served by a visit, leave for one meter fetched online, the cut with its photos, supply back.
//!
//! A cut needs a signal, or a code the desk reads out: one that was done without either is recorded as what it may be, a
//! wrongful one. A proof of service may be sent later: it has its own time.

use axum::{Json, extract::State};
use chrono::{DateTime, Utc};
use relight_common::{
    ask,
    edge::{Body, Caller, Params, Problem, Segment, at},
    wire::{instant, timestamp, uuid},
};
use relight_proto::{
    arrears::v1::{
        ApplyRequest, Case, Cut, ListCasesRequest, Reconnect, ReleaseRequest, Serve, apply_request::Event,
    },
    common::v1::{PageRequest, Point},
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use crate::{app::App, session::crew_of};

/// Cases on a phone's list, at most.
const SHOWN_MAX: u32 = 200;

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(cases))
        .routes(routes!(visits))
        .routes(routes!(serve))
        .routes(routes!(release))
        .routes(routes!(cut))
        .routes(routes!(reconnect))
}

/// A case as the crew sees it: nothing of the debt.
#[derive(Debug, Serialize, ToSchema)]
struct FieldCase {
    case_id: String,
    /// Spoken number.
    number: String,
    /// As in the arrears contract. Only `pre_noticed` may be cut; `reconnect_ordered` and `wrongful` get supply back.
    state: String,
    /// Kind of customer or supply.
    class: String,
    /// What that asks of a cut: `manager`, `filing`, `occupants`, `visit`, `safe_shutdown`, `exception`, `never`
    needs: Vec<String>,
    /// Number of the notice, for the address and the customer's name.
    notice_number: String,
    /// IANA zone of the place.
    zone: String,
    /// When the notice has to be served, at the latest.
    serve_by: Option<DateTime<Utc>>,
    /// When supply is to stop.
    stop_at: Option<DateTime<Utc>>,
    /// Since when it is off.
    off_at: Option<DateTime<Utc>>,
    /// By when it has to be back.
    reconnect_by: Option<DateTime<Utc>>,
    /// When it was back.
    on_at: Option<DateTime<Utc>>,
    /// Off without right: supply has to come back at once.
    wrongful: bool,
    /// Only with the answer to a cut: `wrong_meter`, another meter was cut: switch on there again at once.
    warning: String,
}

impl From<Case> for FieldCase {
    fn from(case: Case) -> Self {
        Self {
            case_id: case.case_id,
            number: case.number,
            state: case.state,
            class: case.class,
            needs: case.needs,
            notice_number: case.notice_number,
            zone: case.zone,
            serve_by: at(case.serve_by),
            stop_at: at(case.stop_at),
            off_at: at(case.off_at),
            reconnect_by: at(case.reconnect_by),
            on_at: at(case.on_at),
            wrongful: case.wrongful,
            warning: case.warning,
        }
    }
}

/// What is to be done on site.
#[derive(Debug, Serialize, ToSchema)]
struct FieldCases {
    /// At most 200, the newest first.
    cases: Vec<FieldCase>,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct CasesParams {
    /// `pre_noticed`, `reconnect_ordered`, `wrongful` or another state.
    state: String,
}

/// Cases of the crew's area in one state.
#[utoipa::path(get, path = "/m/v1/arrears/cases", tag = "arrears", params(CasesParams), security(("session" = [])),
    responses((status = 200, description = "The cases", body = FieldCases)))]
async fn cases(
    State(app): State<App>,
    caller: Caller,
    Params(params): Params<CasesParams>,
) -> Result<Json<FieldCases>, Problem> {
    crew_of(&caller)?;
    let message = ListCasesRequest {
        state: params.state,
        page: first_page(),
        ..ListCasesRequest::default()
    };
    let reply = ask!(app.edge(), &caller.claims, app.arrears(), list_cases, message).await?;
    let cases = reply.cases.into_iter().map(FieldCase::from).collect();
    Ok(Json(FieldCases { cases }))
}

fn first_page() -> Option<PageRequest> {
    Some(PageRequest {
        cursor: String::new(),
        size: SHOWN_MAX,
    })
}

/// Visits to make: notices of the crew's area that have to be served, the one that has to be served first comes first.
#[utoipa::path(get, path = "/m/v1/arrears/visits", tag = "arrears", security(("session" = [])),
    responses((status = 200, description = "The cases, by `serve_by`", body = FieldCases)))]
async fn visits(State(app): State<App>, caller: Caller) -> Result<Json<FieldCases>, Problem> {
    crew_of(&caller)?;
    let message = ListCasesRequest {
        to_serve: true,
        page: first_page(),
        ..ListCasesRequest::default()
    };
    let reply = ask!(app.edge(), &caller.claims, app.arrears(), list_cases, message).await?;
    let cases = reply.cases.into_iter().map(FieldCase::from).collect();
    Ok(Json(FieldCases { cases }))
}

/// How a notice is served by a visit.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Visit {
    /// Handed over, and the receipt signed.
    SignedReceipt,
    /// Left at the door before a witness.
    PostedWithWitness,
}

impl Visit {
    fn word(self) -> &'static str {
        match self {
            Visit::SignedReceipt => "signed_receipt",
            Visit::PostedWithWitness => "posted_with_witness",
        }
    }
}

/// The proof of a visit.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct FieldServe {
    /// The phone's id of it; the same id again is the same service.
    id: Uuid,
    /// How.
    method: Visit,
    /// When the customer got it, by the phone's clock.
    served_at: DateTime<Utc>,
    /// The phone's clock now: the difference to ours corrects the time above.
    device_now: DateTime<Utc>,
    /// Where, (lon, lat) WGS84 degrees.
    position: (f64, f64),
    /// SHA-256 of the photo taken there, hex.
    photo_sha256: String,
    /// Who took it, or why nobody did.
    received_by: String,
    /// SHA-256 of the signature, hex, with a signed receipt.
    #[serde(default)]
    signature_sha256: String,
    /// Who saw it left at the door.
    #[serde(default)]
    witness: String,
    /// Receipt of the copy at the authority, where the class needs one.
    #[serde(default)]
    filing_receipt: String,
    /// When that was given.
    #[serde(default)]
    filed_at: Option<DateTime<Utc>>,
    /// How the occupants of a shared supply were told.
    #[serde(default)]
    occupants: String,
}

/// Records that a notice was served by a visit, with its proof. Which evidence the method needs is said field by field.
#[utoipa::path(post, path = "/m/v1/arrears/cases/{id}/serve", tag = "arrears", security(("session" = [])),
    params(("id" = Uuid, Path, description = "Case id")), request_body = FieldServe,
    responses((status = 200, description = "The case after it", body = FieldCase)))]
async fn serve(
    State(app): State<App>,
    caller: Caller,
    Segment(case): Segment,
    Body(body): Body<FieldServe>,
) -> Result<Json<FieldCase>, Problem> {
    crew_of(&caller)?;
    uuid("id", &case)?;
    let served_at = corrected(&app, ("served_at", body.served_at), body.device_now)?;
    let photos_stored = app.photos().stored([body.photo_sha256.as_str()]);
    let (lon, lat) = body.position;
    let event = Event::Serve(Serve {
        method: body.method.word().to_owned(),
        served_at: Some(timestamp(served_at)),
        position: Some(Point { lon, lat }),
        photo_sha256: body.photo_sha256,
        received_by: body.received_by,
        signature_sha256: body.signature_sha256,
        witness: body.witness,
        filing_receipt: body.filing_receipt,
        filed_at: body.filed_at.map(timestamp),
        occupants: body.occupants,
        record: String::new(),
        call: None,
    });
    apply(&app, &caller, (body.id, photos_stored), case, event).await
}

/// A moment of the phone by our clock; never ahead of it.
fn corrected(
    app: &App,
    (field, device_at): (&'static str, DateTime<Utc>),
    device_now: DateTime<Utc>,
) -> Result<DateTime<Utc>, Problem> {
    instant("device_now", Some(timestamp(device_now)))?;
    instant(field, Some(timestamp(device_at)))?;
    let now = app.clock().now();
    Ok((device_at + (now - device_now)).min(now))
}

/// Asks for leave to cut.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct AskLeave {
    /// The phone's id of this question; the same id again gets the same answer.
    id: Uuid,
    /// As scanned from the meter on the wall.
    scanned_meter_no: String,
}

/// Leave to cut this one meter now.
#[derive(Debug, Serialize, ToSchema)]
struct Leave {
    /// To be sent with the cut. Good once.
    release: String,
    /// Its end, at most five minutes ahead; after it nobody cuts.
    expires_at: Option<DateTime<Utc>>,
}

/// Leave to cut one meter: the balance, the notice, the last warning, the class and the premises are checked now. Only
/// online, at most five minutes old, for the meter that was scanned.
#[utoipa::path(post, path = "/m/v1/arrears/cases/{id}/release", tag = "arrears", security(("session" = [])),
    params(("id" = Uuid, Path, description = "Case id")), request_body = AskLeave,
    responses((status = 200, description = "The leave", body = Leave)))]
async fn release(
    State(app): State<App>,
    caller: Caller,
    Segment(case): Segment,
    Body(body): Body<AskLeave>,
) -> Result<Json<Leave>, Problem> {
    crew_of(&caller)?;
    uuid("id", &case)?;
    let message = ReleaseRequest {
        command_id: body.id.to_string(),
        case_id: case,
        scanned_meter_no: body.scanned_meter_no,
        spoken: false,
    };
    let reply = ask!(app.edge(), &caller.claims, app.arrears(), release, message).await?;
    Ok(Json(Leave {
        release: reply.release,
        expires_at: at(reply.expires_at),
    }))
}

/// A cut.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct FieldCut {
    /// The phone's id of it; the same id again is the same cut.
    id: Uuid,
    /// The leave, or the code the desk read out.
    release: String,
    /// As scanned from the meter on the wall.
    scanned_meter_no: String,
    /// The second person on site.
    second: String,
    /// SHA-256 of the photo before, hex. Its bytes are uploaded before the cut.
    photo_before_sha256: String,
    /// SHA-256 of the photo after, hex. With `done_at` its bytes may follow.
    photo_after_sha256: String,
    /// Nobody there is in danger by it.
    nobody_at_risk: bool,
    /// When the supply was cut, by the phone's clock. Left out: it is still on, and is cut only if the answer is yes.
    #[serde(default)]
    done_at: Option<DateTime<Utc>>,
    /// The phone's clock now: the difference to ours corrects the time above.
    device_now: DateTime<Utc>,
    /// Where the phone is, (lon, lat) WGS84 degrees: a wrong meter is found again by it.
    #[serde(default)]
    position: Option<(f64, f64)>,
}

/// Records a cut. One that had no valid leave when it was done, or is told later than a minute without a code the desk read
/// out, is recorded all the same: as possibly wrongful, and supply has to come back at once. One told after a payment is
/// lawful when the phone's clock is right and shows that it was done three minutes before the payment at least. One at
/// another meter is wrongful for whoever that meter supplies.
#[utoipa::path(post, path = "/m/v1/arrears/cases/{id}/cut", tag = "arrears", security(("session" = [])),
    params(("id" = Uuid, Path, description = "Case id")), request_body = FieldCut,
    responses((status = 200, description = "The case after it: look at `wrongful`", body = FieldCase)))]
async fn cut(
    State(app): State<App>,
    caller: Caller,
    Segment(case): Segment,
    Body(body): Body<FieldCut>,
) -> Result<Json<FieldCase>, Problem> {
    crew_of(&caller)?;
    uuid("id", &case)?;
    let named = [body.photo_before_sha256.as_str(), &body.photo_after_sha256];
    let photos_stored = app.photos().stored(named);
    let done_at = body
        .done_at
        .map(|at| corrected(&app, ("done_at", at), body.device_now))
        .transpose()?;
    let event = Event::Cut(Cut {
        release: body.release,
        scanned_meter_no: body.scanned_meter_no,
        second: body.second,
        photo_before_sha256: body.photo_before_sha256,
        photo_after_sha256: body.photo_after_sha256,
        nobody_at_risk: body.nobody_at_risk,
        done_at: done_at.map(timestamp),
        told_by: String::new(),
        position: body.position.map(|(lon, lat)| Point { lon, lat }),
        clock_off_s: Some(clock_off_s(&app, body.device_now)),
    });
    apply(&app, &caller, (body.id, photos_stored), case, event).await
}

/// How far the phone's clock is off ours, seconds; what is too far to be said is as far as can be said.
fn clock_off_s(app: &App, device_now: DateTime<Utc>) -> i32 {
    let off = (device_now - app.clock().now()).num_seconds();
    i32::try_from(off).unwrap_or(if off < 0 { i32::MIN } else { i32::MAX })
}

/// Supply is back.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct FieldReconnect {
    /// The phone's id of it; the same id again is the same reconnection.
    id: Uuid,
    /// The customer was told to switch off and that supply returns.
    customer_told: bool,
}

/// Records that supply is back.
#[utoipa::path(post, path = "/m/v1/arrears/cases/{id}/reconnect", tag = "arrears", security(("session" = [])),
    params(("id" = Uuid, Path, description = "Case id")), request_body = FieldReconnect,
    responses((status = 200, description = "The case after it", body = FieldCase)))]
async fn reconnect(
    State(app): State<App>,
    caller: Caller,
    Segment(case): Segment,
    Body(body): Body<FieldReconnect>,
) -> Result<Json<FieldCase>, Problem> {
    crew_of(&caller)?;
    uuid("id", &case)?;
    let event = Event::Reconnect(Reconnect {
        customer_told: body.customer_told,
    });
    apply(&app, &caller, (body.id, Vec::new()), case, event).await
}

async fn apply(
    app: &App,
    caller: &Caller,
    (id, photos_stored): (Uuid, Vec<String>),
    case_id: String,
    event: Event,
) -> Result<Json<FieldCase>, Problem> {
    let message = ApplyRequest {
        command_id: id.to_string(),
        case_id,
        expected_version: 0,
        photos_stored,
        event: Some(event),
    };
    let case = ask!(app.edge(), &caller.claims, app.arrears(), apply, message).await?;
    Ok(Json(case.into()))
}
