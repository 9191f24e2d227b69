//! What the events of intake and dispatch do to the ledger.

use relight_common::{Code, Coded, dead_letter, reconcile::Reconciler};
use relight_insight::{domain::record::CustomerId, upkeep::Upkeep};
use relight_proto::{
    common::v1::Point,
    events::v1::{IncidentChanged, Reporter},
};

use uuid::Uuid;

use crate::given::{Incident, at, people, world};

#[tokio::test]
async fn a_guess_puts_only_the_reporters_off_and_a_confirmed_device_everybody_below_it() -> anyhow::Result<()>
{
    let world = world().await?;
    let who = people(5);
    let mut fault = Incident::reported(&[(who[0], 3), (who[1], 7)]);
    world.incident(&fault).await?;
    assert_eq!(world.off_since().await?, [(who[0], 3), (who[1], 7)]);
    world.confirm(&mut fault, &who).await?;
    let expected: Vec<_> = who.iter().map(|id| (*id, 3)).collect();
    assert_eq!(world.off_since().await?, expected);
    let steps = world.told().await?;
    assert_eq!(
        steps
            .iter()
            .map(|s| (s.kind.as_str(), s.customers))
            .collect::<Vec<_>>(),
        [("opened", 2), ("opened", 3)]
    );
    Ok(())
}

#[tokio::test]
async fn an_older_or_repeated_state_changes_nothing() -> anyhow::Result<()> {
    let world = world().await?;
    let who = people(3);
    let mut fault = Incident::reported(&[(who[0], 3)]);
    let first = fault.clone();
    world.incident(&fault).await?;
    world.confirm(&mut fault, &who).await?;
    let before = world.off().await?;
    world.incident(&first).await?;
    world.incident(&fault).await?;
    assert_eq!(world.off().await?, before);
    assert_eq!(world.told().await?.len(), 2);
    Ok(())
}

#[tokio::test]
async fn a_section_ends_the_records_of_its_customers_and_the_rest_ends_with_all() -> anyhow::Result<()> {
    let world = world().await?;
    let who = people(4);
    let mut fault = Incident::reported(&[(who[0], 0)]);
    world.confirm(&mut fault, &who).await?;
    world.restore(&fault, 30, Some(&who[..2])).await?;
    assert_eq!(world.off_since().await?, [(who[2], 0), (who[3], 0)]);
    world.restore(&fault, 50, None).await?;
    assert!(world.off().await?.is_empty());
    assert_eq!(world.minutes().await?, 2 * 30 + 2 * 50);
    // A later state with the same set puts nobody off again.
    world.incident(fault.next(|told| told.urge_count = 1)).await?;
    assert!(world.off().await?.is_empty());
    let steps = world.told().await?;
    assert_eq!(steps.iter().map(|s| s.customers).collect::<Vec<_>>(), [4, 2, 2]);
    let named: Vec<String> = who[..2].iter().map(ToString::to_string).collect();
    assert_eq!(world.step_members(&steps[1].step_id, 1).await?, named);
    Ok(())
}

#[tokio::test]
async fn a_restoration_that_comes_before_its_incident_waits_for_it() -> anyhow::Result<()> {
    let world = world().await?;
    let who = people(2);
    let mut fault = Incident::reported(&[(who[0], 0)]);
    world.incident(&fault).await?;
    let early = fault.clone();
    let set = world.set(&who);
    fault.next(|told| {
        told.confirmed = true;
        told.affected_set_id = set;
    });
    let mut step = world.step(&fault, "restored", 20);
    step.all = true;
    let event = world.event("workorder.step", &step.order_id, 1, &step);
    assert_eq!(world.attempt(&event).await.unwrap_err().code(), Code::Unavailable);
    world.nothing_parked().await?;
    assert_eq!(world.off_since().await?, [(who[0], 0)], "nothing was half done");
    assert!(early.version < fault.version);
    world.incident(&fault).await?;
    world.apply("dispatch", vec![event]).await?;
    assert_eq!(world.minutes().await?, 40);
    Ok(())
}

#[tokio::test]
async fn a_step_that_waits_for_a_parked_incident_is_parked_too() -> anyhow::Result<()> {
    let world = world().await?;
    let mut fault = Incident::reported(&[]);
    fault.told.state = "exploded".to_owned();
    let broken = world.event("incident.changed", &fault.told.incident_id, 1, &fault.told);
    world.apply("intake", vec![broken]).await?;
    let step = world.step(&fault, "dispatched", 1);
    let event = world.event("workorder.step", &step.order_id, 1, &step);
    world.apply("dispatch", vec![event]).await?;
    let letters = dead_letter::open(world.db.pool(), Some("dispatch"), None).await?;
    assert!(letters[0].reason.contains("parked"), "{}", letters[0].reason);
    Ok(())
}

