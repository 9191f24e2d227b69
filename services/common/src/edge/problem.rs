//! RFC 9457 problem answers, and the one table from gRPC codes to HTTP.

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use tonic::{Code, Status};
use utoipa::ToSchema;

use crate::error::{FIELD_KEY, Invalid};

/// What went wrong, in the client's terms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A field is wrong; fix the request.
    Invalid,
    /// No live session.
    Unauthenticated,
    /// The session's roles do not allow it.
    Forbidden,
    /// Nothing there.
    NotFound,
    /// The path knows other methods.
    MethodNotAllowed,
    /// The state must change first.
    Conflict,
    /// Somebody else was quicker: read again, then retry.
    Stale,
    /// The body is larger than allowed.
    TooLarge,
    /// The body is not of the type named.
    WrongMediaType,
    /// Slow down.
    TooMany,
    /// Send the same request again, with the same Idempotency-Key.
    Unavailable,
    /// Our bug.
    Internal,
}

impl Kind {
    /// Status, word of the problem type, title.
    fn row(self) -> (StatusCode, &'static str, &'static str) {
        match self {
            Kind::Invalid => (StatusCode::BAD_REQUEST, "invalid", "The request is not valid"),
            Kind::Unauthenticated => (StatusCode::UNAUTHORIZED, "unauthenticated", "A session is needed"),
            Kind::Forbidden => (StatusCode::FORBIDDEN, "forbidden", "Not allowed"),
            Kind::NotFound => (StatusCode::NOT_FOUND, "not_found", "Not found"),
            Kind::MethodNotAllowed => (
                StatusCode::METHOD_NOT_ALLOWED,
                "method_not_allowed",
                "Method not allowed",
            ),
            Kind::Conflict => (StatusCode::CONFLICT, "conflict", "Not possible in this state"),
            Kind::Stale => (
                StatusCode::CONFLICT,
                "stale",
                "Changed meanwhile: read again, then retry",
            ),
            Kind::TooLarge => (
                StatusCode::PAYLOAD_TOO_LARGE,
                "too_large",
                "The body is too large",
            ),
            Kind::WrongMediaType => (
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "wrong_media_type",
                "The body is of the wrong type",
            ),
            Kind::TooMany => (StatusCode::TOO_MANY_REQUESTS, "too_many", "Too many requests"),
            Kind::Unavailable => (
                StatusCode::SERVICE_UNAVAILABLE,
                "unavailable",
                "Send the same request again",
            ),
            Kind::Internal => (
                StatusCode::INTERNAL_SERVER_ERROR,
                "internal",
                "The platform failed",
            ),
        }
    }

    /// Meaning of a gRPC code over HTTP. No catch-all: a new code has to choose.
    pub fn of(code: Code) -> Self {
        match code {
            Code::InvalidArgument | Code::OutOfRange => Kind::Invalid,
            Code::NotFound => Kind::NotFound,
            Code::AlreadyExists | Code::FailedPrecondition => Kind::Conflict,
            Code::Aborted => Kind::Stale,
            Code::PermissionDenied => Kind::Forbidden,
            Code::Unauthenticated => Kind::Unauthenticated,
            Code::ResourceExhausted => Kind::TooMany,
            // A broken connection shows as Unknown or Cancelled: the command may or may not have been carried out.
            Code::Unavailable | Code::DeadlineExceeded | Code::Cancelled | Code::Unknown => Kind::Unavailable,
            Code::Internal | Code::DataLoss | Code::Unimplemented | Code::Ok => Kind::Internal,
        }
    }
}

/// A refusal as RFC 9457 says it (`application/problem+json`).
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Problem {
    /// `urn:relight:problem:` and a word that stays the same.
    #[serde(rename = "type")]
    #[schema(example = "urn:relight:problem:invalid")]
    pub r#type: String,
    /// The kind in words.
    pub title: String,
    /// HTTP status.
    #[schema(example = 400)]
    pub status: u16,
    /// What happened and what to do next.
    pub detail: String,
    /// Every field that is wrong, and what is right.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldError>,
    #[serde(skip)]
    retry_after_s: Option<u64>,
}

