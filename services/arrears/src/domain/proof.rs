//! Proof that a notice was served, by rank (domain.md 4.1). Delivered or sent, a text message is not service.

use serde::{Deserialize, Serialize};

use super::{
    Instant, Refusal,
    call::{self, Call},
    case::called,
};

/// What is right when a proof names a photo that nobody has.
pub const UPLOAD_FIRST: &str = "upload the photo first, then name it: its bytes are not stored";

/// How the notice reached the customer, the best evidence first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// Signed electronically by the customer.
    ESignature,
    /// Handed over at a visit, receipt signed.
    SignedReceipt,
    /// Read out in a recorded call.
    RecordedCall,
    /// Registered mail with its delivery record.
    RegisteredMail,
    /// Left at the door before a witness.
    PostedWithWitness,
    /// A text message the network says was delivered.
    DeliveredSms,
    /// A text message that was sent.
    SentSms,
}

impl Method {
    /// Every method, by rank.
    pub const ALL: [Method; 7] = [
        Method::ESignature,
        Method::SignedReceipt,
        Method::RecordedCall,
        Method::RegisteredMail,
        Method::PostedWithWitness,
        Method::DeliveredSms,
        Method::SentSms,
    ];

    /// The word in tables and on the wire.
    pub fn word(self) -> &'static str {
        match self {
            Method::ESignature => "e_signature",
            Method::SignedReceipt => "signed_receipt",
            Method::RecordedCall => "recorded_call",
            Method::RegisteredMail => "registered_mail",
            Method::PostedWithWitness => "posted_with_witness",
            Method::DeliveredSms => "delivered_sms",
            Method::SentSms => "sent_sms",
        }
    }

    /// Reads the word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|method| method.word() == word)
    }

    /// Whether this is service at all.
    pub fn serves(self) -> bool {
        self <= Method::PostedWithWitness
    }

    /// Whether somebody went there.
    pub fn is_visit(self) -> bool {
        matches!(self, Method::SignedReceipt | Method::PostedWithWitness)
    }
}

/// Evidence of one service.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Proof {
    /// How.
    pub method: Method,
    /// When the customer got it.
    pub served_at: Instant,
    /// Who served it, by person id.
    pub server: String,
    /// Their name at that time, for the notice; empty on proofs of before names were kept.
    #[serde(default)]
    pub server_name: String,
    /// Where, WGS84 degrees (lon, lat).
    pub position: Option<(f64, f64)>,
    /// SHA-256 of the photo, lower-case hex.
    pub photo_sha256: Option<String>,
    /// Who received it, or why nobody did.
    pub received_by: Option<String>,
    /// SHA-256 of the signature, lower-case hex.
    pub signature_sha256: Option<String>,
    /// Who saw it left at the door.
    pub witness: Option<String>,
    /// Number of the recording, of the delivery record or of the signed document.
    pub record: Option<String>,
    /// Whom a recorded call reached.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub call: Option<Call>,
}

impl Proof {
    /// Name of the server for the notice.
    pub fn server_called(&self) -> &str {
        called(&self.server, &self.server_name)
    }

    /// Whether the evidence is what its method needs, for a notice issued at `issued_at`.
    ///
    /// # Errors
    /// [`Refusal::NotService`], [`Refusal::Proof`] with the field that is missing or wrong.
    pub fn check(&self, issued_at: Instant, now: Instant) -> Result<(), Refusal> {
        if !self.method.serves() {
            return Err(Refusal::NotService(self.method));
        }
        if self.served_at < issued_at || self.served_at > now {
            return missing("served_at", "must lie between the issue of the notice and now");
        }
        if self.server.is_empty() {
            return missing("server", "must name who served the notice");
        }
        need(
            &self.received_by,
            "received_by",
            "must name who received the notice, or say why nobody did: refused, nobody at home",
        )?;
        match self.method {
            Method::SignedReceipt => self.visited().and_then(|()| {
                need(
                    &self.signature_sha256,
                    "signature_sha256",
                    "the receiver's signature",
                )
            }),
            Method::PostedWithWitness => self
                .visited()
                .and_then(|()| another_person(self.witness.as_deref(), (&self.server, &self.server_name))),
            Method::RecordedCall => self.recorded().and_then(|()| call::check(self.call.as_ref())),
            Method::ESignature | Method::RegisteredMail => self.recorded(),
            Method::DeliveredSms | Method::SentSms => Err(Refusal::NotService(self.method)),
        }
    }

