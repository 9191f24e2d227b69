//! `PUT …/photos/{sha256}`: the whole photo, or a piece with `Content-Range`; the photo back as nothing but a picture.

use axum::{
    Json,
    body::Bytes,
    extract::rejection::BytesRejection,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    id::{Form, PhotoId},
    store::{Photos, Piece, Put},
};
use crate::edge::problem::{Kind, Problem};

/// How far a photo is.
#[derive(Debug, Serialize, ToSchema)]
pub struct Upload {
    /// Which photo.
    pub sha256: String,
    /// It is on disk, whole: it may be forgotten on the phone, and named as proof.
    pub stored: bool,
    /// Bytes that are here while it is not stored; the next piece begins there.
    pub received: usize,
}

/// Where a piece belongs, from `Content-Range`.
#[derive(Debug, PartialEq, Eq)]
enum Range {
    /// No header: all of it.
    Whole,
    /// `bytes FIRST-LAST/TOTAL`
    Piece { first: usize, last: usize, total: usize },
    /// `bytes */TOTAL`: only asks how far it is.
    Ask,
}

/// Takes what the body holds of the photo.
///
/// # Errors
/// 400 for a wrong range, other bytes or what is no photo; 409 for a gap, with the byte to go on from; 413; 503 while the
/// disk fails or another request brings the same photo.
pub async fn upload(
    photos: &Photos,
    sha256: &str,
    by: &str,
    headers: &HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<(StatusCode, Json<Upload>), Problem> {
    let id = PhotoId::parse(sha256)?;
    let body = body.map_err(|refusal| Problem::of_status(refusal.status(), refusal.body_text()))?;
    let range = fits(range(headers)?, body.len(), photos.size_max())?;
    let (photos, by, which) = (photos.clone(), by.to_owned(), id.clone());
    // The disk may take its time; the other requests of this thread do not wait for it.
    let put = tokio::task::spawn_blocking(move || match range {
        Range::Ask => photos.arrived(&which, &by),
        Range::Whole => photos.put(&which, &by, piece(0, body.len(), &body)),
        Range::Piece { first, total, .. } => photos.put(&which, &by, piece(first, total, &body)),
    })
    .await;
    match put {
        Ok(Ok(put)) => answer(&id, put),
        Ok(Err(error)) => Err(unwritten(&error.to_string())),
        Err(error) => Err(unwritten(&error.to_string())),
    }
}

fn piece(first: usize, total: usize, bytes: &[u8]) -> Piece<'_> {
    Piece { first, total, bytes }
}

fn unwritten(error: &str) -> Problem {
    tracing::error!(error, "a photo could not be written or read");
    Problem::new(
        Kind::Unavailable,
        "the photo could not be stored just now; keep it and send it again",
    )
}

fn answer(id: &PhotoId, put: Put) -> Result<(StatusCode, Json<Upload>), Problem> {
    let told = |stored, received| {
        let sha256 = id.as_str().to_owned();
        Json(Upload {
            sha256,
            stored,
            received,
        })
    };
    match put {
        Put::Stored => Ok((StatusCode::CREATED, told(true, 0))),
        Put::Waiting(received) => Ok((StatusCode::ACCEPTED, told(false, received))),
        Put::Gap(received) => Err(Problem::new(
            Kind::Conflict,
            format!("bytes before this piece are missing; go on from byte {received}"),
        )),
        Put::Busy => Err(Problem::new(
            Kind::Unavailable,
            "another request brings this photo just now; ask with `Content-Range: bytes */TOTAL` how far it is",
        )),
        Put::OtherBytes => Err(Problem::field(
            "sha256",
            "is not the SHA-256 of the bytes that came; they were thrown away, send the photo again from byte 0",
        )),
        Put::NoPhoto => Err(Problem::field("body", "must be a JPEG, PNG or WebP picture")),
    }
}

fn range(headers: &HeaderMap) -> Result<Range, Problem> {
    let Some(value) = headers.get(header::CONTENT_RANGE) else {
        return Ok(Range::Whole);
    };
    let read = value.to_str().ok().and_then(read_range);
    read.ok_or_else(|| {
        Problem::field(
            "Content-Range",
            "must be `bytes FIRST-LAST/TOTAL`, or `bytes */TOTAL` to ask how far it is",
        )
    })
}

