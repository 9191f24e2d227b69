//! Several proofs that one notice reached the customer (domain.md 4.1, 5.5 no. 15). All are kept. The best by rank is the
//! proof; the first of them is the moment from which the days count. What falls away leaves the others.

use serde::{Deserialize, Serialize};

use super::{
    Effect, Facts, Instant, Refusal, State,
    case::{Basis, Case, Filing, Notice, Served},
    proof::Proof,
    transition::{class_served, open_way},
};

/// One proof of service, with the lawful window it opens by itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Proven {
    /// The evidence.
    pub proof: Proof,
    /// Begin of its window.
    pub opens_at: Instant,
    /// Its end.
    pub ends_at: Instant,
}

/// What is shown of a service.
pub(super) struct Shown<'a> {
    pub(super) proof: &'a Proof,
    pub(super) filing: &'a Option<Filing>,
    pub(super) occupants: &'a Option<String>,
}

impl Served {
    /// Every proof that stands, the one that holds first; of equal rank the earlier one.
    pub fn proofs(&self) -> Vec<Proven> {
        if !self.all.is_empty() {
            return self.all.clone();
        }
        vec![Proven {
            proof: self.proof.clone(),
            opens_at: self.opens_at,
            ends_at: self.ends_at,
        }]
    }

    /// The moment from which the days count: the first service that stands.
    pub fn counts_from(&self) -> Instant {
        let others = self.all.iter().map(|one| one.proof.served_at);
        others.fold(self.proof.served_at, Instant::min)
    }

    /// The same service on these proofs; `None`: none is left.
    fn on(mut self, mut proofs: Vec<Proven>) -> Option<Self> {
        proofs.sort_by_key(|one| (one.proof.method, one.proof.served_at));
        let first = proofs.iter().min_by_key(|one| one.proof.served_at)?;
        (self.opens_at, self.ends_at) = (first.opens_at, first.ends_at);
        self.proof = proofs.first()?.proof.clone();
        self.all = if proofs.len() > 1 { proofs } else { Vec::new() };
        Some(self)
    }
}

/// The first proof of a notice.
pub(super) fn first(
    case: &Case,
    (basis, notice): (Basis, Notice),
    shown: &Shown<'_>,
    facts: &Facts<'_>,
    now: Instant,
) -> Result<Served, Refusal> {
    let proven = proven(case, (&basis, &notice), shown, facts, now)?;
    Ok(Served {
        basis,
        notice,
        proof: proven.proof,
        all: Vec::new(),
        filing: shown.filing.clone(),
        occupants: shown.occupants.clone(),
        opens_at: proven.opens_at,
        ends_at: proven.ends_at,
    })
}

/// One more proof of a notice that was served already; the same one again changes nothing.
pub(super) fn another(
    case: &Case,
    mut served: Served,
    shown: &Shown<'_>,
    facts: &Facts<'_>,
    now: Instant,
) -> Result<Served, Refusal> {
    let mut proofs = served.proofs();
    if proofs.iter().any(|one| one.proof == *shown.proof) {
        return Ok(served);
    }
    served.filing = served.filing.or_else(|| shown.filing.clone());
    served.occupants = served.occupants.or_else(|| shown.occupants.clone());
    let shown = Shown {
        filing: &served.filing,
        occupants: &served.occupants,
        ..*shown
    };
    proofs.push(proven(case, (&served.basis, &served.notice), &shown, facts, now)?);
    let kept = served.clone();
    Ok(served.on(proofs).unwrap_or(kept))
}

/// Whether it is one, for this notice, by the rule of the class, and carries the stop time that was notified.
fn proven(
    case: &Case,
    (basis, notice): (&Basis, &Notice),
    shown: &Shown<'_>,
    facts: &Facts<'_>,
    now: Instant,
) -> Result<Proven, Refusal> {
    let needs = open_way(case, facts)?;
    let (proof, stop_at) = (shown.proof, notice.stop_at);
    proof.check(notice.issued_at, now)?;
    filed(shown.filing.as_ref(), notice.issued_at, now)?;
    let (is_filed, told) = (shown.filing.is_some(), shown.occupants.is_some());
    class_served(needs, proof.method.is_visit(), is_filed, told)?;
    let carries = facts.law.carries(case, &basis.reminder, proof.served_at, stop_at);
    carries.map_err(|no| Refusal::EmptyWindow {
        stop_at,
        serve_by: Some(notice.serve_by),
        because: no.because,
    })?;
    let (opens_at, ends_at) = facts.law.window(case, basis, proof.served_at, stop_at)?;
    Ok(Proven {
        proof: proof.clone(),
        opens_at,
        ends_at,
    })
}

