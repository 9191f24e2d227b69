//! What one state of an incident opens: the reporters' records from their reports, and, once a device is confirmed,
//! everybody below it from the incident's begin (domain.md 5.1: from `t_off` if known, else the first report).

use std::collections::{BTreeMap, BTreeSet};

use super::record::{Claim, CustomerId, IncidentId, Instant, Open};

/// Life of an incident at intake.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Being worked on.
    Open,
    /// Part of another one now; its customers went there.
    Merged(IncidentId),
    /// Over.
    Closed,
}

/// What opens records: one version of an incident.
#[derive(Debug, Clone)]
pub struct Incident {
    /// Its id.
    pub id: IncidentId,
    /// The incident that accounts for its customers: itself, or what it was merged into in the end.
    pub holder: IncidentId,
    /// A device was confirmed: not a guess any more.
    pub confirmed: bool,
    /// When supply is taken to have ended.
    pub off_at: Instant,
    /// Times of the reports of each customer.
    pub reporters: BTreeMap<CustomerId, BTreeSet<Instant>>,
    /// Members of the confirmed affected set, when it is new or changed.
    pub members: Option<BTreeSet<CustomerId>>,
    /// The set is new by a switching.
    pub moved: Option<Moved>,
}

/// What a switching made of an affected set while its reason goes on (domain.md 5.5 no. 13).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Moved {
    /// When it was switched.
    pub at: Instant,
    /// Who hangs on it only now.
    pub joined: BTreeSet<CustomerId>,
    /// Who is fed another way.
    pub left: BTreeSet<CustomerId>,
}

impl Moved {
    /// From the members before and after a switching at `at`.
    pub fn of(at: Instant, was: &BTreeSet<CustomerId>, now: &BTreeSet<CustomerId>) -> Self {
        Self {
            at,
            joined: now.difference(was).copied().collect(),
            left: was.difference(now).copied().collect(),
        }
    }
}

/// When a customer last came back, as far as it matters here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Back {
    /// By any restoration.
    pub any_at: Instant,
    /// By one of this very incident.
    pub here_at: Option<Instant>,
}

/// What to do for one customer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Act {
    /// A new record.
    Open(Claim),
    /// Another incident holds the record: this claim waits, the record begins no later than the claim.
    Wait(Claim),
    /// The record is there; note the later report.
    Note(CustomerId, Instant),
}

impl Incident {
    /// Everybody this version may concern.
    pub fn concerned(&self) -> BTreeSet<CustomerId> {
        let members = self.members.iter().flatten().copied();
        self.reporters.keys().copied().chain(members).collect()
    }

    /// Everybody [`concerned`](Self::concerned), with their latest report.
    pub fn latest(&self) -> Vec<(CustomerId, Option<Instant>)> {
        let concerned = self.concerned().into_iter();
        concerned
            .map(|customer| (customer, self.reported_at(customer)))
            .collect()
    }

    /// When a switching put this customer off.
    fn joined_at(&self, customer: CustomerId) -> Option<Instant> {
        let moved = self.moved.as_ref()?;
        moved.joined.contains(&customer).then_some(moved.at)
    }

    /// Whose claims that wait are kept: everybody below it, and those a switching just brought back.
    pub fn kept(&self) -> Option<BTreeSet<CustomerId>> {
        let left = self.moved.iter().flat_map(|moved| &moved.left);
        let members = self.members.as_ref()?.iter();
        Some(members.chain(left).copied().collect())
    }

    fn reported_at(&self, customer: CustomerId) -> Option<Instant> {
        self.reporters.get(&customer)?.last().copied()
    }

    /// What this version does for these `customers`, given their open records and returns. Whose record it holds and knows of
    /// their [`latest`](Self::latest) report need not be among them.
    pub fn acts(
        &self,
        customers: &BTreeSet<CustomerId>,
        held: &BTreeMap<CustomerId, Open>,
        back: &BTreeMap<CustomerId, Back>,
    ) -> Vec<Act> {
        customers
            .iter()
            .filter_map(|customer| self.act(*customer, held.get(customer), back.get(customer)))
            .collect()
    }

