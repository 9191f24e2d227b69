//! Every way into triage.

use super::*;

fn known(class: &str) -> Option<KnownOutage> {
    Some(KnownOutage {
        incident: (class == "FAULT").then(IncidentId::new),
        off_at: None,
        etr_at: None,
        announced_end_at: None,
        cause: String::new(),
        class: class.to_owned(),
        outage: String::new(),
        confirmed: false,
    })
}

/// Credit and relay are read first; a fault above, a fault or planned work in the ledger, a closed relay and danger are told as such.
#[test]
fn used_up_credit_is_blamed_only_when_the_meter_itself_is_open_and_nothing_else_is_wrong() {
    let spent = || Seen {
        on_the_grid: true,
        credit_out: true,
        relay_open: Some(true),
        ..Seen::default()
    };
    let cases = [
        (spent(), "prepaid"),
        (
            Seen {
                neighbours: Neighbours::On,
                ..spent()
            },
            "prepaid",
        ),
        (
            Seen {
                no_answer: true,
                ..spent()
            },
            "prepaid",
        ),
        (
            Seen {
                known: known("ARREARS"),
                ..spent()
            },
            "prepaid",
        ),
        (
            Seen {
                danger: true,
                ..spent()
            },
            "new",
        ),
        (
            Seen {
                left: true,
                ..spent()
            },
            "left",
        ),
        (
            Seen {
                fault_above: true,
                ..spent()
            },
            "new",
        ),
        (
            Seen {
                known: known("FAULT"),
                ..spent()
            },
            "known_outage",
        ),
        (
            Seen {
                known: known("PLANNED"),
                ..spent()
            },
            "known_outage",
        ),
        (
            Seen {
                relay_open: Some(false),
                ..spent()
            },
            "new",
        ),
        (
            Seen {
                relay_open: None,
                ..spent()
            },
            "new",
        ),
        (
            Seen {
                credit_out: false,
                ..spent()
            },
            "new",
        ),
    ];
    for (seen, word) in cases {
        assert_eq!(
            triage(seen.clone(), DateTime::UNIX_EPOCH).word(),
            word,
            "{seen:?}"
        );
    }
    assert_eq!(Triage::Prepaid.standing(), Standing::Closed("prepaid".to_owned()));
}

#[test]
fn danger_is_never_swallowed_and_doubt_never_blocks() {
    let grid = || Seen {
        on_the_grid: true,
        ..Seen::default()
    };
    let cases = [
        (grid(), "new", "open"),
        (Seen::default(), "undetermined", "open"),
        (
            Seen {
                known: known("FAULT"),
                ..grid()
            },
            "known_outage",
            "open",
        ),
        (
            Seen {
                known: known("PLANNED"),
                ..grid()
            },
            "known_outage",
            "closed",
        ),
        (Seen { left: true, ..grid() }, "left", "open"),
        (
            Seen {
                neighbours: Neighbours::On,
                ..grid()
            },
            "customer_side",
            "helping",
        ),
        (
            Seen {
                neighbours: Neighbours::Off,
                ..grid()
            },
            "new",
            "open",
        ),
        (
            Seen {
                neighbours: Neighbours::On,
                fault_above: true,
                ..grid()
            },
            "new",
            "open",
        ),
        (
            Seen {
                no_answer: true,
                ..grid()
            },
            "undetermined",
            "open",
        ),
        (
            Seen {
                no_answer: true,
                neighbours: Neighbours::On,
                ..grid()
            },
            "undetermined",
            "open",
        ),
        // Arrears: only when the meter says so too, and never while a fault lies above.
        (
            Seen {
                known: known("ARREARS"),
                relay_open: Some(true),
                ..grid()
            },
            "cut",
            "closed",
        ),
        (
            Seen {
                known: known("ARREARS"),
                relay_open: Some(false),
                ..grid()
            },
            "undetermined",
            "open",
        ),
        (
            Seen {
                known: known("ARREARS"),
                ..grid()
            },
            "undetermined",
            "open",
        ),
        (
            Seen {
                known: known("ARREARS"),
                relay_open: Some(true),
                fault_above: true,
                ..grid()
            },
            "new",
            "open",
        ),
        (
            Seen {
                known: known("CUSTOMER_REQUEST"),
                relay_open: Some(true),
                ..grid()
            },
            "own_request",
            "closed",
        ),
    ];
    for (seen, word, standing) in cases {
        let made = triage(seen.clone(), DateTime::UNIX_EPOCH);
        assert_eq!(
            (made.word(), made.standing().word()),
            (word, standing),
            "{seen:?}"
        );
        let danger = Seen {
            danger: true,
            ..seen.clone()
        };
        let danger = triage(danger, DateTime::UNIX_EPOCH);
        assert!(["new", "undetermined"].contains(&danger.word()), "{seen:?}");
        assert_eq!(danger.standing(), Standing::Open);
    }
}

/// domain.md 5.5 no. 26: up to the announced end it is the plan, from then on a fault.
#[test]
fn planned_work_explains_nothing_after_its_announced_end() {
    let end: DateTime<Utc> = "2026-03-09T07:00:00Z".parse().unwrap();
    let word = |class: &str, now| {
        let known = known(class).map(|known| KnownOutage {
            announced_end_at: ["PLANNED", "TEMPORARY"].contains(&class).then_some(end),
            ..known
        });
        let seen = Seen {
            on_the_grid: true,
            known,
            ..Seen::default()
        };
        triage(seen, now).word()
    };
    let before = end - chrono::TimeDelta::seconds(1);
    for class in ["PLANNED", "TEMPORARY"] {
        assert_eq!(
            (word(class, before), word(class, end)),
            ("known_outage", "new"),
            "{class}"
        );
    }
    assert_eq!(
        word("FAULT", end),
        "known_outage",
        "an estimate that passed ends no fault"
    );
}
