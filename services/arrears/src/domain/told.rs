//! Evidence of what a person says they told the customer: a reminder, or the last warning.

use super::{
    Refusal, call,
    case::{PreNotice, Reminder},
    proof::{another_person, need},
};

const PHOTO: &str = "the SHA-256 of a photo taken there";

impl Reminder {
    /// Whether its evidence is what its channel needs. A text's is its receipt, which comes from notify.
    ///
    /// # Errors
    /// [`Refusal::Proof`] with the field that is missing or wrong.
    pub fn check(&self) -> Result<(), Refusal> {
        match self.channel.as_str() {
            "phone" => call::check(self.call.as_ref()),
            "visit" => need(&self.photo_sha256, "photo_sha256", PHOTO),
            _ => Ok(()),
        }
    }
}

impl PreNotice {
    /// Whether its evidence is what its channel needs: without a phone it is given at the door before a witness (O13).
    /// `served_by`: the photo that proves the service of the notice, days before; it shows nothing of the warning.
    ///
    /// # Errors
    /// [`Refusal::Proof`] with the field that is missing or wrong.
    pub fn check(&self, served_by: Option<&String>) -> Result<(), Refusal> {
        match self.channel.as_str() {
            "phone" => call::check(self.call.as_ref()),
            "door" if self.photo_sha256.is_some() && self.photo_sha256.as_ref() == served_by => {
                Err(Refusal::Proof {
                    field: "photo_sha256",
                    must: "must be a photo of the warning, not the one of the service of the notice",
                })
            }
            "door" => {
                need(&self.photo_sha256, "photo_sha256", PHOTO)?;
                another_person(self.witness.as_deref(), (&self.by, &self.by_name))
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{
        Event,
        given::{remind, warn},
    };

    fn field(checked: Result<(), Refusal>) -> Option<&'static str> {
        checked.err().and_then(|refusal| refusal.field())
    }

    #[test]
    fn a_warning_at_the_door_has_a_photo_and_a_witness_who_did_not_give_it() {
        let Event::PreNotice { warning, .. } = warn("08-17 09:15") else {
            panic!("a warning")
        };
        let door = PreNotice {
            channel: "door".to_owned(),
            by: "wang".to_owned(),
            by_name: "王工".to_owned(),
            photo_sha256: Some("ab".repeat(32)),
            witness: Some("zhou".to_owned()),
            call: None,
            ..warning.clone()
        };
        assert_eq!(field(door.check(None)), None);
        let without = |change: fn(&mut PreNotice)| {
            let mut door = door.clone();
            change(&mut door);
            field(door.check(None))
        };
        assert_eq!(without(|d| d.photo_sha256 = None), Some("photo_sha256"));
        assert_eq!(without(|d| d.witness = None), Some("witness"));
        assert_eq!(without(|d| d.witness = Some("wang".to_owned())), Some("witness"));
        assert_eq!(without(|d| d.witness = Some("王工".to_owned())), Some("witness"));
        assert_eq!(field(warning.check(None)), None);
        let unnamed = PreNotice {
            call: None,
            ..warning
        };
        assert_eq!(field(unnamed.check(None)), Some("call"));
        let (same, other) = ("ab".repeat(32), "cd".repeat(32));
        assert_eq!(
            field(door.check(Some(&same))),
            Some("photo_sha256"),
            "of the week before"
        );
        assert_eq!(field(door.check(Some(&other))), None);
    }

    #[test]
    fn a_reminder_has_what_its_channel_needs() {
        let Event::Remind(phone) = remind() else {
            panic!("a reminder")
        };
        let by = |channel: &str| Reminder {
            channel: channel.to_owned(),
            call: None,
            ..phone.clone()
        };
        assert_eq!(field(phone.check()), None);
        assert_eq!(field(by("phone").check()), Some("call"));
        assert_eq!(field(by("visit").check()), Some("photo_sha256"));
        for channel in ["post", "sms", "email"] {
            assert_eq!(field(by(channel).check()), None, "{channel}");
        }
    }
}
