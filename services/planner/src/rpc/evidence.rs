//! Evidence of people from the wire: every channel brings what proves it.

use relight_common::{Invalid, wire};
use relight_proto::planner::v1 as w;
use uuid::Uuid;

use super::{
    customer_id,
    parse::{TEXT_MAX, one_of},
};
use crate::{error::Error, store::told::Evidence};

/// A call says whom it reached; what is no call has none.
fn tied(it: &w::Evidence, channel: &str) -> Result<(), Invalid> {
    match (channel, &it.call) {
        ("call", None) => Err(Invalid::new(
            "call",
            "must be given: which number, and whom it reached",
        )),
        ("call", Some(_)) | (_, None) => Ok(()),
        (_, Some(_)) => Err(Invalid::new(
            "call",
            "must be left out: the channel is another one",
        )),
    }
}

/// A visit, a posted notice and one on a board are proven by a photo that is stored; a call and a signature by their note. Only
/// a board reaches several.
pub(super) fn evidence(it: &w::Evidence, stored: &[String]) -> Result<Vec<Evidence>, Error> {
    const CHANNELS: [&str; 5] = ["visit", "post", "call", "community", "esign"];
    const MORE_MAX: usize = 500;
    if it.more_customer_ids.len() > MORE_MAX {
        return Err(Invalid::new("more_customer_ids", "must name at most 500 customers").into());
    }
    let channel = one_of("channel", &it.channel, &CHANNELS)?;
    tied(it, channel)?;
    if channel != "community" && !it.more_customer_ids.is_empty() {
        let must = "must be left out unless channel is community: a visit, a posted notice, a call or a signature proves one customer";
        return Err(Invalid::new("more_customer_ids", must).into());
    }
    let photo = photo(&it.photo_sha256)?;
    if photo.is_none() && matches!(channel, "visit" | "post" | "community") {
        return Err(Invalid::new(
            "photo_sha256",
            "must be given for a visit, for a posted notice and for a notice board",
        )
        .into());
    }
    if photo.is_some() && !stored.contains(&it.photo_sha256) {
        let must = "upload the photo first, then name it: its bytes are not stored";
        return Err(Invalid::new("photo_sha256", must).into());
    }
    let at = wire::instant("at", it.at)?;
    let note = wire::text_required("note", &it.note, TEXT_MAX)?;
    let one = |customer| Evidence {
        id: Uuid::now_v7(),
        customer,
        channel: channel.to_owned(),
        at,
        by: String::new(),
        note: note.clone(),
        photo: photo.clone(),
        call: None,
    };
    let mut all = vec![one(customer_id(&it.customer_id)?)];
    for more in &it.more_customer_ids {
        all.push(one(wire::uuid("more_customer_ids", more)?));
    }
    Ok(all)
}

fn photo(text: &str) -> Result<Option<Vec<u8>>, Invalid> {
    if text.is_empty() {
        return Ok(None);
    }
    let wrong = || Invalid::new("photo_sha256", "must be 64 hexadecimal digits");
    if text.len() != 64 || !text.is_ascii() {
        return Err(wrong());
    }
    let bytes = (0..32).map(|at| u8::from_str_radix(&text[2 * at..2 * at + 2], 16));
    bytes
        .collect::<Result<Vec<_>, _>>()
        .map(Some)
        .map_err(|_| wrong())
}

#[cfg(test)]
mod tests {
    use relight_common::Coded as _;

    use super::*;

    fn told(channel: &str, photo_sha256: &str) -> w::Evidence {
        w::Evidence {
            customer_id: Uuid::nil().to_string(),
            channel: channel.to_owned(),
            at: Some(wire::timestamp(chrono::DateTime::UNIX_EPOCH)),
            note: "handed over".to_owned(),
            photo_sha256: photo_sha256.to_owned(),
            ..w::Evidence::default()
        }
    }

    #[test]
    fn a_notice_at_a_door_or_for_a_community_needs_a_photo_whose_bytes_are_stored() {
        let (photo, other) = ("ab".repeat(32), "cd".repeat(32));
        for channel in ["visit", "post", "community"] {
            for (named, stored) in [("", &photo), (photo.as_str(), &other)] {
                let refused = evidence(&told(channel, named), std::slice::from_ref(stored)).unwrap_err();
                assert_eq!(refused.field(), Some("photo_sha256"), "{channel}");
            }
            let proven = evidence(&told(channel, &photo), std::slice::from_ref(&photo)).unwrap();
            assert_eq!(proven[0].photo.as_deref(), Some(&[0xab; 32][..]));
        }
        assert!(evidence(&told("esign", ""), &[]).is_ok(), "proven by its note");
        assert!(
            evidence(&told("esign", &photo), &[]).is_err(),
            "a photo that is named is there"
        );
    }
}