/// The authority gets a copy of what was written, so not before; and what will be filed is not filed.
fn filed(filing: Option<&Filing>, issued_at: Instant, now: Instant) -> Result<(), Refusal> {
    match filing {
        Some(filing) if filing.at < issued_at || filing.at > now => Err(Refusal::Proof {
            field: "filed_at",
            must: "must lie between the issue of the notice and now",
        }),
        _ => Ok(()),
    }
}

/// The case on the proofs that stand. None: the notice stands and has to be served again, in its time. One whose window is still
/// ahead: it waits for that, and a last warning is given anew.
pub(super) fn rest_on(
    case: &mut Case,
    served: Served,
    stands: impl Fn(&Proof) -> bool,
    now: Instant,
) -> Vec<Effect> {
    let mut proofs = served.proofs();
    proofs.retain(|one| stands(&one.proof));
    if proofs.len() == served.proofs().len() {
        return Vec::new();
    }
    let (basis, notice) = (served.basis.clone(), served.notice.clone());
    let Some(served) = served.on(proofs) else {
        case.state = State::NoticeIssued { basis, notice };
        return vec![Effect::StopCrew];
    };
    if served.opens_at > now {
        let was_warned = matches!(case.state, State::PreNoticed { .. });
        case.state = State::NoticeServed { served };
        return if was_warned {
            vec![Effect::StopCrew]
        } else {
            Vec::new()
        };
    }
    case.state = with(case.state.clone(), served);
    Vec::new()
}