    fn act(&self, customer: CustomerId, held: Option<&Open>, back: Option<&Back>) -> Option<Act> {
        let reported_at = self.reported_at(customer);
        match held {
            Some(open) if open.claim.incident == self.holder => {
                let later =
                    reported_at.filter(|at| open.claim.reported_at.is_none_or(|known| known < *at))?;
                Some(Act::Note(customer, later))
            }
            Some(_) => self.claim(customer, back).map(Act::Wait),
            None => self.claim(customer, back).map(Act::Open),
        }
    }

    /// This incident's reason for `customer` to be off; none for those it restored already and who did not report since.
    fn claim(&self, customer: CustomerId, back: Option<&Back>) -> Option<Claim> {
        let times = self.reporters.get(&customer);
        let here_at = back.and_then(|back| back.here_at);
        let joined_at = self.joined_at(customer);
        let again_at = here_at.map(|at| first_after(times, at));
        let (off_at, not_before) = match again_at {
            // Nobody is off by a switching before it, also when the incident turns out to have begun earlier.
            _ if joined_at.is_some_and(|at| here_at.is_none_or(|back| back <= at)) => {
                let begin = joined_at.max(back.map(|back| back.any_at)).unwrap_or(self.off_at);
                (begin, Some(begin))
            }
            // Still off after a restoration: a new interruption from that report (domain.md 5.5 no. 23).
            Some(Some(report)) => (report, Some(report)),
            Some(None) => return None,
            None => {
                let begin = if self.confirmed {
                    self.off_at
                } else {
                    *times?.first()?
                };
                let floor = back.map(|back| back.any_at).filter(|at| *at > begin);
                (floor.unwrap_or(begin), floor)
            }
        };
        Some(Claim {
            customer,
            incident: self.holder,
            origin: self.id,
            off_at,
            not_before,
            reported_at: times.and_then(|times| times.last().copied()),
        })
    }

    /// Whether [`let_go`](Self::let_go) lets nobody go, whatever the records: the device is confirmed, and its set is the one
    /// that was applied.
    pub fn keeps_all(&self) -> bool {
        self.confirmed && self.members.is_none()
    }

    /// Of the open records this incident holds, those it has no reason for any more: of customers who are not below the
    /// device after all and never reported, and of reporters whose reports moved to another incident, which accounts for
    /// them now. Who reported here stays.
    /// `elsewhere`: whose reports other incidents have a claim from. Among those this incident got by a merge only they
    /// are let go: news of the merge and news of the reports come in either order.
    pub fn let_go(&self, own: &[Open], elsewhere: &BTreeSet<CustomerId>) -> Vec<CustomerId> {
        let gone = own.iter().filter(|open| self.lets_go(&open.claim, elsewhere));
        gone.map(|open| open.claim.customer).collect()
    }

    fn lets_go(&self, claim: &Claim, elsewhere: &BTreeSet<CustomerId>) -> bool {
        if self.reporters.contains_key(&claim.customer) {
            return false;
        }
        let is_below = self
            .members
            .as_ref()
            .map(|members| members.contains(&claim.customer));
        if claim.reported_at.is_none() {
            return claim.origin == self.id && is_below == Some(false);
        }
        // Reports of what was merged are those of the holder; only it knows that they left.
        let may_have_left = self.holder == self.id
            && claim.incident == self.id
            && (claim.origin == self.id || elsewhere.contains(&claim.customer));
        may_have_left && (is_below == Some(false) || !self.confirmed)
    }
}

