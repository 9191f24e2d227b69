//! The form of a plan (operations.md O31): alternatives before it is handed in, a word of each department before it is
//! approved, and the times of each leg.

use relight_common::Role;
use relight_planner::{
    desk::act::Act,
    domain::{
        event::Event,
        form::{Step, Verdict},
        outage::State,
    },
    store::form,
};

use crate::given::{self, House, dispatcher, manager, min, outage, planner, window};

const ALL: [&str; 3] = ["live_work", "transfer", "generator_truck"];

fn says(verdict: Verdict, reason: &str) -> Step {
    Step::Sign {
        verdict,
        reason: reason.to_owned(),
    }
}

fn approve() -> Act {
    Act::Event(Event::Approve {
        justification: String::from("one supply only"),
    })
}

async fn balanced() -> anyhow::Result<House> {
    let house = given::house().await?;
    house.drafted(outage(), window()).await?;
    house.submitted().await?;
    let justification = String::from("one supply only");
    house.event(&planner(), Event::Balance { justification }).await?;
    Ok(house)
}

#[tokio::test]
async fn nothing_is_handed_in_before_every_alternative_was_considered() -> anyhow::Result<()> {
    let house = given::house().await?;
    house.drafted(outage(), window()).await?;
    house.considers(&planner(), &ALL[..2]).await??;
    let words = house.refused(&planner(), Act::Event(Event::Submit)).await?;
    assert!(
        words.contains("generator_truck") && !words.contains("live_work"),
        "{words}"
    );
    let unknown = house.considers(&planner(), &["kites"]).await?.expect_err("kites");
    assert!(
        unknown
            .to_string()
            .starts_with("alternatives.kind: must be one of live_work"),
        "{unknown}"
    );
    let stranger = house.considers(&dispatcher(), &ALL).await?;
    assert!(stranger.is_err(), "a dispatcher writes no plans");
    house.considers(&planner(), &ALL[2..]).await??;
    assert_eq!(
        house.event(&planner(), Event::Submit).await?.life.state,
        State::Submitted
    );
    Ok(())
}

#[tokio::test]
async fn a_department_that_is_silent_or_refuses_holds_the_approval() -> anyhow::Result<()> {
    let house = balanced().await?;
    let words = house.refused(&manager(), approve()).await?;
    assert_eq!(words, "not countersigned by: dispatch, equipment, marketing");
    house.countersigns(&planner(), Step::Send, &[]).await??;
    house.clock.advance(min(20));
    house
        .countersigns(&dispatcher(), Step::Receive, &["dispatch"])
        .await??;
    house.clock.advance(min(40));
    let refuse = says(Verdict::Refused, "F13 is out for repair that day");
    house.countersigns(&dispatcher(), refuse, &["dispatch"]).await??;
    let words = house.refused(&manager(), approve()).await?;
    assert!(words.starts_with("refused by: dispatch"), "{words}");
    // Sent again, and agreed by all.
    house.signed().await?;
    assert_eq!(
        house.act(&manager(), approve()).await?.life.state,
        State::Approved
    );
    let mut conn = house.db.pool().acquire().await?;
    let ways = form::countersigns(&mut conn, outage()).await?;
    let rounds: Vec<_> = ways
        .iter()
        .map(|one| (one.department.as_str(), one.countersign.round))
        .collect();
    assert_eq!(
        rounds,
        [
            ("dispatch", 2),
            ("dispatch", 1),
            ("equipment", 1),
            ("marketing", 1)
        ]
    );
    let first = &ways[1].countersign;
    let received = first.received.as_ref().expect("received").at;
    let signed = first.signed.as_ref().expect("signed").by.at;
    assert_eq!((received - first.sent.at, signed - received), (min(20), min(40)));
    Ok(())
}

/// Each department speaks for itself, and nobody for their own plan.
#[tokio::test]
async fn only_its_own_people_sign_for_a_department() -> anyhow::Result<()> {
    let house = balanced().await?;
    let agreed = says(Verdict::Agreed, "");
    let early = house
        .countersigns(&dispatcher(), agreed.clone(), &["dispatch"])
        .await?;
    assert!(
        early
            .expect_err("nobody sent it")
            .to_string()
            .contains("not sent")
    );
    house.countersigns(&planner(), Step::Send, &[]).await??;
    for (who, department) in [
        (given::with("ann", Role::Agent), "dispatch"),
        (dispatcher(), "marketing"),
        (planner(), "equipment"),
        (given::with("pat", Role::Manager), "marketing"),
    ] {
        let done = house.countersigns(&who, agreed.clone(), &[department]).await?;
        assert!(done.is_err(), "{} signed for {department}", who.actor);
    }
    let unknown = house
        .countersigns(&manager(), agreed, &["supply_station"])
        .await?;
    let words = unknown.expect_err("of the other template").to_string();
    assert!(words.contains("department: must be one of dispatch"), "{words}");
    Ok(())
}

/// What is signed stays as it is: the form under it, and the signature; the schema agrees.
#[tokio::test]
async fn what_is_signed_is_not_changed_and_the_database_holds_the_approval() -> anyhow::Result<()> {
    let house = balanced().await?;
    let unsigned = sqlx::query("update planner.outage set state = 'approved', approver = 'mo'")
        .execute(house.db.pool())
        .await
        .expect_err("approved without a countersign");
    assert_eq!(
        relight_common::error::constraint(&unsigned),
        Some("outage_countersigned")
    );
    house.signed().await?;
    let changed = house
        .considers(&planner(), &ALL)
        .await?
        .expect_err("it is signed");
    assert!(changed.to_string().contains("signed"), "{changed}");
    let changed = sqlx::query("update planner.countersign set signed_by = 'nobody'")
        .execute(house.db.pool())
        .await;
    assert!(changed.is_err(), "a signature was changed");
    let version = house.stored().await?.version;
    house.countersigns(&planner(), Step::Send, &[]).await??;
    assert_eq!(house.stored().await?.version, version, "a repeat changes nothing");
    Ok(())
}

