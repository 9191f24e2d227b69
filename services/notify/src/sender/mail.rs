//! Mail as a provider of messages.

use chrono::Utc;

use super::{Job, Provider};
use crate::{
    channel::{
        Outcome, Refusal,
        smtp::{Draft, Mail, Mailer},
    },
    config::MAIL_PROVIDER,
    domain::notice::Channel,
    store::attempt::Attempt,
    template::Rendered,
};

/// One relay.
pub struct MailProvider {
    /// The relay.
    pub mailer: Mailer,
    /// Whom mails are from.
    pub from: String,
    /// Mails at one time.
    pub window: usize,
}

impl std::fmt::Debug for MailProvider {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MailProvider")
            .field("window", &self.window)
            .finish_non_exhaustive()
    }
}

impl Provider for MailProvider {
    const CHANNEL: Channel = Channel::Email;
    const NAME: &'static str = MAIL_PROVIDER;

    fn window(&self) -> usize {
        self.window
    }

    fn segments(&self, _rendered: &Rendered) -> usize {
        1
    }

    async fn ready(&self) {}

    async fn hand_over(&self, job: &Job, attempt: &Attempt) -> Outcome {
        let draft = Draft {
            from: &self.from,
            to: job.to(),
            subject: &job.rendered.subject,
            text: &job.rendered.text,
            date: Utc::now(),
            unsubscribe_url: None,
        };
        match Mail::new(attempt.id, draft) {
            Ok(mail) => self.mailer.send(&mail).await,
            // The address is none: no relay was asked, and asking again would not help.
            Err(_) => Outcome::Refused {
                status: 0,
                refusal: Refusal::Permanent,
            },
        }
    }
}
