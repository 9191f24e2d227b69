//! Important customers off by a fault: told at once with the estimate, asked, escalated; nobody is told of a guess.

use chrono::{DateTime, Utc};
use relight_common::{ids::derived_from_name, reader::Consumer, wire::timestamp};
use relight_planner::{
    consumer::{FromDispatch, FromIntake},
    desk::fault::{self, Fault, Hit},
    domain::reliability::{End, Stand},
};
use relight_proto::{
    events::v1::{EtrChanged, Event, IncidentChanged},
    planner::v1::{
        AcknowledgeWarningRequest, ListWarningsRequest, ReliabilityWarning,
        reliability_warnings_server::ReliabilityWarnings,
    },
};
use uuid::Uuid;

use crate::{
    given::{self, CITY, House, customer, dispatcher, h, manager, min, t0},
    served::from,
    then,
};

fn incident() -> Uuid {
    derived_from_name("the incident")
}

fn set(name: &str) -> Uuid {
    derived_from_name(name)
}

/// The fault of `incident` with these important customers in the set of that name.
fn found(incident: Uuid, name: &str, customers: &[u8]) -> Fault {
    let hit = |n: &u8| Hit {
        customer: customer(*n),
        supplies: 1,
        kept: 0,
        area: ["湖滨路".to_owned(), "Lake Road".to_owned()],
    };
    Fault {
        incident,
        set: set(name),
        device_id: "SW-12".to_owned(),
        since_at: t0() - min(20),
        switched_at: None,
        org_path: format!("{CITY}/station1"),
        zone: "Asia/Shanghai".to_owned(),
        important: customers.iter().map(hit).collect(),
    }
}

fn event(word: &str, payload: &impl prost::Message, at: DateTime<Utc>) -> Event {
    Event {
        id: Uuid::now_v7().to_string(),
        r#type: word.to_owned(),
        time: Some(timestamp(at)),
        org_path: CITY.to_owned(),
        data: payload.encode_to_vec(),
        ..Event::default()
    }
}

impl House {
    async fn fault(&self, found: &Fault) -> anyhow::Result<()> {
        self.by_itself(async |work| fault::confirmed(work, &self.pack, found).await)
            .await
    }

    /// Intake tells this, and nobody else is there to ask.
    async fn incident(&self, told: &IncidentChanged) -> anyhow::Result<()> {
        let event = event("incident.changed", told, self.now());
        let (db, clock) = (self.db.clone(), self.clock.clone());
        let intake = FromIntake::new(db, clock, self.others()?, self.pack.clone());
        let prepared = intake.prepare(&event).await?;
        self.by_itself(async |work| intake.apply(work, &event, prepared).await)
            .await?;
        Ok(())
    }

    async fn estimate(&self, etr_at: Option<DateTime<Utc>>) -> anyhow::Result<()> {
        let told = EtrChanged {
            incident_id: incident().to_string(),
            etr_at: etr_at.map(timestamp),
            withdrawn: etr_at.is_none(),
            ..EtrChanged::default()
        };
        let event = event("etr.changed", &told, self.now());
        let dispatch = FromDispatch::new(self.db.clone(), self.others()?);
        let prepared = dispatch.prepare(&event).await?;
        self.by_itself(async |work| dispatch.apply(work, &event, prepared).await)
            .await?;
        Ok(())
    }

    /// Warnings by customer: whose, how it ended, where silence is.
    async fn faults(&self) -> anyhow::Result<Vec<ReliabilityWarning>> {
        let reply = self
            .served_api()?
            .list(from(&manager(), ListWarningsRequest::default()))
            .await?;
        let mut all = reply.into_inner().warnings;
        all.sort_by_key(|one| (one.customer_id.clone(), one.number.clone()));
        Ok(all)
    }

    async fn ended(&self) -> anyhow::Result<Vec<(String, String)>> {
        let all = self.faults().await?;
        Ok(all
            .into_iter()
            .map(|one| (one.customer_id, one.ended_as))
            .collect())
    }
}

async fn whats(house: &House) -> anyhow::Result<Vec<String>> {
    let all = then::alarms(&house.db).await?;
    Ok(all.into_iter().map(|(what, _)| what).collect())
}

fn who(n: u8, how: &str) -> (String, String) {
    (customer(n).to_string(), how.to_owned())
}

