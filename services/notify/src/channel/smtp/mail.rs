//! One mail, written out once with our reference as its Message-ID.

use chrono::{DateTime, Utc};
use lettre::Address;
use lettre::address::Envelope;
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Mailbox, Message};
use uuid::Uuid;

/// Who asked for the mail and what about: nobody, a machine sent it (RFC 3834).
const AUTO_SUBMITTED: HeaderName = HeaderName::new_from_ascii_str("Auto-Submitted");
const LIST_UNSUBSCRIBE: HeaderName = HeaderName::new_from_ascii_str("List-Unsubscribe");
const LIST_UNSUBSCRIBE_POST: HeaderName = HeaderName::new_from_ascii_str("List-Unsubscribe-Post");

/// What a setting or a mail has wrong, by name. Never repeats an address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {problem}")]
pub struct Invalid {
    /// The field, as it is called in the configuration or the call.
    pub field: &'static str,
    /// What is wrong and what would be right.
    pub problem: String,
}

impl Invalid {
    pub(super) fn new(field: &'static str, problem: impl Into<String>) -> Self {
        Self {
            field,
            problem: problem.into(),
        }
    }
}

/// One mail to one recipient, ready to be handed over once.
#[derive(Clone)]
pub struct Mail {
    pub(super) message_id: String,
    pub(super) envelope: Envelope,
    pub(super) content: Vec<u8>,
}

/// Recipient and content are left out: they are personal.
impl std::fmt::Debug for Mail {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Mail({}, {} octets)", self.message_id, self.content.len())
    }
}

/// What a mail says, before it is written out.
#[derive(Clone, Copy)]
pub struct Draft<'a> {
    /// Whom it is from: an address, or `Name <address>`. Also where bounces go.
    pub from: &'a str,
    /// Whom it is to.
    pub to: &'a str,
    /// Subject, any characters.
    pub subject: &'a str,
    /// Plain text.
    pub text: &'a str,
    /// When it was written.
    pub date: DateTime<Utc>,
    /// `https` address of one-click unsubscription (RFC 8058); `None` for notices one cannot leave.
    pub unsubscribe_url: Option<&'a str>,
}

impl Mail {
    /// The Message-ID of an attempt: what bounces and replies name. `domain` is the sender's.
    pub fn message_id(attempt: Uuid, domain: &str) -> String {
        format!("<{attempt}@{domain}>")
    }

    /// Writes `draft` out as attempt `attempt`.
    ///
    /// # Errors
    /// [`Invalid`] names the field that cannot be used.
    pub fn new(attempt: Uuid, draft: Draft<'_>) -> Result<Self, Invalid> {
        let from = mailbox("from", draft.from)?;
        let to = mailbox("to", draft.to)?;
        let message_id = Self::message_id(attempt, from.email.domain());
        let envelope = envelope(&from.email, &to.email)?;
        let mut builder = Message::builder()
            .message_id(Some(message_id.clone()))
            .date(draft.date.into())
            .from(from)
            .to(to)
            .subject(draft.subject)
            .envelope(envelope.clone())
            .raw_header(HeaderValue::new(AUTO_SUBMITTED, "auto-generated".to_owned()))
            .header(ContentType::TEXT_PLAIN);
        if let Some(url) = draft.unsubscribe_url {
            builder = builder.raw_header(unsubscribe(url)?).raw_header(HeaderValue::new(
                LIST_UNSUBSCRIBE_POST,
                "List-Unsubscribe=One-Click".to_owned(),
            ));
        }
        let message = builder
            .body(draft.text.to_owned())
            .map_err(|error| Invalid::new("text", format!("cannot be written as a mail: {error}")))?;
        Ok(Self {
            message_id,
            envelope,
            content: message.formatted(),
        })
    }
}

fn mailbox(field: &'static str, text: &str) -> Result<Mailbox, Invalid> {
    text.parse().map_err(|_| {
        Invalid::new(
            field,
            "is not a mail address; give name@domain or Name <name@domain>",
        )
    })
}

fn envelope(from: &Address, to: &Address) -> Result<Envelope, Invalid> {
    Envelope::new(Some(from.clone()), vec![to.clone()]).map_err(|error| Invalid::new("to", error.to_string()))
}

/// Written as it stands: an encoder would fold or encode the address and break the click.
fn unsubscribe(url: &str) -> Result<HeaderValue, Invalid> {
    let is_right = url.starts_with("https://")
        && url.len() <= 900
        && url
            .bytes()
            .all(|b| b.is_ascii_graphic() && b != b'<' && b != b'>');
    if !is_right {
        return Err(Invalid::new(
            "unsubscribe_url",
            "needs an https address of at most 900 ASCII characters",
        ));
    }
    let value = format!("<{url}>");
    Ok(HeaderValue::dangerous_new_pre_encoded(
        LIST_UNSUBSCRIBE,
        value.clone(),
        value,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draft<'a>() -> Draft<'a> {
        Draft {
            from: "Power <notices@example.org>",
            to: "reader@example.com",
            subject: "停电通知",
            text: "Power is off in Main Street.\n.\n..dots\n",
            date: "2026-11-22T01:02:03Z".parse().expect("a time"),
            unsubscribe_url: None,
        }
    }

    #[test]
    fn the_headers_are_those_of_an_automatic_mail() {
        let draft = Draft {
            unsubscribe_url: Some("https://example.org/u/abc?x=1"),
            ..draft()
        };
        let mail = Mail::new(Uuid::from_u128(7), draft).expect("a mail");
        let text = String::from_utf8(mail.content).expect("ASCII");
        for line in [
            "Message-ID: <00000000-0000-0000-0000-000000000007@example.org>\r\n",
            "Date: Sun, 22 Nov 2026 01:02:03 +0000\r\n",
            "Auto-Submitted: auto-generated\r\n",
            "Content-Type: text/plain; charset=utf-8\r\n",
            "To: reader@example.com\r\n",
            "List-Unsubscribe: <https://example.org/u/abc?x=1>\r\n",
            "List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n",
        ] {
            assert!(text.contains(line), "{line} is missing in {text}");
        }
        assert!(!text.contains("停"), "headers are encoded");
    }

    #[test]
    fn wrong_fields_are_named_and_nothing_can_be_smuggled_in() {
        let field = |draft| {
            Mail::new(Uuid::nil(), draft)
                .map_err(|invalid| invalid.field)
                .map(|_| ())
        };
        assert_eq!(field(draft()), Ok(()));
        assert_eq!(
            field(Draft {
                to: "nobody",
                ..draft()
            }),
            Err("to")
        );
        assert_eq!(
            field(Draft {
                to: "a@b.org\r\nBcc: c@d.org",
                ..draft()
            }),
            Err("to")
        );
        assert_eq!(field(Draft { from: "", ..draft() }), Err("from"));
        assert_eq!(
            field(Draft {
                unsubscribe_url: Some("http://example.org"),
                ..draft()
            }),
            Err("unsubscribe_url")
        );
        let url = Some("https://example.org/\r\nBcc: c@d.org");
        assert_eq!(
            field(Draft {
                unsubscribe_url: url,
                ..draft()
            }),
            Err("unsubscribe_url")
        );
        let mail = Mail::new(
            Uuid::nil(),
            Draft {
                subject: "a\r\nBcc: c@d.org",
                ..draft()
            },
        )
        .expect("a mail");
        assert!(!String::from_utf8_lossy(&mail.content).contains("\r\nBcc:"));
    }
}