/// One field that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct FieldError {
    /// Name of the field or header.
    #[schema(example = "reporter_phone")]
    pub field: String,
    /// What is right.
    #[schema(example = "must be a phone number")]
    pub detail: String,
}

impl Problem {
    /// A problem of `kind`.
    pub fn new(kind: Kind, detail: impl Into<String>) -> Self {
        let (status, word, title) = kind.row();
        Self {
            r#type: format!("urn:relight:problem:{word}"),
            title: title.to_owned(),
            status: status.as_u16(),
            detail: detail.into(),
            errors: Vec::new(),
            retry_after_s: matches!(kind, Kind::Unavailable | Kind::TooMany).then_some(1),
        }
    }

    /// A wrong field, and what is right.
    pub fn field(field: impl Into<String>, detail: impl Into<String>) -> Self {
        let (field, detail) = (field.into(), detail.into());
        let mut problem = Self::new(Kind::Invalid, format!("{field}: {detail}"));
        problem.errors.push(FieldError { field, detail });
        problem
    }

    /// Too many requests; try again after `wait_s` seconds.
    pub fn too_many(wait_s: u64) -> Self {
        let mut problem = Self::new(
            Kind::TooMany,
            format!("too many requests; try again in {wait_s} s"),
        );
        problem.retry_after_s = Some(wait_s);
        problem
    }

    /// What another library's refusal with this status means.
    pub fn of_status(status: StatusCode, detail: impl Into<String>) -> Self {
        let kind = match status {
            StatusCode::PAYLOAD_TOO_LARGE => Kind::TooLarge,
            StatusCode::UNSUPPORTED_MEDIA_TYPE => Kind::WrongMediaType,
            StatusCode::NOT_FOUND => Kind::NotFound,
            StatusCode::METHOD_NOT_ALLOWED => Kind::MethodNotAllowed,
            status if status.is_client_error() => Kind::Invalid,
            _ => Kind::Internal,
        };
        Self::new(kind, detail)
    }

    /// The status as a typed value.
    pub fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// The word of the problem type.
    pub fn word(&self) -> &str {
        self.r#type.rsplit(':').next().unwrap_or_default()
    }

    /// Whether the same request may succeed when sent again.
    pub fn is_transient(&self) -> bool {
        matches!(
            self.status(),
            StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS
        )
    }
}

impl From<Invalid> for Problem {
    fn from(invalid: Invalid) -> Self {
        Problem::field(invalid.field, invalid.must)
    }
}

/// Whether the connection broke and no service answered: such a status was made here from the fault beneath it, one that came over the
/// wire has none. The command may or may not have been carried out.
pub(super) fn is_broken_connection(status: &Status) -> bool {
    matches!(status.code(), Code::Internal | Code::Unknown) && std::error::Error::source(status).is_some()
}

impl From<Status> for Problem {
    fn from(status: Status) -> Self {
        let kind = if is_broken_connection(&status) {
            Kind::Unavailable
        } else {
            Kind::of(status.code())
        };
        if matches!(kind, Kind::Unavailable | Kind::Internal) {
            tracing::warn!(code = ?status.code(), error = status.message(), "a service could not answer");
            return Problem::new(
                kind,
                match kind {
                    Kind::Unavailable => {
                        "a part of the platform did not answer; send the same request again with the same Idempotency-Key"
                    }
                    _ => "this is our fault; it was recorded",
                },
            );
        }
        let mut problem = Problem::new(kind, status.message());
        if let Some(field) = field_of(&status) {
            let detail = status
                .message()
                .strip_prefix(&format!("{field}: "))
                .unwrap_or(status.message());
            problem.errors.push(FieldError {
                field: at_the_edge(&field),
                detail: detail.to_owned(),
            });
        }
        problem
    }
}

fn field_of(status: &Status) -> Option<String> {
    let value = status.metadata().get(FIELD_KEY)?;
    value.to_str().ok().map(str::to_owned)
}

