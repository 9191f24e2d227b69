//! Each route of switching, ledger, signals, inference, messages and alarms: who gets in, who does not, and which field a bad request is told.
//!
//! The services behind are away, so whoever gets in is told so (503); that is how far the edge goes.

use axum::{
    Router,
    body::Body,
    http::{Request, StatusCode},
};
use relight_proto::access::v1::{self as access, access_server};
use tokio_stream::wrappers::TcpListenerStream;
use tonic::{Response, Status};

use crate::given::{self, Answer};

const ID: &str = "0193f1c2-7b1e-7c3a-9b5d-0a4f6e2d8c11";
const READ: &str = "";

/// Access as the edge sees it: a token is the role it is for.
struct EveryRole;

type Reply<T> = Result<Response<T>, Status>;

fn never<T>() -> Reply<T> {
    Err(Status::unimplemented("no route here asks this"))
}

#[tonic::async_trait]
impl access_server::Access for EveryRole {
    async fn check_session(
        &self,
        request: tonic::Request<access::CheckSessionRequest>,
    ) -> Reply<access::Person> {
        let role = request.into_inner().token;
        let customer_id = if role == "customer" { ID } else { "" };
        Ok(Response::new(access::Person {
            person_id: ID.to_owned(),
            customer_id: customer_id.to_owned(),
            grants: vec![access::Grant {
                role,
                org_path: "demo".to_owned(),
            }],
            ..Default::default()
        }))
    }

    async fn log_in(&self, _: tonic::Request<access::LogInRequest>) -> Reply<access::Session> {
        never()
    }

    async fn log_out(&self, _: tonic::Request<access::LogOutRequest>) -> Reply<access::LogOutReply> {
        never()
    }

    async fn request_code(
        &self,
        _: tonic::Request<access::RequestCodeRequest>,
    ) -> Reply<access::RequestCodeReply> {
        never()
    }

    async fn confirm_code(&self, _: tonic::Request<access::ConfirmCodeRequest>) -> Reply<access::Session> {
        never()
    }

    async fn put_account(&self, _: tonic::Request<access::PutAccountRequest>) -> Reply<access::Person> {
        never()
    }

    async fn list_accounts(
        &self,
        _: tonic::Request<access::ListAccountsRequest>,
    ) -> Reply<access::ListAccountsReply> {
        never()
    }
}

async fn gateway() -> anyhow::Result<Router> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let uri = format!("http://{}", listener.local_addr()?);
    let server = tonic::transport::Server::builder().add_service(access_server::AccessServer::new(EveryRole));
    tokio::spawn(server.serve_with_incoming(TcpListenerStream::new(listener)));
    given::gateway_beside(&[("access", uri)]).await
}

/// A route, a good request, who may send it and who may not, and a bad one with the field it is told.
struct Route {
    /// `METHOD /path`; `{id}` stands for an id.
    name: &'static str,
    good: &'static str,
    allow: &'static str,
    deny: &'static str,
    /// `path body`, either empty for the good one.
    bad: (&'static str, &'static str),
    field: &'static str,
}

const fn route(
    name: &'static str,
    good: &'static str,
    (allow, deny): (&'static str, &'static str),
    bad: (&'static str, &'static str),
    field: &'static str,
) -> Route {
    Route {
        name,
        good,
        allow,
        deny,
        bad,
        field,
    }
}