fn read_range(text: &str) -> Option<Range> {
    let (part, total) = text.strip_prefix("bytes ")?.split_once('/')?;
    let total = total.parse().ok()?;
    if part == "*" {
        return Some(Range::Ask);
    }
    let (first, last) = part.split_once('-')?;
    let (first, last) = (first.parse().ok()?, last.parse().ok()?);
    (first <= last && last < total).then_some(Range::Piece { first, last, total })
}

/// The range tells the truth about the body, and the photo is not too large.
fn fits(range: Range, length: usize, size_max: usize) -> Result<Range, Problem> {
    let (told, total) = match range {
        Range::Ask => return Ok(range),
        Range::Whole if length == 0 => return Err(Problem::field("body", "must be the photo's bytes")),
        Range::Whole => (length, length),
        Range::Piece { first, last, total } => (last - first + 1, total),
    };
    if total > size_max {
        let detail = format!("a photo has at most {size_max} bytes");
        return Err(Problem::new(Kind::TooLarge, detail));
    }
    if told != length {
        let detail = format!("says {told} bytes, the body has {length}");
        return Err(Problem::field("Content-Range", detail));
    }
    Ok(range)
}

/// The photo as nothing but a picture: a browser guesses no other kind and runs nothing in it.
///
/// # Errors
/// 404 while its bytes are not here; 503 when the disk fails.
pub async fn show(photos: &Photos, id: PhotoId) -> Result<Response, Problem> {
    let photos = photos.clone();
    let read = tokio::task::spawn_blocking(move || photos.read(&id)).await;
    let bytes = match read {
        Ok(Ok(bytes)) => bytes,
        Ok(Err(error)) => return Err(unwritten(&error.to_string())),
        Err(error) => return Err(unwritten(&error.to_string())),
    };
    let missing = || Problem::new(Kind::NotFound, "the photo has not arrived yet");
    let bytes = bytes.ok_or_else(missing)?;
    let form = Form::of(&bytes).ok_or_else(missing)?;
    let headers = [
        (header::CONTENT_TYPE, form.media_type()),
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; sandbox"),
        (header::CONTENT_DISPOSITION, "inline"),
    ];
    let headers = headers.map(|(name, value)| (name, HeaderValue::from_static(value)));
    Ok((headers, bytes).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_says_where_a_piece_belongs() {
        let piece = |first, last, total| Some(Range::Piece { first, last, total });
        let table = [
            ("bytes 0-0/1", piece(0, 0, 1)),
            ("bytes 100-199/5000", piece(100, 199, 5000)),
            ("bytes */5000", Some(Range::Ask)),
            ("bytes 0-5000/5000", None),
            ("bytes 9-3/5000", None),
            ("bytes 0-9/*", None),
            ("bytes -9/10", None),
            ("bytes 0-99999999999999999999/5", None),
            ("lines 0-9/10", None),
            ("", None),
        ];
        for (text, expected) in table {
            assert_eq!(read_range(text), expected, "{text}");
        }
    }

    #[test]
    fn a_range_that_lies_and_a_photo_that_is_too_large_are_refused() {
        let whole = |length| fits(Range::Whole, length, 100).map_err(|problem| problem.status);
        let piece = |length, total| {
            let range = Range::Piece {
                first: 10,
                last: 19,
                total,
            };
            fits(range, length, 100).map_err(|problem| problem.status)
        };
        assert_eq!(whole(0), Err(400));
        assert_eq!(whole(100), Ok(Range::Whole));
        assert_eq!(whole(101), Err(413));
        assert!(piece(10, 100).is_ok());
        assert_eq!(piece(9, 100), Err(400));
        assert_eq!(piece(10, 101), Err(413));
    }

    #[tokio::test]
    async fn a_photo_is_shown_as_a_picture_and_nothing_else() {
        let home = tempfile::tempdir().unwrap();
        let photos = Photos::at(home.path(), 1024);
        let bytes = Bytes::from_static(b"\x89PNG\r\n\x1a\n<script>");
        let id = PhotoId::of(&bytes);
        let absent = show(&photos, id.clone()).await.unwrap_err();
        assert_eq!(absent.status, 404);
        let headers = HeaderMap::new();
        let put = upload(&photos, id.as_str(), "wang", &headers, Ok(bytes)).await;
        assert_eq!(put.unwrap().0, StatusCode::CREATED);
        let shown = show(&photos, id).await.unwrap();
        assert_eq!(shown.headers()[header::CONTENT_TYPE], "image/png");
        assert!(
            shown.headers()[header::CONTENT_SECURITY_POLICY]
                .to_str()
                .unwrap()
                .contains("sandbox")
        );
    }
}