/// The name the client knows: the command id is a header, pages are two parameters, a person and the times of an
/// operation are no parts of their own.
fn at_the_edge(field: &str) -> String {
    match field {
        "command_id" => "Idempotency-Key",
        "page.cursor" => "cursor",
        "page.size" => "limit",
        other => ["person.", "device_time."]
            .into_iter()
            .find_map(|within| other.strip_prefix(within))
            .unwrap_or(other),
    }
    .to_owned()
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = serde_json::to_vec(&self).expect("strings and numbers");
        let mut response = (self.status(), body).into_response();
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(wait_s) = self.retry_after_s {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(wait_s));
        }
        if self.status() == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{Coded, refuse};

    #[derive(Debug, thiserror::Error)]
    #[error(transparent)]
    struct Wrapped(#[from] crate::Error);
    impl Coded for Wrapped {
        fn code(&self) -> Code {
            self.0.code()
        }
        fn field(&self) -> Option<&str> {
            self.0.field()
        }
    }

    #[test]
    fn every_code_has_a_status_and_only_our_own_faults_are_5xx() {
        let table = [
            (Code::InvalidArgument, 400),
            (Code::OutOfRange, 400),
            (Code::Unauthenticated, 401),
            (Code::PermissionDenied, 403),
            (Code::NotFound, 404),
            (Code::AlreadyExists, 409),
            (Code::FailedPrecondition, 409),
            (Code::Aborted, 409),
            (Code::ResourceExhausted, 429),
            (Code::Internal, 500),
            (Code::DataLoss, 500),
            (Code::Unavailable, 503),
            (Code::DeadlineExceeded, 503),
        ];
        for (code, status) in table {
            assert_eq!(Problem::from(Status::new(code, "x")).status, status, "{code:?}");
        }
    }

    #[test]
    fn a_refused_field_is_named_and_said_once() {
        let invalid = crate::Error::from(Invalid::new("reporter_phone", "must be a phone number"));
        let problem = Problem::from(refuse("intake")(Wrapped(invalid)));
        let expected = FieldError {
            field: "reporter_phone".to_owned(),
            detail: "must be a phone number".to_owned(),
        };
        assert_eq!(problem.errors, [expected]);
    }

    #[test]
    fn a_reused_command_id_is_told_as_the_header_the_client_sent() {
        let reused = crate::Error::IdReused(crate::ids::CommandId::new());
        let problem = Problem::from(refuse("intake")(Wrapped(reused)));
        assert_eq!(problem.status, 400);
        assert_eq!(problem.errors[0].field, "Idempotency-Key");
    }

    #[test]
    fn a_field_has_the_name_the_client_knows() {
        for (wire, edge) in [
            ("page.cursor", "cursor"),
            ("page.size", "limit"),
            ("person.login", "login"),
        ] {
            let invalid = crate::Error::from(Invalid::new(wire, "must be right"));
            let problem = Problem::from(refuse("access")(Wrapped(invalid)));
            assert_eq!(problem.errors[0].field, edge);
            assert_eq!(problem.errors[0].detail, "must be right");
        }
    }

    #[test]
    fn our_own_failures_tell_no_detail_and_when_to_come_back() {
        let response = Problem::from(Status::unavailable("connection to 10.0.0.7 refused")).into_response();
        assert_eq!(response.headers()[header::RETRY_AFTER], "1");
        assert_eq!(
            response.headers()[header::CONTENT_TYPE],
            "application/problem+json"
        );
        let problem = Problem::from(Status::internal("select broke"));
        assert!(!problem.detail.contains("select"));
    }

    #[test]
    fn a_connection_that_broke_is_no_failure_of_ours_and_the_request_may_be_sent_again() {
        let mut broken = Status::internal("h2 protocol error: http2 error");
        assert_eq!(
            Problem::from(broken.clone()).status(),
            StatusCode::INTERNAL_SERVER_ERROR
        );
        broken.set_source(std::sync::Arc::new(std::io::Error::other("broken")));
        let problem = Problem::from(broken);
        assert_eq!(problem.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert!(problem.is_transient());
    }
}
