//! Photos as evidence: brought by the desk, listed by what they prove, looked at by whoever may see the case.

use axum::{
    Json,
    body::Bytes,
    extract::{DefaultBodyLimit, State, rejection::BytesRejection},
    http::{HeaderMap, StatusCode},
    response::Response,
};
use chrono::{DateTime, Utc};
use relight_common::{
    Claims, Role, ask,
    edge::{
        Caller, Params, Problem, Segment, at,
        photo::{PhotoId, Photos, Upload, show, upload},
    },
};
use relight_proto::common::v1::{ListPhotosRequest, LookRequest, Photo as WirePhoto};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use crate::app::App;

/// Whoever records a proof, and crews at a desk.
const PROVERS: [Role; 7] = [
    Role::Agent,
    Role::Manager,
    Role::Admin,
    Role::Crew,
    Role::Dispatcher,
    Role::Planner,
    Role::UnitDesk,
];

pub(super) fn routes(photos: &Photos) -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(put))
        .layer(DefaultBodyLimit::max(photos.size_max()))
        .routes(routes!(look))
        .routes(routes!(list))
        .routes(routes!(missing))
}

/// What a photo is asked for.
#[derive(Debug, Clone, Copy, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Of {
    /// Arrears case it proves something of.
    pub(crate) case_id: Option<Uuid>,
    /// Planned outage it proves something of.
    pub(crate) outage_id: Option<Uuid>,
    /// Work order it belongs to.
    pub(crate) order_id: Option<Uuid>,
}

/// Whose photo it is.
#[derive(Debug, Clone, Copy)]
enum Subject {
    Case(Uuid),
    Outage(Uuid),
    Order(Uuid),
}

impl Of {
    /// Whether nothing is named.
    pub(crate) fn is_empty(self) -> bool {
        self.case_id.is_none() && self.outage_id.is_none() && self.order_id.is_none()
    }

    fn subject(self) -> Result<Subject, Problem> {
        match (self.case_id, self.outage_id, self.order_id) {
            (Some(id), None, None) => Ok(Subject::Case(id)),
            (None, Some(id), None) => Ok(Subject::Outage(id)),
            (None, None, Some(id)) => Ok(Subject::Order(id)),
            _ => Err(Problem::field(
                "case_id",
                "give one of case_id, outage_id and order_id",
            )),
        }
    }
}

/// A photo that proves something.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Photo {
    /// SHA-256 of its bytes; empty: a photo of a cut told by voice, which the phone has not named yet.
    pub(crate) sha256: String,
    /// `reminded` (at a visit), `served` (a notice at the door), `warned` (the last warning at the door), `before_cut`,
    /// `after_cut`, `told` (of a planned outage), `arrival` (of a crew)
    pub(crate) what: String,
    /// When what it proves was recorded, or happened.
    pub(crate) at: Option<DateTime<Utc>>,
    /// Person who recorded it.
    pub(crate) actor: String,
    /// Number of the case, outage or order.
    pub(crate) number: String,
    /// Its bytes are here. A phone that was offline names a photo before it arrives.
    pub(crate) stored: bool,
    /// Where it is looked at.
    pub(crate) href: String,
}

/// Photos, with what each proves.
#[derive(Debug, Serialize, ToSchema)]
struct PhotoList {
    photos: Vec<Photo>,
}

/// Brings a photo before it is named as proof: the whole body, or a piece with `Content-Range: bytes FIRST-LAST/TOTAL`;
/// `bytes */TOTAL` with an empty body asks how far it is. It is on disk when `stored` is true. JPEG, PNG or WebP, as the
/// camera took it. A repeat is safe.
#[utoipa::path(put, path = "/api/v1/photos/{sha256}", tag = "photos", security(("session" = [])),
    params(("sha256" = String, Path, description = "SHA-256 of the photo, 64 hexadecimal digits")),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses((status = 201, description = "Stored", body = Upload), (status = 202, description = "More to come", body = Upload)))]
async fn put(
    State(app): State<App>,
    caller: Caller,
    Segment(sha256): Segment,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<(StatusCode, Json<Upload>), Problem> {
    let claims = caller.need(&PROVERS)?;
    upload(app.photos(), &sha256, &claims.actor, &headers, body).await
}

/// Looks at one photo. Whoever may see the case, outage or order may; who looked is kept.
#[utoipa::path(get, path = "/api/v1/photos/{sha256}", tag = "photos", security(("session" = [])),
    params(("sha256" = String, Path, description = "SHA-256 of the photo"), Of),
    responses((status = 200, description = "The photo as it was taken", body = Vec<u8>, content_type = "image/jpeg")))]