const ROUTES: &[Route] = &[
    route(
        "POST /api/v1/switching",
        r#"{"switching_id":"0193f1c2-7b1e-7c3a-9b5d-0a4f6e2d8c11","device_id":"SW1","close":false,"reason":"x"}"#,
        ("control_room", "agent"),
        (
            "",
            r#"{"switching_id":"nix","device_id":"SW1","close":false,"reason":"x"}"#,
        ),
        "switching_id",
    ),
    route(
        "GET /api/v1/switching",
        READ,
        ("manager", "agent"),
        ("/api/v1/switching?limit=100000", ""),
        "limit",
    ),
    route(
        "GET /api/v1/switching/{id}",
        READ,
        ("dispatcher", "crew"),
        ("/api/v1/switching/nix", ""),
        "id",
    ),
    route(
        "POST /api/v1/switching/{id}/events",
        r#"{"event":{"type":"acknowledge"}}"#,
        ("control_room", "manager"),
        ("", r#"{"event":{"type":"fly"}}"#),
        "event",
    ),
    route(
        "POST /api/v1/switching/telemetry",
        r#"{"telemetry":[{"device_id":"SW1","closed":true,"at":"2026-01-01T00:00:00Z"}]}"#,
        ("scada", "control_room"),
        (
            "",
            r#"{"telemetry":[{"device_id":"SW1","closed":true,"at":"yesterday"}]}"#,
        ),
        "telemetry",
    ),
    route(
        "GET /api/v1/ledger/affected/{id}",
        READ,
        ("planner", "crew"),
        ("/api/v1/ledger/affected/nix", ""),
        "id",
    ),
    route(
        "POST /api/v1/ledger/totals",
        r#"{"customer_ids":["0193f1c2-7b1e-7c3a-9b5d-0a4f6e2d8c11"],"since":"2026-01-01T00:00:00Z","until":"2026-02-01T00:00:00Z"}"#,
        ("customer", "crew"),
        (
            "",
            r#"{"customer_ids":["nix"],"since":"2026-01-01T00:00:00Z","until":"2026-02-01T00:00:00Z"}"#,
        ),
        "customer_ids",
    ),
    route(
        "GET /api/v1/ledger/exceptions",
        READ,
        ("control_room", "agent"),
        ("/api/v1/ledger/exceptions?limit=0", ""),
        "limit",
    ),
    route(
        "POST /api/v1/ledger/exceptions/{id}/settle",
        r#"{"note":"a test of the meter"}"#,
        ("dispatcher", "agent"),
        ("/api/v1/ledger/exceptions/nix/settle", r#"{"note":"x"}"#),
        "id",
    ),
    route(
        "POST /api/v1/signals",
        r#"{"source":"s","signals":[{"external_id":"1","kind":"last_gasp","load_id":"L","at":"2026-01-01T00:00:00Z"}]}"#,
        ("scada", "agent"),
        (
            "",
            r#"{"source":"s","signals":[{"external_id":"1","kind":"last_gasp","at":"now"}]}"#,
        ),
        "signals",
    ),
    // What they read has no parameter to be wrong.
    route("GET /api/v1/pings-wanted", READ, ("scada", "agent"), ("", ""), ""),
    route("GET /api/v1/calls-wanted", READ, ("agent", "crew"), ("", ""), ""),
    route(
        "POST /api/v1/reports/{id}/called",
        r#"{"backup_min":30}"#,
        ("agent", "customer"),
        ("", r#"{"backup_min":-1}"#),
        "backup_min",
    ),
    route(
        "POST /api/v1/incidents/{id}/called",
        r#"{"customer_id":"0193f1c2-7b1e-7c3a-9b5d-0a4f6e2d8c11","backup_min":30}"#,
        ("agent", "crew"),
        ("", r#"{"customer_id":"nix"}"#),
        "customer_id",
    ),
    route(
        "POST /api/v1/reports/{id}/self-help",
        r#"{"outcome":"failed"}"#,
        ("customer", "crew"),
        ("/api/v1/reports/nix/self-help", r#"{"outcome":"failed"}"#),
        "id",
    ),
    route(
        "POST /api/v1/reports/paper",
        r#"{"lines":[]}"#,
        ("unit_desk", "customer"),
        ("", r#"{"lines":7}"#),
        "lines",
    ),
    route(
        "POST /api/v1/reports/{id}/link",
        r#"{"transformer_id":"T1"}"#,
        ("dispatcher", "customer"),
        ("", r#"{"transformer_id":7}"#),
        "transformer_id",
    ),
    route(
        "GET /api/v1/incidents/{id}/inference",
        READ,
        ("dispatcher", "customer"),
        ("/api/v1/incidents/nix/inference", ""),
        "id",
    ),
    route(
        "GET /api/v1/incidents/{id}/restoration-checks",
        READ,
        ("dispatcher", "customer"),
        ("/api/v1/incidents/nix/restoration-checks", ""),
        "id",
    ),
    route(
        "GET /api/v1/incidents/{id}/evidence",
        READ,
        ("dispatcher", "customer"),
        ("/api/v1/incidents/nix/evidence", ""),
        "id",
    ),
    route(
        "GET /api/v1/incidents/{id}/replay",
        READ,
        ("dispatcher", "customer"),
        ("/api/v1/incidents/nix/replay", ""),
        "id",
    ),
    route(
        "POST /api/v1/incidents/{id}/overrule",
        r#"{"device_id":"SW1"}"#,
        ("dispatcher", "agent"),
        ("", r#"{"device":"SW1"}"#),
        "device",
    ),
    route(
        "POST /api/v1/incidents/{id}/overrule/undo",
        "{}",
        ("dispatcher", "agent"),
        ("/api/v1/incidents/nix/overrule/undo", "{}"),
        "id",
    ),
    route(
        "POST /api/v1/incidents/split",
        r#"{"report_ids":["0193f1c2-7b1e-7c3a-9b5d-0a4f6e2d8c11"]}"#,
        ("dispatcher", "agent"),
        ("", r#"{"report_ids":"all"}"#),
        "report_ids",
    ),
    route(
        "POST /api/v1/arrears/cases/search",
        r#"{"account":"3300000610"}"#,
        ("agent", "customer"),
        ("", r#"{"account":""}"#),
        "account",
    ),
    route(
        "GET /api/v1/arrears/breaches?which=wrongful_cut",
        READ,
        ("manager", "crew"),
        ("/api/v1/arrears/breaches?limit=0", ""),
        "limit",
    ),
    route(
        "GET /api/v1/arrears/cases",
        READ,
        ("manager", "customer"),
        ("/api/v1/arrears/cases?account=3300000610", ""),
        "account",
    ),
    route(
        "GET /api/v1/life-support-certificates",
        READ,
        ("planner", "crew"),
        ("/api/v1/life-support-certificates?limit=0", ""),
        "limit",
    ),
    route(
        "POST /api/v1/incidents/{id}/merge",
        r#"{"into_id":"0193f1c2-7b1e-7c3a-9b5d-0a4f6e2d8c12"}"#,
        ("dispatcher", "agent"),
        (
            "/api/v1/incidents/nix/merge",
            r#"{"into_id":"0193f1c2-7b1e-7c3a-9b5d-0a4f6e2d8c12"}"#,
        ),
        "id",
    ),
    route(
        "GET /api/v1/messages?outage_id={id}&state=delivered",
        READ,
        ("agent", "crew"),
        ("/api/v1/messages?outage_id=nix", ""),
        "outage_id",
    ),
    route(
        "GET /api/v1/replies?open=true",
        READ,
        ("agent", "planner"),
        ("/api/v1/replies?limit=0", ""),
        "limit",
    ),
    route(
        "POST /api/v1/replies/{id}/acknowledgement",
        r#"{"note":"called back"}"#,
        ("manager", "customer"),
        ("/api/v1/replies/nix/acknowledgement", r#"{"note":"x"}"#),
        "id",
    ),
    route(
        "GET /api/v1/wrong-contacts?customer_id={id}",
        READ,
        ("dispatcher", "crew"),
        ("/api/v1/wrong-contacts?customer_id=nix", ""),
        "customer_id",
    ),
    // A message or a contact says which it is; both, or none of them, says nothing.
    route(
        "POST /api/v1/wrong-contacts",
        r#"{"customer_id":"0193f1c2-7b1e-7c3a-9b5d-0a4f6e2d8c11","message_id":"0193f1c2-7b1e-7c3a-9b5d-0a4f6e2d8c12"}"#,
        ("agent", "customer"),
        (
            "",
            r#"{"customer_id":"0193f1c2-7b1e-7c3a-9b5d-0a4f6e2d8c11","message_id":"0193f1c2-7b1e-7c3a-9b5d-0a4f6e2d8c12","contact_id":"0193f1c2-7b1e-7c3a-9b5d-0a4f6e2d8c13"}"#,
        ),
        "message_id",
    ),
    route(
        "POST /api/v1/wrong-contacts/{id}/withdrawal",
        r#"{"reason":"called: it is theirs"}"#,
        ("agent", "planner"),
        ("", r#"{"note":"called: it is theirs"}"#),
        "note",
    ),
    route(
        "GET /api/v1/outage-alarms?open=true",
        READ,
        ("control_room", "agent"),
        ("/api/v1/outage-alarms?outage_id=nix", ""),
        "outage_id",
    ),
    route(
        "GET /api/v1/arrears/alarms?open=true",
        READ,
        ("agent", "dispatcher"),
        ("/api/v1/arrears/alarms?case_id=nix", ""),
        "case_id",
    ),
    route(
        "POST /api/v1/arrears/alarms/{id}/acknowledgement",
        "{}",
        ("manager", "crew"),
        ("/api/v1/arrears/alarms/nix/acknowledgement", "{}"),
        "id",
    ),
    route(
        "GET /api/v1/planned-outages/temporary-share?month=2026-03",
        READ,
        ("manager", "agent"),
        ("/api/v1/planned-outages/temporary-share?month=2026-03&year=1", ""),
        "",
    ),
    route(
        "GET /api/v1/planned-outages/temporary-reasons?month=2026-03",
        READ,
        ("planner", "dispatcher"),
        (
            "/api/v1/planned-outages/temporary-reasons?month=2026-03&limit=0",
            "",
        ),
        "limit",
    ),
    route(
        "GET /api/v1/reliability-warnings?open=true",
        READ,
        ("agent", "crew"),
        ("/api/v1/reliability-warnings?limit=501", ""),
        "limit",
    ),
    route(
        "GET /api/v1/reliability-warnings/{id}",
        READ,
        ("planner", "customer"),
        ("/api/v1/reliability-warnings/nix", ""),
        "id",
    ),
    route(
        "POST /api/v1/reliability-warnings/{id}/acknowledgement",
        r#"{"text":"understood","channel":"call"}"#,
        ("agent", "crew"),
        ("/api/v1/reliability-warnings/nix/acknowledgement", ""),
        "id",
    ),
    route(
        "POST /api/v1/reliability-warnings/{id}/close",
        r#"{"note":"an engineer is there"}"#,
        ("manager", "dispatcher"),
        ("/api/v1/reliability-warnings/nix/close", ""),
        "id",
    ),
    route(
        "POST /api/v1/outage-alarms/{id}/acknowledgement",
        "{}",
        ("dispatcher", "crew"),
        ("/api/v1/outage-alarms/nix/acknowledgement", "{}"),
        "id",
    ),
];

impl Route {
    async fn ask(&self, gateway: &Router, role: &str, path: &str, body: &str) -> anyhow::Result<Answer> {
        let (method, own) = self.name.split_once(' ').expect("METHOD /path");
        let path = if path.is_empty() { own } else { path };
        let request: Request<Body> = given::request(method, &path.replace("{id}", ID))
            .header("authorization", format!("Bearer {role}"))
            .header("content-type", "application/json")
            .header("idempotency-key", "0193f1c2-7b1e-7c3a-9b5d-0a4f6e2d8c13")
            .body(Body::from(body.to_owned()))?;
        Ok(given::send(gateway, request).await)
    }
}

#[tokio::test]
async fn each_route_lets_in_whom_it_is_for_and_nobody_else() -> anyhow::Result<()> {
    let gateway = gateway().await?;
    for route in ROUTES {
        let denied = route.ask(&gateway, route.deny, "", route.good).await?;
        assert_eq!(
            denied.status,
            StatusCode::FORBIDDEN,
            "{} by {}: {}",
            route.name,
            route.deny,
            denied.text
        );
        let let_in = route.ask(&gateway, route.allow, "", route.good).await?;
        assert_eq!(
            let_in.status,
            StatusCode::SERVICE_UNAVAILABLE,
            "{} by {}: {}",
            route.name,
            route.allow,
            let_in.text
        );
    }
    Ok(())
}

#[tokio::test]
async fn a_bad_request_to_each_route_is_told_the_field() -> anyhow::Result<()> {
    let gateway = gateway().await?;
    for route in ROUTES.iter().filter(|route| !route.field.is_empty()) {
        let (path, body) = route.bad;
        let body = if body.is_empty() { route.good } else { body };
        let answer = route.ask(&gateway, route.allow, path, body).await?;
        assert_eq!(
            answer.status,
            StatusCode::BAD_REQUEST,
            "{}: {}",
            route.name,
            answer.text
        );
        assert!(
            answer.field().starts_with(route.field),
            "{}: {}",
            route.name,
            answer.text
        );
    }
    Ok(())
}
