//! What may happen to an arrears case: one body per kind, `{"type": "propose", "reason": "..."}`.

use chrono::{DateTime, Utc};
use relight_common::wire::timestamp;
use relight_proto::{
    arrears::v1::{self as w, apply_request::Event},
    common::v1::Point,
};
use serde::Deserialize;
use utoipa::ToSchema;

/// One event. Which may follow which state is the arrears service's decision.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum CaseEvent {
    /// The customer was reminded.
    Remind {
        /// When.
        reminded_at: DateTime<Utc>,
        /// `phone`, `post`, `visit`. A text or a mail is ordered with `tell` and counts by its receipt alone.
        channel: String,
        /// Number of the recording or receipt.
        record: String,
        /// SHA-256 of the photo, hex; of a visit. Upload it first.
        #[serde(default)]
        photo_sha256: String,
        /// Whom a phone call reached.
        #[serde(default)]
        call: Option<CallAnswered>,
    },
    /// A message to the customer.
    Tell {
        /// `reminder`, `pre_notice`
        kind: String,
    },
    /// Somebody asks for the disconnection.
    Propose {
        /// Why.
        reason: String,
    },
    /// Somebody else allows it.
    Approve {
        /// Why a supply that several share is cut all the same; the class `shared` needs it.
        #[serde(default)]
        exception: String,
    },
    /// The notice is written; refused when no service could make its stop time lawful.
    Issue {
        /// When supply is to stop.
        stop_at: DateTime<Utc>,
    },
    /// The notice reached the customer: with the proof its method needs.
    Serve(Serve),
    /// The last warning reached the customer.
    PreNotice {
        /// When.
        warned_at: DateTime<Utc>,
        /// `phone`, `door`. A text is ordered with `tell` and counts by its receipt alone.
        channel: String,
        /// Number of the recording, or what was left at the door.
        record: String,
        /// SHA-256 of the photo, hex; at the door, not the one of the service of the notice. Upload it first.
        #[serde(default)]
        photo_sha256: String,
        /// Who saw it given at the door; not who gave it.
        #[serde(default)]
        witness: String,
        /// Whom a phone call reached.
        #[serde(default)]
        call: Option<CallAnswered>,
        /// Agreement on a safe shut-down, for processes that need one.
        #[serde(default)]
        safe_shutdown: String,
    },
    /// A crew without a signal tells by voice that it has cut, under the code that was read out to it. What was not lawful
    /// then is recorded all the same, as wrongful: look at `wrongful` and `warning` of the answer.
    Cut(VoiceCut),
    /// Supply was found off, or cut without leave.
    FoundOff {
        /// Since when.
        off_at: DateTime<Utc>,
        /// What is known.
        reason: String,
    },
    /// A cut turns out to have been wrong, also when supply is back: it has to come back at once, the customer gets an
    /// apology.
    FindWrongful {
        /// Why.
        reason: String,
    },
    /// Supply is back.
    Reconnect {
        /// The customer was told to switch off and that supply returns.
        customer_told: bool,
    },
    /// The customer confirms supply.
    Close {},
    /// A plan to pay was agreed: nobody is cut while it runs, also on the next case of this account.
    AcceptPlan {
        /// Until when it runs.
        until: DateTime<Utc>,
    },
    /// Something stands in the way.
    Hold {
        /// `dispute`, `plan`, `protected`, `lock`, `payment`
        kind: String,
        /// When it ends by itself; left out: when somebody lifts it; of a payment on its way: as long as the policy pack
        /// says, which is also the longest.
        #[serde(default)]
        until: Option<DateTime<Utc>>,
        /// Why.
        reason: String,
        /// With a dispute: only this part of the debt, hundredths of the currency; the rest goes on after a new notice. Left
        /// out: all of it.
        #[serde(default)]
        amount_cents: i64,
    },
    /// It does no longer.
    ReleaseHold {
        /// Which.
        kind: String,
    },
    /// The kind of customer or supply is known better. One that asks less of a cut is a manager's step.
    Classify {
        /// As in the case's `class`.
        class: String,
        /// Why it asks less than the one before.
        #[serde(default)]
        reason: String,
    },
    /// The company gives the debt up: no new case is opened for it, only for a bill that is due later.
    Withdraw {
        /// Why.
        reason: String,
    },
}

/// A cut told by voice.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct VoiceCut {
    /// The code that was read out.
    pub code: String,
    /// Number on the meter, as the crew reads it out.
    pub meter_no: String,
    /// Who cut.
    pub told_by: String,
    /// The second person on site.
    pub second: String,
    /// Nobody there is in danger by it.
    pub nobody_at_risk: bool,
    /// When it was cut.
    pub done_at: DateTime<Utc>,
}

impl From<VoiceCut> for Event {
    fn from(cut: VoiceCut) -> Self {
        Event::Cut(w::Cut {
            release: cut.code,
            scanned_meter_no: cut.meter_no,
            told_by: cut.told_by,
            second: cut.second,
            nobody_at_risk: cut.nobody_at_risk,
            done_at: Some(timestamp(cut.done_at)),
            ..w::Cut::default()
        })
    }
}