/// Told at once with what is known of the end; nobody answers: the account manager, then the duty manager, by the pack's times.
#[tokio::test]
async fn a_fault_is_told_at_once_with_its_estimate_and_silence_climbs() -> anyhow::Result<()> {
    let house = given::house().await?;
    let etr = t0() + h(3);
    house.estimate(Some(etr)).await?;
    house.fault(&found(incident(), "set", &[1])).await?;
    house.until(t0() + min(1)).await?;
    let notices = then::whole_notices(&house.db).await?;
    assert_eq!(notices.len(), 1, "{notices:?}");
    let notice = &notices[0];
    assert_eq!((notice.kind.as_str(), notice.class.as_str()), ("fault", "FAULT"));
    assert_eq!(notice.customer_ids, [customer(1).to_string()]);
    assert_eq!(notice.on_at, Some(timestamp(etr)));
    house.until(t0() + min(14)).await?;
    assert_eq!(whats(&house).await?, ["fault"]);
    house.until(t0() + h(2)).await?;
    assert_eq!(whats(&house).await?, ["fault", "account_manager", "duty_manager"]);
    let one = &house.faults().await?[0];
    assert_eq!(
        (one.kind.as_str(), one.basis_id.clone()),
        ("fault", incident().to_string())
    );
    assert_eq!(one.escalated_to, "duty_manager");
    Ok(())
}

/// Who answered is asked by nobody; the end of the fault ends the warning, and is told as to everybody, not here.
#[tokio::test]
async fn who_answered_is_left_alone_and_the_end_of_the_fault_ends_it() -> anyhow::Result<()> {
    let house = given::house().await?;
    house.fault(&found(incident(), "set", &[1])).await?;
    house.fault(&found(incident(), "set", &[1])).await?;
    house.until(t0() + min(1)).await?;
    let message = AcknowledgeWarningRequest {
        command_id: Uuid::now_v7().to_string(),
        warning_id: house.faults().await?[0].warning_id.clone(),
        text: "on our generator".to_owned(),
        channel: "call".to_owned(),
    };
    house
        .served_api()?
        .acknowledge(from(&dispatcher(), message))
        .await?;
    house.until(t0() + h(2)).await?;
    assert_eq!(whats(&house).await?, ["fault"]);
    let closed = IncidentChanged {
        incident_id: incident().to_string(),
        state: "closed".to_owned(),
        closed_because: "restored".to_owned(),
        ..IncidentChanged::default()
    };
    house.incident(&closed).await?;
    assert_eq!(house.ended().await?, [who(1, "restored")]);
    assert_eq!(then::whole_notices(&house.db).await?.len(), 1);
    // The next fault is another one.
    house
        .fault(&found(set("another incident"), "other", &[1]))
        .await?;
    house.until(house.now() + min(1)).await?;
    assert_eq!(then::whole_notices(&house.db).await?.len(), 2);
    Ok(())
}

/// Another place is confirmed: who is not off by it is left alone, who is new is told. Incidents that become one tell nobody twice,
/// and a section that is back ends the warnings of those in it.
#[tokio::test]
async fn the_warnings_follow_the_place_the_incident_and_the_sections() -> anyhow::Result<()> {
    let house = given::house().await?;
    house.fault(&found(incident(), "first", &[1, 2])).await?;
    house.fault(&found(incident(), "second", &[2, 3])).await?;
    assert_eq!(
        house.ended().await?,
        sorted([who(1, "gone"), who(2, ""), who(3, "")])
    );
    let into = set("the whole incident");
    let merged = IncidentChanged {
        incident_id: incident().to_string(),
        state: "merged".to_owned(),
        merged_into: into.to_string(),
        ..IncidentChanged::default()
    };
    house.incident(&merged).await?;
    house.fault(&found(into, "whole", &[2, 3])).await?;
    assert_eq!(house.faults().await?.len(), 3, "nobody is told twice");
    let (back, at) = ([customer(2)], house.now());
    let how = (End::Restored, at);
    house
        .by_itself(async |work| fault::over(work, into, Some(&back), how).await)
        .await?;
    assert_eq!(
        house.ended().await?,
        sorted([who(1, "gone"), who(2, "restored"), who(3, "")])
    );
    Ok(())
}

/// The network was switched: who is fed another way is back, and who hangs on it now is told.
#[tokio::test]
async fn the_warnings_follow_the_switching() -> anyhow::Result<()> {
    let house = given::house().await?;
    house.fault(&found(incident(), "first", &[1, 2])).await?;
    let switched = Fault {
        switched_at: Some(house.now()),
        ..found(incident(), "switched", &[2, 3])
    };
    house.fault(&switched).await?;
    assert_eq!(
        house.ended().await?,
        sorted([who(1, "restored"), who(2, ""), who(3, "")])
    );
    Ok(())
}

fn sorted<const N: usize>(mut all: [(String, String); N]) -> [(String, String); N] {
    all.sort();
    all
}