/// Who is supplied at high voltage does not hang below a distribution transformer, whatever form the planner took.
#[tokio::test]
async fn the_light_form_is_for_low_voltage_alone() -> anyhow::Result<()> {
    let house = given::house().await?;
    house.drafted(outage(), window()).await?;
    let low = "update planner.outage set template = 'low_voltage'";
    let volts = "update planner.recipient set voltage_v = case when important then 10000 else 400 end";
    for change in [low, volts] {
        sqlx::query(change).execute(house.db.pool()).await?;
    }
    house
        .considers(&planner(), &["live_work", "generator_truck"])
        .await??;
    let words = house.refused(&planner(), Act::Event(Event::Submit)).await?;
    assert!(
        words.starts_with("1 customers are supplied at a higher voltage"),
        "{words}"
    );
    sqlx::query("update planner.recipient set voltage_v = 400")
        .execute(house.db.pool())
        .await?;
    house.event(&planner(), Event::Submit).await?;
    let desk = given::with("uma", Role::UnitDesk);
    house.countersigns(&planner(), Step::Send, &[]).await??;
    house
        .countersigns(&desk, says(Verdict::Agreed, ""), &["supply_station"])
        .await??;
    let words = house.refused(&manager(), approve()).await?;
    assert!(!words.contains("supply_station"), "{words}");
    Ok(())
}

/// Whatever a program does: no plan is handed in without a word on each alternative, and none is taken away afterwards.
#[tokio::test]
async fn the_database_holds_back_a_plan_whose_alternatives_nobody_considered() -> anyhow::Result<()> {
    let house = given::house().await?;
    house.drafted(outage(), window()).await?;
    let hand_in = "update planner.outage set state = 'submitted'";
    for considered in [&ALL[..0], &ALL[..2]] {
        house.considers(&planner(), considered).await??;
        let refused = sqlx::query(hand_in)
            .execute(house.db.pool())
            .await
            .expect_err("not considered");
        assert_eq!(
            relight_common::error::constraint(&refused),
            Some("outage_considered")
        );
    }
    house.considers(&planner(), &ALL[2..]).await??;
    sqlx::query(hand_in).execute(house.db.pool()).await?;
    let gone = sqlx::query("delete from planner.alternative")
        .execute(house.db.pool())
        .await
        .expect_err("handed in");
    assert_eq!(
        relight_common::error::constraint(&gone),
        Some("alternative_stays")
    );
    Ok(())
}

/// A plan that was handed in takes another template with what that one asks for, or not at all.
#[tokio::test]
async fn another_template_of_a_submitted_plan_brings_its_alternatives() -> anyhow::Result<()> {
    let house = given::house().await?;
    house.drafted(outage(), window()).await?;
    house
        .takes("low_voltage", &["live_work", "generator_truck"])
        .await??;
    house.event(&planner(), Event::Submit).await?;
    let words = house
        .takes("high_voltage", &[])
        .await?
        .expect_err("transfer is new")
        .to_string();
    assert!(
        words.starts_with("not considered instead of switching off: transfer"),
        "{words}"
    );
    assert_eq!(house.stored().await?.template, "low_voltage");
    let one = house.takes("high_voltage", &["transfer"]).await??;
    assert_eq!(one.template, "high_voltage");
    Ok(())
}

async fn silent(house: &House) -> anyhow::Result<Vec<String>> {
    Ok(
        sqlx::query_scalar("select because from planner.alarm where what = 'countersign' order by id")
            .fetch_all(house.db.pool())
            .await?,
    )
}

/// After 24 h a department that has not answered is said, once; who answered is not among them.
#[tokio::test]
async fn a_department_that_is_silent_for_24_h_is_an_alarm() -> anyhow::Result<()> {
    let house = balanced().await?;
    house
        .countersigns(&planner(), Step::Send, &["dispatch", "equipment"])
        .await??;
    let sent = house.now();
    house
        .countersigns(&dispatcher(), says(Verdict::Agreed, ""), &["dispatch"])
        .await??;
    house.until(sent + given::h(5)).await?;
    house
        .countersigns(&planner(), Step::Send, &["marketing"])
        .await??;
    house.until(sent + given::h(24) - min(1)).await?;
    assert!(silent(&house).await?.is_empty());
    house.until(sent + given::h(28)).await?;
    let said = silent(&house).await?;
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(
        said[0].contains("Equipment") && !said[0].contains("Customer service"),
        "{said:?}"
    );
    house.until(sent + given::h(60)).await?;
    let said = silent(&house).await?;
    assert_eq!(said.len(), 2, "marketing was asked five hours later: {said:?}");
    assert!(
        said[1].contains("Customer service") && !said[1].contains("Equipment"),
        "{said:?}"
    );
    Ok(())
}

/// A plan that was called off waits for nobody.
#[tokio::test]
async fn a_plan_that_was_called_off_has_no_silent_departments() -> anyhow::Result<()> {
    let house = balanced().await?;
    house.countersigns(&planner(), Step::Send, &[]).await??;
    house.event(&planner(), Event::Cancel).await?;
    house.until(house.now() + given::h(48)).await?;
    assert!(silent(&house).await?.is_empty());
    Ok(())
}