async fn look(
    State(app): State<App>,
    caller: Caller,
    Segment(sha256): Segment,
    Params(of): Params<Of>,
) -> Result<Response, Problem> {
    let id = PhotoId::parse(&sha256)?;
    allowed(&app, &caller.claims, of.subject()?, &id).await?;
    show(app.photos(), id).await
}

/// Asks the owner, who keeps that somebody looked.
async fn allowed(app: &App, claims: &Claims, subject: Subject, photo: &PhotoId) -> Result<(), Problem> {
    let message = |subject: Uuid| LookRequest {
        subject_id: subject.to_string(),
        sha256: photo.as_str().to_owned(),
    };
    let (edge, to) = (app.edge(), app.to());
    match subject {
        Subject::Case(id) => ask!(edge, claims, to.case_photos, look, message(id)).await,
        Subject::Outage(id) => ask!(edge, claims, to.outage_photos, look, message(id)).await,
        Subject::Order(id) => ask!(edge, claims, to.order_photos, look, message(id)).await,
    }
    .map(drop)
}

/// Photos of one case, outage or order, oldest first.
#[utoipa::path(get, path = "/api/v1/photos", tag = "photos", security(("session" = [])), params(Of),
    responses((status = 200, description = "The photos", body = PhotoList)))]
async fn list(
    State(app): State<App>,
    caller: Caller,
    Params(of): Params<Of>,
) -> Result<Json<PhotoList>, Problem> {
    let photos = photos_of(&app, &caller.claims, of).await?;
    Ok(Json(PhotoList { photos }))
}

/// Photos that crews named and that have not arrived yet, the newest first: look after the phone before it is wiped.
#[utoipa::path(get, path = "/api/v1/photos/missing", tag = "photos", security(("session" = [])),
    responses((status = 200, description = "Those of the newest 1,000 of each kind that are missing", body = PhotoList)))]
async fn missing(State(app): State<App>, caller: Caller) -> Result<Json<PhotoList>, Problem> {
    let photos = missing_photos(&app, caller.need(&PROVERS)?).await?;
    Ok(Json(PhotoList { photos }))
}

/// The photos of what `of` names.
pub(crate) async fn photos_of(app: &App, claims: &Claims, of: Of) -> Result<Vec<Photo>, Problem> {
    let message = |subject: Uuid| ListPhotosRequest {
        subject_id: subject.to_string(),
    };
    let (edge, to) = (app.edge(), app.to());
    let (reply, word) = match of.subject()? {
        Subject::Case(id) => (
            ask!(edge, claims, to.case_photos, list, message(id)).await,
            "case_id",
        ),
        Subject::Outage(id) => (
            ask!(edge, claims, to.outage_photos, list, message(id)).await,
            "outage_id",
        ),
        Subject::Order(id) => (
            ask!(edge, claims, to.order_photos, list, message(id)).await,
            "order_id",
        ),
    };
    let photos = reply?.photos.into_iter();
    Ok(photos.map(|photo| shown(app, photo, word)).collect())
}

/// What crews named and has not arrived.
pub(crate) async fn missing_photos(app: &App, claims: &Claims) -> Result<Vec<Photo>, Problem> {
    let (edge, to, all) = (app.edge(), app.to(), ListPhotosRequest::default());
    let orders = ask!(edge, claims, to.order_photos, list, all.clone()).await?;
    let cases = ask!(edge, claims, to.case_photos, list, all).await?;
    let orders = orders
        .photos
        .into_iter()
        .map(|photo| shown(app, photo, "order_id"));
    let cases = cases.photos.into_iter().map(|photo| shown(app, photo, "case_id"));
    let mut missing: Vec<Photo> = orders.chain(cases).filter(|photo| !photo.stored).collect();
    missing.sort_by_key(|photo| std::cmp::Reverse(photo.at));
    Ok(missing)
}

fn shown(app: &App, photo: WirePhoto, word: &str) -> Photo {
    Photo {
        href: format!("/api/v1/photos/{}?{word}={}", photo.sha256, photo.subject_id),
        stored: !app.photos().stored([photo.sha256.as_str()]).is_empty(),
        sha256: photo.sha256,
        what: photo.what,
        at: at(photo.at),
        actor: photo.actor,
        number: photo.subject_number,
    }
}