/// A guess is told to nobody (O18), and neither is what failed so long ago that a notice would be none. The registry is not
/// even asked.
#[tokio::test]
async fn a_guess_and_old_news_warn_nobody() -> anyhow::Result<()> {
    let house = given::house().await?;
    let guess = IncidentChanged {
        incident_id: incident().to_string(),
        state: "open".to_owned(),
        affected_set_id: set("set").to_string(),
        off_at: Some(timestamp(t0())),
        ..IncidentChanged::default()
    };
    house.incident(&guess).await?;
    let old = IncidentChanged {
        confirmed: true,
        off_at: Some(timestamp(t0() - h(13))),
        ..guess
    };
    house.incident(&old).await?;
    assert!(house.faults().await?.is_empty());
    Ok(())
}

/// The fault of `found`, when customer 1 keeps a supply elsewhere.
fn partly(mut found: Fault) -> Fault {
    found.important[0].kept = 1;
    found
}

/// Kinds of the notices ordered, in their order.
async fn kinds(house: &House) -> anyhow::Result<Vec<String>> {
    let all = then::notices(&house.db).await?;
    Ok(all.into_iter().map(|(kind, _)| kind).collect())
}

/// One of two supplies is lost by a fault: the switching is heard of first, or the fault is, or nothing was switched at all; they are
/// told once, and of what is known.
#[tokio::test]
async fn who_keeps_a_supply_is_told_once_whichever_came_first() -> anyhow::Result<()> {
    let now = |name| Fault {
        since_at: t0(),
        ..partly(found(incident(), name, &[1]))
    };
    for (order, kind) in [
        (["switching", "fault"], "reliability"),
        (["fault", "switching"], "reliability"),
        (["fault", ""], "fault"),
    ] {
        let house = given::house().await?;
        for what in order {
            match what {
                "switching" => house.stands(Stand::Single, 1).await?,
                "fault" => house.fault(&now("set")).await?,
                _ => {}
            }
        }
        house.until(t0() + min(1)).await?;
        assert!(
            kinds(&house).await?.is_empty(),
            "a transfer has two minutes: {order:?}"
        );
        house.until(t0() + h(1)).await?;
        house.fault(&now("another set")).await?;
        house.stands(Stand::Single, 1).await?;
        house.until(t0() + h(2)).await?;
        assert_eq!(kinds(&house).await?, [kind], "{order:?}");
        let all = house.faults().await?;
        assert_eq!(
            (all.len(), all[0].supplies, all[0].supplied),
            (1, 2, 1),
            "{all:?}"
        );
    }
    Ok(())
}

/// The last supply is lost by a fault: that is told to who was told that one is left, whether by a switching or by another fault,
/// once, and whether the switching or the fault is heard of first.
#[tokio::test]
async fn who_keeps_none_is_told_of_the_fault_whatever_they_were_told_before() -> anyhow::Result<()> {
    for (is_switching_first, is_by_fault) in [(true, true), (true, false), (false, true), (false, false)] {
        let house = given::house().await?;
        if is_by_fault {
            house.fault(&partly(found(set("the first"), "one", &[1]))).await?;
        } else {
            house.stands(Stand::Single, 1).await?;
        }
        house.until(t0() + h(1)).await?;
        let before = if is_by_fault { "fault" } else { "reliability" };
        assert_eq!(kinds(&house).await?, [before]);
        if is_switching_first {
            house.stands(Stand::Off, 0).await?;
        }
        house.fault(&found(incident(), "set", &[1])).await?;
        house.stands(Stand::Off, 0).await?;
        house.until(t0() + h(2)).await?;
        let mut told = kinds(&house).await?;
        told.sort();
        let mut expected = [before, "fault"];
        expected.sort_unstable();
        assert_eq!(told, expected, "{is_switching_first} {is_by_fault}");
        let open: Vec<_> = house
            .faults()
            .await?
            .into_iter()
            .filter(|one| one.ended_at.is_none())
            .collect();
        assert_eq!(open.len(), 1, "{open:?}");
        assert_eq!(
            (open[0].kind.as_str(), open[0].basis_id.clone()),
            ("fault", incident().to_string())
        );
    }
    Ok(())
}

/// Within the minutes that a transfer has nobody was told of one supply left yet: who is off by then hears of the fault only.
#[tokio::test]
async fn what_was_not_told_yet_gives_way_to_the_fault() -> anyhow::Result<()> {
    let house = given::house().await?;
    house.stands(Stand::Single, 1).await?;
    house.until(t0() + min(1)).await?;
    house.fault(&found(incident(), "set", &[1])).await?;
    house.until(t0() + h(1)).await?;
    assert_eq!(kinds(&house).await?, ["fault"]);
    Ok(())
}
