//! From the wire and back: ids, instants, bounded text. Every refusal names the field and what is right.

use chrono::{DateTime, Datelike, Utc};
use prost_types::Timestamp;
use uuid::Uuid;

use crate::{claims::Claims, error::Invalid};

/// Reads a UUID.
///
/// # Errors
/// [`Invalid`] when `text` is no UUID.
pub fn uuid(field: &'static str, text: &str) -> Result<Uuid, Invalid> {
    Uuid::parse_str(text).map_err(|_| {
        Invalid::new(
            field,
            "must be a UUID such as 0193f1c2-7b1e-7c3a-9b5d-0a4f6e2d8c11",
        )
    })
}

/// Reads a UUID that may be left out.
///
/// # Errors
/// [`Invalid`] when `text` is neither empty nor a UUID.
pub fn uuid_opt(field: &'static str, text: &str) -> Result<Option<Uuid>, Invalid> {
    if text.is_empty() {
        Ok(None)
    } else {
        uuid(field, text).map(Some)
    }
}

/// An instant as protobuf.
pub fn timestamp(at: DateTime<Utc>) -> Timestamp {
    Timestamp {
        seconds: at.timestamp(),
        nanos: at.timestamp_subsec_nanos().cast_signed(),
    }
}

/// Reads an instant that must be there.
///
/// # Errors
/// [`Invalid`] when it is missing or out of range.
pub fn instant(field: &'static str, at: Option<Timestamp>) -> Result<DateTime<Utc>, Invalid> {
    instant_opt(field, at)?.ok_or_else(|| Invalid::new(field, "must be given, as an RFC 3339 time"))
}

/// Reads an instant that may be left out. Cut to microseconds, which is what Postgres keeps: what is answered now and
/// what is read again later are the same.
///
/// # Errors
/// [`Invalid`] when it is out of range.
pub fn instant_opt(field: &'static str, at: Option<Timestamp>) -> Result<Option<DateTime<Utc>>, Invalid> {
    at.map(|at| {
        u32::try_from(at.nanos)
            .ok()
            .and_then(|nanos| DateTime::from_timestamp(at.seconds, nanos / 1_000 * 1_000))
            .filter(|at| (1..=9999).contains(&at.year()))
            .ok_or_else(|| Invalid::new(field, "must be an RFC 3339 time between the years 1 and 9999"))
    })
    .transpose()
}

/// Longest account number, in characters; the CSV pack has the same bound.
pub const ACCOUNT_MAX: usize = 64;
/// Longest name of a person who reports, in characters.
pub const REPORTER_NAME_MAX: usize = 100;

/// Text of at most `max` characters, without control characters, trimmed.
///
/// # Errors
/// [`Invalid`] with the limit.
pub fn text(field: &'static str, value: &str, max: usize) -> Result<String, Invalid> {
    let value = value.trim();
    if value.chars().count() > max {
        return Err(Invalid::new(field, format!("must have at most {max} characters")));
    }
    if value.chars().any(|c| c.is_control() && c != '\n' && c != '\t') {
        return Err(Invalid::new(field, "must not contain control characters"));
    }
    Ok(value.to_owned())
}

/// Like [`text`], and not empty.
///
/// # Errors
/// [`Invalid`] when empty or too long.
pub fn text_required(field: &'static str, value: &str, max: usize) -> Result<String, Invalid> {
    let value = text(field, value, max)?;
    if value.is_empty() {
        Err(Invalid::new(field, "must not be empty"))
    } else {
        Ok(value)
    }
}

/// A WGS84 position: longitude -180..=180, latitude -90..=90, degrees.
///
/// # Errors
/// [`Invalid`] with the ranges, also for NaN.
pub fn point(field: &'static str, point: relight_proto::common::v1::Point) -> Result<(f64, f64), Invalid> {
    let fits = (-180.0..=180.0).contains(&point.lon) && (-90.0..=90.0).contains(&point.lat);
    if fits {
        Ok((point.lon, point.lat))
    } else {
        Err(Invalid::new(
            field,
            "must be WGS84 degrees: lon from -180 to 180, lat from -90 to 90",
        ))
    }
}

/// Who is calling, as the server's interceptor found it.
///
/// # Errors
/// `Unauthenticated` when the request carries no valid caller token.
pub fn caller<T>(request: &tonic::Request<T>) -> Result<Claims, tonic::Status> {
    request
        .extensions()
        .get::<Claims>()
        .cloned()
        .ok_or_else(|| tonic::Status::unauthenticated("a caller token is needed"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_keeps_its_microseconds_and_nothing_finer() {
        let at = Timestamp {
            seconds: 1_795_000_000,
            nanos: 123_456_789,
        };
        let read = instant("at", Some(at)).unwrap();
        assert_eq!(read.timestamp_subsec_nanos(), 123_456_000);
        assert_eq!(instant("at", None).unwrap_err().field, "at");
        let wrong = Timestamp {
            seconds: 0,
            nanos: -1,
        };
        assert!(instant("at", Some(wrong)).is_err());
    }

    /// Postgres holds fewer years than a protobuf timestamp can say.
    #[test]
    fn an_instant_outside_the_years_1_to_9999_is_refused() {
        let read = |seconds| instant("at", Some(Timestamp { seconds, nanos: 0 }));
        let (first, last) = (-62_135_596_800, 253_402_300_799);
        assert!(read(first).is_ok() && read(last).is_ok());
        for seconds in [first - 1, last + 1, i64::MIN, i64::MAX] {
            assert_eq!(read(seconds).unwrap_err().field, "at", "{seconds}");
        }
    }
}
