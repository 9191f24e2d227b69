//! Drafts from the wire.

use chrono::{DateTime, Utc};
use relight_common::{Invalid, wire};
use relight_proto::planner::v1::DraftRequest;
use uuid::Uuid;

use super::{TEXT_MAX, devices, ends, words};
use crate::{
    domain::{
        form::{self, Template},
        ids::OutageId,
        window::Window,
    },
    error::Error,
    peers::Found,
    rpc::outage_id,
    store::outage::Words,
};

/// A draft before the network was asked.
pub(in crate::rpc) struct Asked {
    pub(in crate::rpc) id: OutageId,
    pub(in crate::rpc) device_ids: Vec<String>,
    pub(in crate::rpc) window: Window,
    pub(in crate::rpc) words: Given,
    pub(in crate::rpc) template: &'static Template,
    pub(in crate::rpc) request: Option<(Uuid, String)>,
}

/// Words of a draft; an area that is left out is made from the addresses.
pub(in crate::rpc) struct Given(Words);

impl Given {
    pub(in crate::rpc) fn unwrap_or_empty(self, found: &Found) -> Words {
        let mut words = self.0;
        if words.area_zh.is_empty() {
            words.area_zh.clone_from(&found.area_zh);
        }
        if words.area_en.is_empty() {
            words.area_en.clone_from(&found.area_en);
        }
        words
    }
}

pub(in crate::rpc) fn draft(request: &DraftRequest, now: DateTime<Utc>) -> Result<Asked, Error> {
    let (off_at, on_at) = ends(request.window.as_ref())?;
    Ok(Asked {
        id: outage_id(&request.outage_id)?,
        device_ids: devices(&request.device_ids)?,
        window: Window::plan(off_at, on_at, now)?,
        words: Given(words(request.words.as_ref(), false)?),
        template: template(&request.template)?,
        request: request_of(&request.requested_by_customer_id, &request.request_note)?,
    })
}

/// Who asked for it, and how; both or none.
fn request_of(customer: &str, note: &str) -> Result<Option<(Uuid, String)>, Invalid> {
    let customer = wire::uuid_opt("requested_by_customer_id", customer)?;
    match customer {
        Some(customer) => {
            let note = wire::text_required("request_note", note, TEXT_MAX)?;
            Ok(Some((customer, note)))
        }
        None if note.is_empty() => Ok(None),
        None => Err(Invalid::new(
            "requested_by_customer_id",
            "must be given with request_note",
        )),
    }
}

/// The template of this word; left out: the one that asks for more.
pub(in crate::rpc) fn template(word: &str) -> Result<&'static Template, Invalid> {
    let word = if word.is_empty() { form::STRICTEST } else { word };
    Template::find(word).ok_or_else(|| {
        let words: Vec<_> = Template::all().iter().map(|one| one.word.as_str()).collect();
        Invalid::new("template", format!("must be one of {}", words.join(", ")))
    })
}
