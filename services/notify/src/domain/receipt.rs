//! Which attempt a receipt is about, and what the receipts of one batch come to, in the order they came.

use std::cmp::Reverse;

use uuid::Uuid;

use super::delivery::Receipt;
use crate::channel::smpp::lookup_ids;

/// What a provider said of one message, ready to be matched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// Id at the provider, in its normal form.
    pub message_id: Option<String>,
    /// What it says.
    pub receipt: Receipt,
    /// The provider's error code.
    pub error: Option<String>,
    /// Our reference, where it is echoed.
    pub reference: Option<i32>,
    /// HMAC of the recipient.
    pub recipient: Vec<u8>,
}

impl Told {
    /// The ids its attempt may be stored under, the most likely first.
    pub fn ids(&self) -> Vec<String> {
        self.message_id.as_deref().map(lookup_ids).unwrap_or_default()
    }
}

/// An attempt that a receipt may be about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// The attempt.
    pub id: Uuid,
    /// Its message.
    pub message_id: Uuid,
    /// Its id at the provider, in the normal form.
    pub provider_message_id: Option<String>,
    /// Our reference on the wire.
    pub wire_reference: i32,
    /// HMAC of the recipient.
    pub recipient: Vec<u8>,
    /// Whether nobody knows if the provider has it.
    pub is_unknown: bool,
    /// What was said of it so far.
    pub receipt: Option<Receipt>,
    /// The provider's error code with it.
    pub error: Option<String>,
}

impl Candidate {
    /// Found by the id it was answered with, or, while nobody knows its fate, by our reference.
    fn may_be(&self, ids: &[String], reference: Option<i32>) -> bool {
        let by_id = self
            .provider_message_id
            .as_ref()
            .is_some_and(|id| ids.contains(id));
        by_id || (self.is_unknown && reference == Some(self.wire_reference))
    }

    /// The id as it was answered is enough; another reading of it, or no id at all, needs the recipient and our
    /// reference where it is echoed (delivery.md 2.5).
    fn is_meant(&self, told: &Told) -> bool {
        if self.provider_message_id.is_some() && self.provider_message_id == told.message_id {
            return true;
        }
        let same_person = self.recipient == told.recipient;
        match (told.reference, &self.provider_message_id) {
            (Some(reference), _) => same_person && reference == self.wire_reference,
            (None, Some(_)) => same_person,
            (None, None) => false,
        }
    }

    /// Whether it says something new. What is final stays; a receipt proves that the provider has it.
    fn hear(&mut self, told: &Told) -> bool {
        if self.receipt.is_some_and(Receipt::is_final) {
            return false;
        }
        let before = self.clone();
        self.receipt = Some(told.receipt);
        self.error.clone_from(&told.error);
        self.is_unknown = false;
        if self.provider_message_id.is_none() {
            self.provider_message_id.clone_from(&told.message_id);
        }
        *self != before
    }
}

/// What a batch of receipts comes to.
#[derive(Debug, PartialEq, Eq)]
pub struct Heard {
    /// Attempts as they stand now, where something changed.
    pub changed: Vec<Candidate>,
    /// For each receipt, in order, whether its attempt was among the candidates.
    pub is_matched: Vec<bool>,
}

/// Matches receipts with attempts, one after the other: what one says of an attempt is known to the next.
pub fn hear(mut candidates: Vec<Candidate>, told: &[Told]) -> Heard {
    // Providers use their ids again; the latest attempt is the one spoken of.
    candidates.sort_by_key(|one| Reverse(one.id));
    let mut is_new = vec![false; candidates.len()];
    let mut is_matched = Vec::with_capacity(told.len());
    for one in told {
        let place = meant(&candidates, one);
        if let Some(place) = place {
            is_new[place] |= candidates[place].hear(one);
        }
        is_matched.push(place.is_some());
    }
    let changed = candidates.into_iter().zip(is_new);
    Heard {
        changed: changed
            .filter(|(_, is_new)| *is_new)
            .map(|(one, _)| one)
            .collect(),
        is_matched,
    }
}