/// The same state on this service.
pub(super) fn with(state: State, served: Served) -> State {
    match state {
        State::NoticeServed { .. } => State::NoticeServed { served },
        State::WindowOpen { unused, .. } => State::WindowOpen { served, unused },
        State::PreNoticed { pre_notice, .. } => State::PreNoticed { served, pre_notice },
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::domain::{
        Event, Locks, Premises,
        class::Class,
        given::{TERMS, apply, call, in_state, law, local, posted},
        known::Known,
        proof::Method,
    };

    fn go(case: &Case, event: &Event, at: Instant) -> Result<(Case, Vec<Effect>), Refusal> {
        let law = law();
        let facts = Facts {
            law: &law,
            terms: &TERMS,
            premises: Premises::Supplied,
            locks: &Locks::Free,
            release: None,
        };
        apply(case, event, &facts, at)
    }

    fn by(method: Method, served_at: &str) -> Proof {
        let mut proof = posted(local(served_at));
        proof.method = method;
        match method {
            Method::SignedReceipt => proof.signature_sha256 = Some("12".repeat(32)),
            Method::RecordedCall => {
                (proof.record, proof.call) = (Some("call 5".to_owned()), Some(call()));
            }
            Method::ESignature | Method::RegisteredMail => proof.record = Some("record 5".to_owned()),
            _ => {}
        }
        proof
    }

    fn serve(proof: Proof) -> Event {
        Event::Serve {
            proof,
            filing: None,
            occupants: None,
        }
    }

    /// The case of [`in_state`] whose only proof so far is `proof`.
    fn served(state: &str, proof: Proof) -> (Case, Instant) {
        let (mut case, at) = in_state(state);
        case.reminders.iter_mut().for_each(|one| one.call = None);
        let mut only = case.state.served().cloned().expect("served");
        only.basis.reminder.call = None;
        only.proof = proof;
        case.state = with(case.state.clone(), only);
        if let State::PreNoticed { pre_notice, .. } = &mut case.state {
            pre_notice.call = None;
        }
        (case, at)
    }

    fn held(case: &Case) -> Vec<Method> {
        let proofs = case.state.served().map(Served::proofs).unwrap_or_default();
        proofs.iter().map(|one| one.proof.method).collect()
    }

    const SERVICES: [Method; 5] = [
        Method::ESignature,
        Method::SignedReceipt,
        Method::RecordedCall,
        Method::RegisteredMail,
        Method::PostedWithWitness,
    ];

    #[test]
    fn of_two_proofs_the_better_one_holds_whichever_came_first() {
        for (n, better) in SERVICES.into_iter().enumerate() {
            for worse in SERVICES.into_iter().skip(n + 1) {
                for (one, other) in [(better, worse), (worse, better)] {
                    let (case, at) = served("notice_served", by(one, "08-10 09:00"));
                    let (after, effects) = go(&case, &serve(by(other, "08-10 09:10")), at).expect("a proof");
                    assert_eq!(held(&after), [better, worse]);
                    assert_eq!(after.state.served().map(|s| s.proof.method), Some(better));
                    assert!(effects.is_empty());
                }
            }
        }
    }

    #[test]
    fn no_text_message_is_ever_one_of_them() {
        let (case, at) = served("notice_served", by(Method::RegisteredMail, "08-10 09:00"));
        for method in [Method::DeliveredSms, Method::SentSms] {
            let refused = go(&case, &serve(by(method, "08-10 09:10")), at);
            assert_eq!(refused, Err(Refusal::NotService(method)));
        }
        let (issued, at) = in_state("notice_issued");
        let texted = serve(by(Method::DeliveredSms, "08-06 10:00"));
        assert_eq!(
            go(&issued, &texted, at),
            Err(Refusal::NotService(Method::DeliveredSms))
        );
    }

    /// domain.md 5.5 no. 15: the first effective notice counts, not the last and not the best.
    #[test]
    fn the_days_count_from_the_first_that_stands() {
        let (case, at) = served("notice_served", by(Method::PostedWithWitness, "08-10 09:00"));
        let before = case.state.served().cloned().expect("served");
        let (after, _) = go(&case, &serve(by(Method::ESignature, "08-10 09:20")), at).expect("a proof");
        let now = after.state.served().expect("served");
        assert_eq!(now.counts_from(), local("08-10 09:00"));
        assert_eq!((now.opens_at, now.ends_at), (before.opens_at, before.ends_at));
    }

    #[test]
    fn without_the_one_that_falls_the_next_holds() {
        for state in ["notice_served", "window_open", "pre_noticed"] {
            let (case, at) = served(state, by(Method::RecordedCall, "08-10 08:50"));
            let (both, _) =
                go(&case, &serve(by(Method::PostedWithWitness, "08-10 09:00")), at).expect("a proof");
            assert_eq!(held(&both), [Method::RecordedCall, Method::PostedWithWitness]);
            let stranger = Event::Stranger {
                contact: call().contact,
            };
            let (left, effects) = go(&both, &stranger, at).expect("found at any time");
            assert_eq!(
                (left.state.word(), held(&left)),
                (state, vec![Method::PostedWithWitness])
            );
            assert_eq!(
                left.state.served().map(Served::counts_from),
                Some(local("08-10 09:00"))
            );
            assert!(effects.is_empty(), "{state}: {effects:?}");
            let nobody = Event::Stranger { contact: Uuid::nil() };
            assert_eq!(go(&both, &nobody, at).expect("any"), (both.clone(), Vec::new()));
        }
    }

    /// The door was later than the call: on the door alone the window is still ahead, and the crew goes home.
    #[test]
    fn a_proof_whose_window_is_ahead_makes_the_case_wait() {
        let (case, at) = served("pre_noticed", by(Method::RecordedCall, "08-10 08:50"));
        let (both, _) = go(&case, &serve(by(Method::PostedWithWitness, "08-10 09:40")), at).expect("a proof");
        assert_eq!(both.state.word(), "pre_noticed");
        let stranger = Event::Stranger {
            contact: call().contact,
        };
        let (left, effects) = go(&both, &stranger, at).expect("found at any time");
        assert_eq!(left.state.word(), "notice_served");
        assert_eq!(effects, [Effect::StopCrew]);
    }

    #[test]
    fn a_stricter_class_rests_on_the_proof_it_asks_for() {
        let (case, at) = served("notice_served", by(Method::PostedWithWitness, "08-10 09:00"));
        let (mut both, _) = go(&case, &serve(by(Method::RecordedCall, "08-10 09:10")), at).expect("a proof");
        assert_eq!(
            both.state.served().map(|s| s.proof.method),
            Some(Method::RecordedCall)
        );
        if let State::NoticeServed { served } = &mut both.state {
            served.basis.approval.manager = true;
        }
        let known = Known {
            class: Class::Vulnerable,
            meter_no: both.meter_no.clone(),
            elsewhere: false,
        };
        let (after, _) = go(&both, &Event::Registry(known), at).expect("known at any time");
        assert_eq!(
            (after.state.word(), held(&after)),
            ("notice_served", vec![Method::PostedWithWitness])
        );
    }

    #[test]
    fn what_carries_nothing_is_refused_and_the_same_again_changes_nothing() {
        let proof = by(Method::PostedWithWitness, "08-10 09:00");
        let (case, at) = served("window_open", proof.clone());
        assert_eq!(
            go(&case, &serve(proof), at).expect("the same"),
            (case.clone(), Vec::new())
        );
        let late = go(&case, &serve(by(Method::ESignature, "08-12 09:00")), at);
        assert!(matches!(late, Err(Refusal::EmptyWindow { .. })), "{late:?}");
    }
}