fn first_after(times: Option<&BTreeSet<Instant>>, at: Instant) -> Option<Instant> {
    times?.iter().copied().find(|time| *time > at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::record::{RecordId, StepId};
    use chrono::{DateTime, TimeDelta};

    fn at(minute: i64) -> Instant {
        DateTime::UNIX_EPOCH + TimeDelta::minutes(minute)
    }

    fn incident(confirmed: bool, reports: &[(CustomerId, i64)], members: Option<&[CustomerId]>) -> Incident {
        let mut reporters = BTreeMap::<_, BTreeSet<_>>::new();
        for (customer, minute) in reports {
            reporters.entry(*customer).or_default().insert(at(*minute));
        }
        let id = IncidentId::new();
        let members = members.map(|all| all.iter().copied().collect());
        Incident {
            id,
            holder: id,
            confirmed,
            off_at: at(10),
            reporters,
            members,
            moved: None,
        }
    }

    fn held(claim: Claim) -> BTreeMap<CustomerId, Open> {
        BTreeMap::from([(
            claim.customer,
            Open {
                id: RecordId::new(),
                claim,
                opened_by: StepId::new(),
            },
        )])
    }

    fn only(acts: Vec<Act>) -> Act {
        assert_eq!(acts.len(), 1, "{acts:?}");
        acts.into_iter().next().unwrap()
    }

    fn opened(act: Act) -> (Instant, Option<Instant>) {
        match act {
            Act::Open(claim) => (claim.off_at, claim.not_before),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_guess_opens_the_reporters_from_their_reports_and_nobody_else() {
        let (caller, silent) = (CustomerId::new(), CustomerId::new());
        let guess = incident(false, &[(caller, 12)], None);
        let acts = guess.acts(&guess.concerned(), &BTreeMap::new(), &BTreeMap::new());
        assert_eq!(opened(only(acts)), (at(12), None));
        assert!(!guess.concerned().contains(&silent));
    }

    #[test]
    fn a_confirmed_device_opens_everybody_below_it_from_the_begin() {
        let (caller, silent) = (CustomerId::new(), CustomerId::new());
        let known = incident(true, &[(caller, 12)], Some(&[caller, silent]));
        for act in known.acts(&known.concerned(), &BTreeMap::new(), &BTreeMap::new()) {
            assert_eq!(opened(act), (at(10), None));
        }
        let first = known.acts(&known.concerned(), &BTreeMap::new(), &BTreeMap::new());
        assert_eq!(first.len(), 2);
    }

    #[test]
    fn a_customer_already_restored_is_opened_again_by_a_later_report_only() {
        let caller = CustomerId::new();
        let back = |minute| {
            BTreeMap::from([(
                caller,
                Back {
                    any_at: at(minute),
                    here_at: Some(at(minute)),
                },
            )])
        };
        let known = incident(true, &[(caller, 12), (caller, 40)], Some(&[caller]));
        assert_eq!(known.acts(&known.concerned(), &BTreeMap::new(), &back(50)), []);
        assert_eq!(
            opened(only(known.acts(&known.concerned(), &BTreeMap::new(), &back(30)))),
            (at(40), Some(at(40)))
        );
    }

    #[test]
    fn whom_a_switching_put_off_again_is_off_since_then_and_not_since_the_fault() {
        let (again, new, stays) = (CustomerId::new(), CustomerId::new(), CustomerId::new());
        let (was, now) = (BTreeSet::from([stays]), BTreeSet::from([again, new, stays]));
        let mut fault = incident(true, &[], Some(&[again, new, stays]));
        fault.moved = Some(Moved::of(at(40), &was, &now));
        let back = |minute| Back {
            any_at: at(minute),
            here_at: Some(at(minute)),
        };
        let backs = BTreeMap::from([(again, back(30)), (stays, back(20))]);
        let acts = fault.acts(&BTreeSet::from([again]), &BTreeMap::new(), &backs);
        assert_eq!(opened(only(acts)), (at(40), Some(at(40))));
        let acts = fault.acts(&BTreeSet::from([new]), &BTreeMap::new(), &backs);
        assert_eq!(opened(only(acts)), (at(40), Some(at(40))));
        let acts = fault.acts(&BTreeSet::from([stays]), &BTreeMap::new(), &backs);
        assert_eq!(
            acts,
            [],
            "a crew restored this one, and no switching took it away"
        );
        let later = BTreeMap::from([(again, back(50))]);
        let acts = fault.acts(&BTreeSet::from([again]), &BTreeMap::new(), &later);
        assert_eq!(acts, [], "restored after that switching");
    }

    #[test]
    fn time_that_another_record_counted_is_not_counted_again() {
        let caller = CustomerId::new();
        let back = |minute| {
            BTreeMap::from([(
                caller,
                Back {
                    any_at: at(minute),
                    here_at: None,
                },
            )])
        };
        let known = incident(true, &[], Some(&[caller]));
        assert_eq!(
            opened(only(known.acts(&known.concerned(), &BTreeMap::new(), &back(30)))),
            (at(30), Some(at(30)))
        );
        assert_eq!(
            opened(only(known.acts(&known.concerned(), &BTreeMap::new(), &back(5)))),
            (at(10), None)
        );
    }

    #[test]
    fn a_customer_held_by_another_incident_waits() {
        let caller = CustomerId::new();
        let (first, second) = (
            incident(false, &[(caller, 3)], None),
            incident(true, &[], Some(&[caller])),
        );
        let claim = first.claim(caller, None).unwrap();
        assert_eq!(claim.pulled_back(at(1)), at(1));
        let act = only(second.acts(&second.concerned(), &held(claim), &BTreeMap::new()));
        assert!(matches!(act, Act::Wait(claim) if claim.off_at == at(10) && claim.incident == second.id));
    }

    #[test]
    fn an_own_record_only_notes_a_later_report() {
        let caller = CustomerId::new();
        let before = incident(false, &[(caller, 3)], None);
        let open = held(before.claim(caller, None).unwrap());
        assert_eq!(before.acts(&before.concerned(), &open, &BTreeMap::new()), []);
        let mut after = before.clone();
        after.reporters.entry(caller).or_default().insert(at(9));
        assert_eq!(
            only(after.acts(&after.concerned(), &open, &BTreeMap::new())),
            Act::Note(caller, at(9))
        );
    }

    #[test]
    fn a_corrected_set_withdraws_who_is_not_below_it_but_never_a_reporter() {
        let (caller, silent, kept) = (CustomerId::new(), CustomerId::new(), CustomerId::new());
        let wide = incident(true, &[(caller, 3)], Some(&[caller, silent, kept]));
        let own: Vec<Open> = wide
            .acts(&wide.concerned(), &BTreeMap::new(), &BTreeMap::new())
            .into_iter()
            .map(|act| match act {
                Act::Open(claim) => Open {
                    id: RecordId::new(),
                    claim,
                    opened_by: StepId::new(),
                },
                other => panic!("{other:?}"),
            })
            .collect();
        let narrow = Incident {
            members: Some(BTreeSet::from([kept])),
            ..wide.clone()
        };
        assert_eq!(narrow.let_go(&own, &BTreeSet::new()), [silent]);
        assert_eq!(
            Incident {
                members: None,
                ..wide
            }
            .let_go(&own, &BTreeSet::new()),
            []
        );
    }

    #[test]
    fn a_reporter_whose_report_moved_is_let_go_unless_below_the_confirmed_device() {
        let (stays, moved) = (CustomerId::new(), CustomerId::new());
        let guess = incident(false, &[(stays, 3), (moved, 4)], None);
        let own: Vec<Open> = [stays, moved]
            .into_iter()
            .filter_map(|customer| guess.claim(customer, None))
            .map(|claim| Open {
                id: RecordId::new(),
                claim,
                opened_by: StepId::new(),
            })
            .collect();
        let mut split = guess.clone();
        split.reporters.remove(&moved);
        let nobody = BTreeSet::new();
        assert_eq!(split.let_go(&own, &nobody), [moved]);
        let confirmed = |members: Option<&[CustomerId]>| Incident {
            confirmed: true,
            members: members.map(|all| all.iter().copied().collect()),
            ..split.clone()
        };
        assert_eq!(confirmed(Some(&[stays])).let_go(&own, &nobody), [moved]);
        assert_eq!(confirmed(Some(&[stays, moved])).let_go(&own, &nobody), []);
        let merged = Incident {
            holder: IncidentId::new(),
            reporters: BTreeMap::new(),
            ..split.clone()
        };
        assert_eq!(
            merged.let_go(&own, &nobody),
            [],
            "what it was merged into has the reports"
        );
        let mut got_by_merge = own.clone();
        got_by_merge[1].claim.origin = IncidentId::new();
        assert_eq!(split.let_go(&got_by_merge, &nobody), []);
        assert_eq!(split.let_go(&got_by_merge, &BTreeSet::from([moved])), [moved]);
    }
}