#[tokio::test]
async fn the_same_step_twice_restores_once() -> anyhow::Result<()> {
    let world = world().await?;
    let who = people(2);
    let mut fault = Incident::reported(&[(who[0], 0)]);
    world.confirm(&mut fault, &who).await?;
    let mut step = world.step(&fault, "restored", 20);
    step.all = true;
    let mut event = world.event("workorder.step", &step.order_id, 1, &step);
    world.apply("dispatch", vec![event.clone()]).await?;
    // An operator puts the same event back: it carries the same id at a later place.
    event.seq += 1;
    world.apply("dispatch", vec![event]).await?;
    assert_eq!((world.minutes().await?, world.told().await?.len()), (40, 2));
    Ok(())
}

#[tokio::test]
async fn who_reports_after_the_restoration_is_still_off_whichever_is_heard_first() -> anyhow::Result<()> {
    for report_first in [true, false] {
        let world = world().await?;
        let who = people(2);
        let mut fault = Incident::reported(&[(who[0], 0)]);
        world.confirm(&mut fault, &who).await?;
        let seen = fault.clone();
        fault.report(who[1], 31);
        if report_first {
            world.incident(&fault).await?;
            world.restore(&seen, 30, None).await?;
        } else {
            world.restore(&seen, 30, None).await?;
            world.incident(&fault).await?;
        }
        let off = world.off_since().await?;
        assert_eq!(
            off.iter().map(|(id, _)| *id).collect::<Vec<_>>(),
            [who[1]],
            "report first: {report_first}"
        );
        let steps = world.told().await?;
        let closed = steps.iter().find(|s| s.kind == "closed").unwrap();
        let back = world.step_members(&closed.step_id, 10).await?;
        assert_eq!(
            back.contains(&who[1].to_string()),
            !report_first,
            "not told `restored` when known to be off"
        );
        world.restore(&fault, 60, None).await?;
        assert!(world.off().await?.is_empty());
    }
    Ok(())
}

#[tokio::test]
async fn a_report_entered_late_is_ended_by_the_restoration_before_it() -> anyhow::Result<()> {
    let world = world().await?;
    let who = people(2);
    let mut fault = Incident::reported(&[(who[0], 0)]);
    world.incident(&fault).await?;
    world.restore(&fault, 30, None).await?;
    world.incident(fault.report(who[1], 10)).await?;
    assert!(world.off().await?.is_empty());
    assert_eq!(world.minutes().await?, 30 + 20);
    Ok(())
}

#[tokio::test]
async fn a_corrected_device_withdraws_who_was_never_off_and_keeps_reporters() -> anyhow::Result<()> {
    let world = world().await?;
    let who = people(6);
    let mut fault = Incident::reported(&[(who[0], 0), (who[1], 1)]);
    world.confirm(&mut fault, &who[..4]).await?;
    world.confirm(&mut fault, &[who[0], who[4], who[5]]).await?;
    let off: Vec<CustomerId> = world.off_since().await?.into_iter().map(|(id, _)| id).collect();
    assert_eq!(off, [who[0], who[1], who[4], who[5]]);
    assert_eq!(world.minutes().await?, 0);
    assert_eq!(world.audited("interruption.withdrawn").await?, 1);
    assert!(
        world.told().await?.iter().all(|step| step.kind == "opened"),
        "nobody was restored"
    );
    Ok(())
}

/// Calls looked like one fault and are two: whoever's report moved is off because of the other incident from then on,
/// whichever of the two is heard of first, and their time is counted once.
#[tokio::test]
async fn who_reported_moves_along_when_an_incident_splits() -> anyhow::Result<()> {
    for new_first in [true, false] {
        let world = world().await?;
        let who = people(4);
        let reports = [(who[0], 0), (who[1], 1), (who[2], 2), (who[3], 3)];
        let mut one = Incident::reported(&reports);
        world.incident(&one).await?;
        let two = Incident::reported(&reports[2..]);
        one.next(|told| told.reporters.truncate(2));
        let both = if new_first { [&two, &one] } else { [&one, &two] };
        for incident in both {
            world.incident(incident).await?;
        }
        let held: Vec<Uuid> = world.off().await?.into_iter().map(|(_, by, _)| by).collect();
        let (first, second) = (one.id.uuid(), two.id.uuid());
        assert_eq!(held, [first, first, second, second], "new first: {new_first}");
        assert_eq!(
            world.off_since().await?,
            reports,
            "nobody's record begins later for it"
        );
        world.restore(&one, 10, None).await?;
        world.restore(&two, 20, None).await?;
        assert!(world.off().await?.is_empty());
        assert_eq!(world.minutes().await?, 10 + 9 + 18 + 17);
    }
    Ok(())
}

