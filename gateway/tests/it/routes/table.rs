//! The routes of the desk: whom each lets in, and what a bad request to it is told.

use super::READ;

/// A route, a good request, who may send it and who may not, and a bad one with the field it is told.
pub(super) struct Route {
    /// `METHOD /path`; `{id}` stands for an id.
    pub(super) name: &'static str,
    pub(super) good: &'static str,
    pub(super) allow: &'static str,
    pub(super) deny: &'static str,
    /// `path body`, either empty for the good one.
    pub(super) bad: (&'static str, &'static str),
    pub(super) field: &'static str,
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

pub(super) const ROUTES: &[Route] = &[
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