/// Whom a recorded call reached.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CallAnswered {
    /// A number of the customer, as `GET /api/v1/customers/{id}/numbers` lists them.
    pub contact_id: String,
    /// Name of who answered; with `serve` it is `received_by`.
    #[serde(default)]
    pub answered_by: String,
    /// An adult who speaks for the customer: a child or a stranger was not told.
    pub adult: bool,
}

impl From<CallAnswered> for w::CallAnswered {
    fn from(call: CallAnswered) -> Self {
        Self {
            contact_id: call.contact_id,
            answered_by: call.answered_by,
            adult: call.adult,
        }
    }
}

/// Proof of service.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Serve {
    /// `e_signature`, `signed_receipt`, `recorded_call`, `registered_mail`, `posted_with_witness`; a text message is none
    pub method: String,
    /// When the customer got it.
    pub served_at: DateTime<Utc>,
    /// Where, (lon, lat) WGS84 degrees; of a visit.
    #[serde(default)]
    pub position: Option<(f64, f64)>,
    /// SHA-256 of the photo, hex; of a visit. Upload it first.
    #[serde(default)]
    pub photo_sha256: String,
    /// Who took it, or why nobody did: refused, nobody at home.
    #[serde(default)]
    pub received_by: String,
    /// SHA-256 of the signature, hex.
    #[serde(default)]
    pub signature_sha256: String,
    /// Who saw it left at the door.
    #[serde(default)]
    pub witness: String,
    /// Number of the recording, delivery record or signature.
    #[serde(default)]
    pub record: String,
    /// Receipt of the copy at the authority, where the class needs one.
    #[serde(default)]
    pub filing_receipt: String,
    /// When that was given.
    #[serde(default)]
    pub filed_at: Option<DateTime<Utc>>,
    /// How the occupants of a shared supply were told.
    #[serde(default)]
    pub occupants: String,
    /// Whom a recorded call reached.
    #[serde(default)]
    pub call: Option<CallAnswered>,
}

impl From<Serve> for Event {
    fn from(serve: Serve) -> Self {
        Event::Serve(w::Serve {
            method: serve.method,
            served_at: Some(timestamp(serve.served_at)),
            position: serve.position.map(|(lon, lat)| Point { lon, lat }),
            photo_sha256: serve.photo_sha256,
            received_by: serve.received_by,
            signature_sha256: serve.signature_sha256,
            witness: serve.witness,
            record: serve.record,
            filing_receipt: serve.filing_receipt,
            filed_at: serve.filed_at.map(timestamp),
            occupants: serve.occupants,
            call: serve.call.map(Into::into),
        })
    }
}

impl From<CaseEvent> for Event {
    fn from(event: CaseEvent) -> Self {
        match event {
            CaseEvent::Remind {
                reminded_at,
                channel,
                record,
                photo_sha256,
                call,
            } => Event::Remind(w::Remind {
                reminded_at: Some(timestamp(reminded_at)),
                channel,
                record,
                photo_sha256,
                call: call.map(Into::into),
            }),
            CaseEvent::Tell { kind } => Event::Tell(w::Tell { kind }),
            CaseEvent::Propose { reason } => Event::Propose(w::Propose { reason }),
            CaseEvent::Approve { exception } => Event::Approve(w::Approve { exception }),
            CaseEvent::Issue { stop_at } => Event::Issue(w::Issue {
                stop_at: Some(timestamp(stop_at)),
            }),
            CaseEvent::Serve(serve) => serve.into(),
            CaseEvent::PreNotice {
                warned_at,
                channel,
                record,
                photo_sha256,
                witness,
                call,
                safe_shutdown,
            } => Event::PreNotice(w::PreNotice {
                warned_at: Some(timestamp(warned_at)),
                channel,
                record,
                safe_shutdown,
                photo_sha256,
                witness,
                call: call.map(Into::into),
            }),
            CaseEvent::Cut(cut) => cut.into(),
            CaseEvent::FoundOff { off_at, reason } => Event::FoundOff(w::FoundOff {
                off_at: Some(timestamp(off_at)),
                reason,
            }),
            CaseEvent::FindWrongful { reason } => Event::FindWrongful(w::Reason { reason }),
            CaseEvent::Reconnect { customer_told } => Event::Reconnect(w::Reconnect { customer_told }),
            CaseEvent::Close {} => Event::Close(w::Close {}),
            CaseEvent::AcceptPlan { until } => Event::AcceptPlan(w::AcceptPlan {
                until: Some(timestamp(until)),
            }),
            CaseEvent::Hold {
                kind,
                until,
                reason,
                amount_cents,
            } => Event::Hold(w::Hold {
                kind,
                until: until.map(timestamp),
                reason,
                amount_cents,
            }),
            CaseEvent::ReleaseHold { kind } => Event::ReleaseHold(w::ReleaseHold { kind }),
            CaseEvent::Classify { class, reason } => Event::Classify(w::Classify { class, reason }),
            CaseEvent::Withdraw { reason } => Event::Withdraw(w::Reason { reason }),
        }
    }
}