/// A dispatcher takes a report out of a confirmed incident: who is not below the device leaves with it.
#[tokio::test]
async fn a_report_that_is_moved_out_of_a_confirmed_incident_takes_along_who_is_not_below()
-> anyhow::Result<()> {
    let world = world().await?;
    let who = people(3);
    let reports = [(who[0], 0), (who[1], 1), (who[2], 2)];
    let mut one = Incident::reported(&reports);
    world.confirm(&mut one, &who[..2]).await?;
    let two = Incident::reported(&reports[1..]);
    world.incident(&two).await?;
    world
        .incident(one.next(|told| told.reporters.truncate(1)))
        .await?;
    let held: Vec<Uuid> = world.off().await?.into_iter().map(|(_, by, _)| by).collect();
    let (first, second) = (one.id.uuid(), two.id.uuid());
    assert_eq!(
        held,
        [first, first, second],
        "below the device it stays one fault"
    );
    Ok(())
}

#[tokio::test]
async fn a_moved_begin_moves_every_record_of_a_confirmed_incident() -> anyhow::Result<()> {
    let world = world().await?;
    let who = people(3);
    let mut fault = Incident::reported(&[(who[0], 10)]);
    world.confirm(&mut fault, &who).await?;
    world
        .incident(fault.next(|told| told.off_at = Some(relight_common::wire::timestamp(at(4)))))
        .await?;
    assert!(world.off_since().await?.iter().all(|(_, minute)| *minute == 4));
    Ok(())
}

#[tokio::test]
async fn a_customer_below_two_faults_is_off_once_and_until_the_last_is_mended() -> anyhow::Result<()> {
    for inner_first in [true, false] {
        let world = world().await?;
        let who = people(3);
        let mut inner = Incident::reported(&[(who[0], 0)]);
        world.confirm(&mut inner, &who[..1]).await?;
        let mut outer = Incident::reported(&[(who[1], 10)]);
        world.confirm(&mut outer, &who).await?;
        assert_eq!(world.off().await?.len(), 3);
        if inner_first {
            world.restore(&inner, 20, None).await?;
            assert_eq!(world.off().await?.len(), 3, "the feeder is still dead");
            assert!(
                world.told().await?.iter().all(|step| step.kind == "opened"),
                "nobody is back yet"
            );
            world.restore(&outer, 40, None).await?;
        } else {
            world.restore(&outer, 40, None).await?;
            assert_eq!(world.off().await?.len(), 1, "the fuse is still blown");
            world.restore(&inner, 20, None).await?;
        }
        assert!(world.off().await?.is_empty());
        // 0..40 for the one below both, 10..40 for the others.
        assert_eq!(world.minutes().await?, 40 + 2 * 30, "inner first: {inner_first}");
        world.incident(outer.next(|told| told.urge_count = 1)).await?;
        world.incident(inner.next(|told| told.urge_count = 1)).await?;
        assert!(
            world.off().await?.is_empty(),
            "no state opens again what was restored"
        );
    }
    Ok(())
}

#[tokio::test]
async fn a_merged_incident_hands_its_customers_over_also_when_the_other_is_not_known_yet()
-> anyhow::Result<()> {
    for known in [true, false] {
        let world = world().await?;
        let who = people(4);
        let mut child = Incident::reported(&[(who[0], 0)]);
        let mut parent = Incident::reported(&[(who[1], 5)]);
        world.incident(&child).await?;
        if known {
            world.incident(&parent).await?;
        }
        world
            .incident(child.next(|told| {
                told.state = "merged".to_owned();
                told.merged_into = parent.told.incident_id.clone();
            }))
            .await?;
        if !known {
            world.incident(&parent).await?;
        }
        let holders: Vec<_> = world
            .off()
            .await?
            .into_iter()
            .map(|(_, incident, _)| incident)
            .collect();
        assert_eq!(holders, [parent.id.uuid(), parent.id.uuid()]);
        world.confirm(&mut parent, &who[1..]).await?;
        assert_eq!(
            world.members(&parent, 2).await?.len(),
            4,
            "the child's reporter stays"
        );
        assert_eq!(world.members(&child, 2).await?.len(), 1);
        world.restore(&parent, 30, None).await?;
        assert!(world.off().await?.is_empty());
        assert_eq!(world.minutes().await?, 30 + 3 * 25, "known: {known}");
    }
    Ok(())
}

