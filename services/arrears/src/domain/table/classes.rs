//! What the class of a customer asks of the service of a notice (operations.md O10, O12).

use super::go;
use crate::domain::{
    Case, Event, Refusal,
    case::Filing,
    class::Class,
    given::{in_state, local, posted},
    proof::{Method, Proof},
};

#[test]
fn a_class_is_served_by_its_own_rule() {
    let filing = Some(Filing {
        at: local("08-10 09:00"),
        receipt: "authority 5".to_owned(),
    });
    let mail = |proof: &mut Proof| {
        proof.method = Method::RegisteredMail;
        proof.record = Some("EMS 1".to_owned());
    };
    let table = [
        (Class::Hospital, true, false, false, Some("filing")),
        (Class::Hospital, false, true, false, None),
        (Class::Vulnerable, false, false, false, Some("method")),
        (Class::Vulnerable, true, false, false, None),
        (Class::Shared, true, true, false, Some("occupants")),
        (Class::Shared, true, true, true, None),
    ];
    for (class, visit, filed, occupants, field) in table {
        let (issued, _) = in_state("notice_issued");
        let issued = Case { class, ..issued };
        let mut proof = posted(local("08-10 09:00"));
        if !visit {
            mail(&mut proof);
        }
        let event = Event::Serve {
            proof,
            filing: filing.clone().filter(|_| filed),
            occupants: occupants.then(|| "posted in the hall".to_owned()),
        };
        let refused = go(&issued, &event, local("08-10 12:00")).err();
        assert_eq!(
            refused.as_ref().and_then(Refusal::field),
            field,
            "{class:?}: {refused:?}"
        );
    }
}

/// A copy at the authority is of a notice that is written, and lies there.
#[test]
fn the_copy_at_the_authority_is_neither_of_before_the_notice_nor_to_come() {
    let (issued, _) = in_state("notice_issued");
    let issued = Case {
        class: Class::Hospital,
        ..issued
    };
    let now = local("08-10 12:00");
    for (at, field) in [
        ("08-06 09:59", Some("filed_at")),
        ("08-06 10:00", None),
        ("08-10 12:00", None),
        ("08-10 12:01", Some("filed_at")),
        ("12-31 10:00", Some("filed_at")),
    ] {
        let event = Event::Serve {
            proof: posted(local("08-10 09:00")),
            filing: Some(Filing {
                at: local(at),
                receipt: "authority 5".to_owned(),
            }),
            occupants: None,
        };
        let refused = go(&issued, &event, now).err();
        assert_eq!(
            refused.as_ref().and_then(Refusal::field),
            field,
            "{at}: {refused:?}"
        );
    }
}