/// An id as it was answered goes before other readings of it.
fn meant(candidates: &[Candidate], told: &Told) -> Option<usize> {
    let ids = told.ids();
    let fits = |one: &Candidate| one.may_be(&ids, told.reference) && one.is_meant(told);
    let exact = |one: &Candidate| one.provider_message_id == told.message_id && fits(one);
    candidates
        .iter()
        .position(exact)
        .or_else(|| candidates.iter().position(fits))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attempt(number: u128, id: Option<&str>) -> Candidate {
        Candidate {
            id: Uuid::from_u128(number),
            message_id: Uuid::from_u128(100 + number),
            provider_message_id: id.map(str::to_owned),
            wire_reference: 7,
            recipient: vec![1],
            is_unknown: id.is_none(),
            receipt: None,
            error: None,
        }
    }

    fn told(id: Option<&str>, receipt: Receipt, reference: Option<i32>) -> Told {
        Told {
            message_id: id.map(str::to_owned),
            receipt,
            error: None,
            reference,
            recipient: vec![1],
        }
    }

    fn said(heard: &Heard) -> Vec<(u128, Receipt)> {
        let changed = heard.changed.iter();
        changed
            .map(|one| (one.id.as_u128(), one.receipt.expect("something was said")))
            .collect()
    }

    #[test]
    fn the_first_final_word_stays() {
        use Receipt::{Delivered, Lost, UnderWay};
        for (words, last) in [
            (&[UnderWay, Delivered, Lost][..], Delivered),
            (&[Lost, Delivered, UnderWay], Lost),
            (&[UnderWay, UnderWay], UnderWay),
        ] {
            let all: Vec<Told> = words.iter().map(|word| told(Some("a"), *word, None)).collect();
            let heard = hear(vec![attempt(1, Some("a"))], &all);
            assert_eq!(said(&heard), [(1, last)], "{words:?}");
            assert_eq!(heard.is_matched, vec![true; words.len()]);
        }
    }

    #[test]
    fn a_repeat_changes_nothing() {
        let mut done = attempt(1, Some("a"));
        done.receipt = Some(Receipt::Delivered);
        let heard = hear(vec![done], &[told(Some("a"), Receipt::Delivered, None)]);
        assert_eq!((said(&heard), heard.is_matched), (vec![], vec![true]));
    }

    /// Our reference finds the attempt nobody knew the fate of; the id that came with it is known to the next receipt, and
    /// from then on the reference alone is not enough.
    #[test]
    fn what_one_receipt_says_is_known_to_the_next() {
        let all = [
            told(Some("b"), Receipt::UnderWay, None),
            told(Some("b"), Receipt::UnderWay, Some(7)),
            told(Some("b"), Receipt::Delivered, None),
            told(None, Receipt::Lost, Some(7)),
        ];
        let heard = hear(vec![attempt(1, None)], &all);
        assert_eq!(said(&heard), [(1, Receipt::Delivered)]);
        assert_eq!(heard.is_matched, [false, true, true, false]);
        assert_eq!(heard.changed[0].provider_message_id.as_deref(), Some("b"));
        assert!(!heard.changed[0].is_unknown);
    }

    #[test]
    fn another_reading_of_an_id_needs_the_person() {
        let decimal = [told(Some("10"), Receipt::Delivered, None)];
        let mut stranger = attempt(1, Some("a"));
        stranger.recipient = vec![2];
        assert_eq!(hear(vec![stranger.clone()], &decimal).is_matched, [false]);
        let both = vec![stranger, attempt(2, Some("a"))];
        assert_eq!(said(&hear(both, &decimal)), [(2, Receipt::Delivered)]);
        // The id as it stands goes before the other reading.
        let both = vec![attempt(3, Some("a")), attempt(2, Some("10"))];
        assert_eq!(said(&hear(both, &decimal)), [(2, Receipt::Delivered)]);
    }

    #[test]
    fn an_id_used_again_means_the_latest_attempt() {
        let both = vec![attempt(1, Some("a")), attempt(2, Some("a"))];
        let heard = hear(both, &[told(Some("a"), Receipt::Delivered, None)]);
        assert_eq!(said(&heard), [(2, Receipt::Delivered)]);
    }
}