#[tokio::test]
async fn a_merged_incidents_own_order_restores_its_own_customers_only() -> anyhow::Result<()> {
    let world = world().await?;
    let who = people(3);
    let mut child = Incident::reported(&[(who[0], 0)]);
    let parent = Incident::reported(&[(who[1], 5), (who[2], 6)]);
    world.incident(&child).await?;
    world.incident(&parent).await?;
    world
        .incident(child.next(|told| {
            told.state = "merged".to_owned();
            told.merged_into = parent.told.incident_id.clone();
        }))
        .await?;
    world.restore(&child, 30, None).await?;
    assert_eq!(world.off_since().await?, [(who[1], 5), (who[2], 6)]);
    Ok(())
}

#[tokio::test]
async fn a_closed_guess_leaves_nobody_off_and_tells_nobody_restored() -> anyhow::Result<()> {
    let world = world().await?;
    let who = people(2);
    let mut guess = Incident::reported(&[(who[0], 0)]);
    world.incident(&guess).await?;
    world
        .incident(guess.next(|told| told.state = "closed".to_owned()))
        .await?;
    assert_eq!(world.off().await?.len(), 1, "the order may still say something");
    assert_eq!(Upkeep.pass(&world.db, at(120)).await?, 0, "not yet");
    assert_eq!(Upkeep.pass(&world.db, at(131)).await?, 1);
    assert!(world.off().await?.is_empty());
    assert_eq!(Upkeep.pass(&world.db, at(200)).await?, 0);
    assert_eq!((world.minutes().await?, world.told().await?.len()), (0, 1));

    let mut fault = Incident::reported(&[(who[1], 0)]);
    world.confirm(&mut fault, &who[1..]).await?;
    world
        .incident(fault.next(|told| told.state = "closed".to_owned()))
        .await?;
    world.order(&world.step(&fault, "archived", 101)).await?;
    assert!(world.off().await?.is_empty());
    assert_eq!(
        world.minutes().await?,
        100,
        "taken to be back since it was closed"
    );
    Ok(())
}

/// What a test does to a good state.
type Change = fn(&mut IncidentChanged);

#[tokio::test]
async fn a_bad_event_is_parked_with_the_name_of_what_is_wrong() -> anyhow::Result<()> {
    let world = world().await?;
    let changes: [(&str, Change); 6] = [
        ("incident_id", |told| told.incident_id = "42".to_owned()),
        ("state", |told| told.state = "gone".to_owned()),
        ("merged_into", |told| told.state = "merged".to_owned()),
        ("off_at", |told| (told.off_at, told.accepted_at) = (None, None)),
        ("position", |told| {
            told.position = Some(Point { lon: 181.0, lat: 0.0 })
        }),
        ("customer_id", |told| {
            told.reporters.push(Reporter {
                customer_id: "x".to_owned(),
                ..Reporter::default()
            })
        }),
    ];
    for (field, change) in changes {
        let mut fault = Incident::reported(&[]);
        change(&mut fault.told);
        let event = world.event("incident.changed", &fault.id.to_string(), 1, &fault.told);
        world.apply("intake", vec![event]).await?;
        let letters = dead_letter::open(world.db.pool(), None, Some(&fault.id.to_string())).await?;
        assert!(
            letters[0].reason.starts_with(field),
            "{field}: {}",
            letters[0].reason
        );
    }
    Ok(())
}

#[tokio::test]
async fn a_type_nobody_knows_is_skipped() -> anyhow::Result<()> {
    let world = world().await?;
    let strange = world.event("incident.sang", "x", 1, &IncidentChanged::default());
    world.apply("intake", vec![strange]).await?;
    world.nothing_parked().await
}

#[tokio::test]
async fn a_big_set_is_opened_and_closed_whole() -> anyhow::Result<()> {
    let world = world().await?;
    let who = people(12_345);
    let mut fault = Incident::reported(&[(who[0], 0)]);
    world.confirm(&mut fault, &who).await?;
    assert_eq!(world.members(&fault, 5_000).await?.len(), who.len());
    world.restore(&fault, 10, Some(&who[..10_000])).await?;
    world.restore(&fault, 20, None).await?;
    assert_eq!(world.minutes().await?, 10_000 * 10 + 2_345 * 20);
    Ok(())
}