    fn recorded(&self) -> Result<(), Refusal> {
        need(
            &self.record,
            "record",
            "the number of the signature, recording or delivery",
        )
    }

    fn visited(&self) -> Result<(), Refusal> {
        need(
            &self.photo_sha256,
            "photo_sha256",
            "the SHA-256 of a photo taken there",
        )?;
        if self.position.is_none() {
            return missing("position", "must be where the notice was served");
        }
        Ok(())
    }
}

/// Whether somebody else than who did it, known by id and name, saw it.
pub(super) fn another_person(witness: Option<&str>, (id, name): (&str, &str)) -> Result<(), Refusal> {
    match witness {
        Some(witness) if witness != id && witness != name => Ok(()),
        Some(_) => missing("witness", "must be somebody other than the server"),
        None => missing("witness", "must name who saw it left at the door"),
    }
}

pub(super) fn need(value: &Option<String>, field: &'static str, what: &'static str) -> Result<(), Refusal> {
    if value.is_some() {
        Ok(())
    } else {
        missing(field, what)
    }
}

fn missing(field: &'static str, must: &'static str) -> Result<(), Refusal> {
    Err(Refusal::Proof { field, must })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::given::{posted, utc};

    #[test]
    fn a_proof_needs_everything_its_method_names() {
        let (issued, now) = (utc("2026-03-01T01:00:00Z"), utc("2026-03-03T01:00:00Z"));
        let good = posted(utc("2026-03-02T01:00:00Z"));
        assert_eq!(good.check(issued, now), Ok(()));
        let field = |change: fn(&mut Proof)| {
            let mut proof = good.clone();
            change(&mut proof);
            match proof.check(issued, now) {
                Err(Refusal::Proof { field, .. }) => field,
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(field(|p| p.photo_sha256 = None), "photo_sha256");
        assert_eq!(field(|p| p.position = None), "position");
        assert_eq!(field(|p| p.witness = None), "witness");
        assert_eq!(field(|p| p.witness = Some(p.server.clone())), "witness");
        assert_eq!(field(|p| p.witness = Some(p.server_name.clone())), "witness");
        assert_eq!(field(|p| p.server = String::new()), "server");
        assert_eq!(field(|p| p.served_at = utc("2026-03-01T00:59:59Z")), "served_at");
        assert_eq!(field(|p| p.served_at = utc("2026-03-03T01:00:01Z")), "served_at");
        assert_eq!(field(|p| p.method = Method::SignedReceipt), "signature_sha256");
        for method in Method::ALL.into_iter().filter(|method| method.serves()) {
            let mut proof = good.clone();
            (proof.method, proof.received_by) = (method, None);
            let no = proof.check(issued, now).err();
            assert_eq!(no.and_then(|no| no.field()), Some("received_by"), "{method:?}");
        }
        assert_eq!(field(|p| p.method = Method::RecordedCall), "record");
        assert_eq!(
            field(|p| {
                p.method = Method::RecordedCall;
                p.record = Some("call 3".to_owned());
            }),
            "call"
        );
        assert_eq!(field(|p| p.method = Method::RegisteredMail), "record");
        assert_eq!(field(|p| p.method = Method::ESignature), "record");
    }

    #[test]
    fn a_text_message_is_no_service_whatever_comes_with_it() {
        let (issued, now) = (utc("2026-03-01T01:00:00Z"), utc("2026-03-03T01:00:00Z"));
        for method in [Method::DeliveredSms, Method::SentSms] {
            let proof = Proof {
                method,
                record: Some("receipt 1".to_owned()),
                ..posted(utc("2026-03-02T01:00:00Z"))
            };
            assert_eq!(proof.check(issued, now), Err(Refusal::NotService(method)));
        }
        for method in Method::ALL {
            assert_eq!(Method::parse(method.word()), Some(method));
        }
    }
}
