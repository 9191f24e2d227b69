//! Off without a basis (operations.md O17): raised within five minutes, unless a reason or supply comes before.

use chrono::TimeDelta;
use relight_common::{Role, timer, wire::timestamp};
use relight_insight::{
    domain::record::CustomerId,
    exceptions::{Timers, WATCHED_FOR},
    upkeep::Upkeep,
};
use relight_proto::{
    events::v1::{LedgerException, SupplyOff},
    insight::v1::{Exception, ListExceptionsRequest, SettleExceptionRequest, books_server::Books},
};
use tonic::{Code, Status};
use uuid::Uuid;

use crate::{
    classes::{Case, switched},
    given::{Incident, ORG, World, asked, at, people, staff, world},
};

impl World {
    /// A device opened at minute `minute`, and nobody said what for.
    async fn gone(&self, minute: i64, n: u64, who: &[CustomerId]) -> anyhow::Result<()> {
        let mut told = switched("SW1", false, minute, n);
        told.lost_set_id = self.set(who);
        self.grid(&told).await
    }

    /// Lets `by` pass; fires what is due.
    async fn pass(&self, by: TimeDelta) -> anyhow::Result<()> {
        self.clock.advance(by);
        timer::fire_due(&self.db, self.clock.now(), &Timers).await?;
        Ok(())
    }

    async fn exceptions(&self, open: bool) -> Result<Vec<Exception>, Status> {
        let ask = ListExceptionsRequest { open, page: None };
        let seen = self
            .api
            .list_exceptions(asked(&staff(Role::ControlRoom, "demo"), ask))
            .await?;
        Ok(seen.into_inner().exceptions)
    }

    async fn raised(&self) -> anyhow::Result<Vec<LedgerException>> {
        let rows: Vec<Vec<u8>> =
            sqlx::query_scalar("select data from outbox where type = 'ledger.exception' order by version")
                .fetch_all(self.db.pool())
                .await?;
        let read = |data: Vec<u8>| prost::Message::decode(data.as_slice()).map_err(anyhow::Error::from);
        rows.into_iter().map(read).collect()
    }
}

/// The reader dates its work by the machine's clock: tests of what is due begin there.
async fn now() -> anyhow::Result<World> {
    let world = world().await?;
    world.clock.advance(chrono::Utc::now() - world.clock.now());
    Ok(world)
}

#[tokio::test]
async fn off_for_no_reason_is_raised_within_five_minutes_and_settled_by_a_person() -> anyhow::Result<()> {
    let world = now().await?;
    let who = people(4);
    world.gone(0, 1, &who).await?;
    assert!(
        world.off().await?.is_empty(),
        "an exception is no reason to be off"
    );
    world.pass(TimeDelta::minutes(2)).await?;
    assert!(
        world.exceptions(true).await?.is_empty(),
        "the reason may be on its way"
    );
    world.pass(TimeDelta::minutes(2)).await?;
    let open = world.exceptions(true).await?;
    assert_eq!(open.len(), 1);
    assert_eq!(
        (
            open[0].kind.as_str(),
            open[0].device_id.as_str(),
            open[0].customers
        ),
        ("switching", "SW1", 4)
    );
    let news = world.raised().await?;
    assert_eq!(
        (news.len(), news[0].state.as_str(), news[0].customers),
        (1, "open", 4)
    );

    let settle = SettleExceptionRequest {
        command_id: Uuid::now_v7().to_string(),
        exception_id: open[0].exception_id.clone(),
        note: "a test of the relay".to_owned(),
    };
    let dispatcher = staff(Role::Dispatcher, "demo");
    let done = world
        .api
        .settle_exception(asked(&dispatcher, settle.clone()))
        .await?
        .into_inner();
    assert_eq!(
        (done.state.as_str(), done.note.as_str()),
        ("settled", "a test of the relay")
    );
    let again = world
        .api
        .settle_exception(asked(&dispatcher, settle.clone()))
        .await?
        .into_inner();
    assert_eq!(again, done, "a repeat is the same");
    let second = SettleExceptionRequest {
        command_id: Uuid::now_v7().to_string(),
        ..settle
    };
    let refused = world.api.settle_exception(asked(&dispatcher, second)).await;
    assert_eq!(
        refused.err().map(|status| status.code()),
        Some(Code::FailedPrecondition)
    );
    assert!(world.exceptions(true).await?.is_empty());
    assert_eq!(world.exceptions(false).await?.len(), 1);
    assert_eq!(world.raised().await?.len(), 2);
    assert_eq!(world.audited("exception.raised").await?, 1);
    assert_eq!(world.audited("exception.settled").await?, 1);
    Ok(())
}

#[tokio::test]
async fn a_reason_that_comes_in_time_explains_it_and_one_for_some_leaves_the_others() -> anyhow::Result<()> {
    let world = now().await?;
    let who = people(3);
    world.gone(0, 1, &who).await?;
    let mut fault = Incident::reported(&[(who[0], 0)]);
    world.confirm(&mut fault, &who[..2]).await?;
    world.pass(TimeDelta::minutes(4)).await?;
    assert_eq!(world.exceptions(true).await?[0].customers, 1);

    let others = people(2);
    world.gone(1, 2, &others).await?;
    let mut second = Incident::reported(&[(others[0], 1)]);
    world.confirm(&mut second, &others).await?;
    world.pass(TimeDelta::minutes(4)).await?;
    assert_eq!(world.exceptions(true).await?.len(), 1, "explained");
    Ok(())
}

#[tokio::test]
async fn supply_that_is_back_before_needs_no_explanation() -> anyhow::Result<()> {
    let world = now().await?;
    let who = people(3);
    world.gone(0, 1, &who).await?;
    let mut back = switched("SW1", true, 1, 2);
    back.restored_set_id = world.set(&who);
    world.grid(&back).await?;
    world.pass(TimeDelta::minutes(4)).await?;
    assert!(world.exceptions(false).await?.is_empty());
    Ok(())
}

/// A meter of this customer, or at nobody's, said at minute `minute` that it is off.
fn said(customer: Option<CustomerId>, minute: i64) -> SupplyOff {
    SupplyOff {
        signal_id: Uuid::now_v7().to_string(),
        customer_id: customer.map(|who| who.to_string()).unwrap_or_default(),
        off_at: Some(timestamp(at(minute))),
        load_id: "L1-1-1".to_owned(),
        ..SupplyOff::default()
    }
}

impl World {
    async fn meter(&self, told: &SupplyOff) -> anyhow::Result<()> {
        let event = self.event("supply.off", &told.signal_id, 1, told);
        self.apply("intake", vec![event]).await?;
        self.nothing_parked().await
    }
}

#[tokio::test]
async fn a_meter_without_an_incident_is_watched_like_a_switch() -> anyhow::Result<()> {
    let world = now().await?;
    world.meter(&said(Some(people(1)[0]), 0)).await?;
    world.pass(TimeDelta::minutes(4)).await?;
    assert_eq!(world.exceptions(true).await?[0].kind, "signal");
    Ok(())
}

#[tokio::test]
async fn a_meter_at_which_nobody_is_known_is_an_exception_of_its_place() -> anyhow::Result<()> {
    let world = now().await?;
    world.meter(&said(None, 0)).await?;
    world.pass(TimeDelta::minutes(4)).await?;
    let open = world.exceptions(true).await?;
    assert_eq!((open[0].place.as_str(), open[0].customers), ("L1-1-1", 0));
    assert_eq!(world.raised().await?[0].place, "L1-1-1");
    Ok(())
}

#[tokio::test]
async fn a_meter_that_speaks_late_is_explained_by_what_is_over_and_not_by_what_was_before()
-> anyhow::Result<()> {
    let world = now().await?;
    let who = people(2);
    let mut fault = Incident::reported(&[(who[0], 0)]);
    world.confirm(&mut fault, &who).await?;
    world.restore(&fault, 30, None).await?;
    assert!(world.off().await?.is_empty());
    world.meter(&said(Some(who[1]), 1)).await?;
    world.pass(TimeDelta::minutes(4)).await?;
    assert!(
        world.exceptions(true).await?.is_empty(),
        "it was off by that fault"
    );
    world.meter(&said(Some(who[1]), 31)).await?;
    world.pass(TimeDelta::minutes(4)).await?;
    assert_eq!(world.exceptions(true).await?.len(), 1, "supply was back by then");
    Ok(())
}

#[tokio::test]
async fn a_relay_that_is_open_only_a_case_explains() -> anyhow::Result<()> {
    let world = now().await?;
    let who = people(1)[0];
    let mut fault = Incident::reported(&[(who, 0)]);
    world.confirm(&mut fault, &[who]).await?;
    let cut = SupplyOff {
        relay_open: true,
        ..said(Some(who), 1)
    };
    world.meter(&cut).await?;
    world.pass(TimeDelta::minutes(4)).await?;
    let open = world.exceptions(true).await?;
    assert_eq!(
        (open.len(), open[0].kind.as_str()),
        (1, "relay"),
        "a fault is no leave to cut"
    );
    // Somebody else, whose case stands behind the fault that came first.
    let debtor = people(1)[0];
    let mut second = Incident::reported(&[(debtor, 0)]);
    world.confirm(&mut second, &[debtor]).await?;
    world.case(&mut Case::of(debtor), Some(1), None).await?;
    let lawful = SupplyOff {
        relay_open: true,
        ..said(Some(debtor), 1)
    };
    world.meter(&lawful).await?;
    world.pass(TimeDelta::minutes(4)).await?;
    assert_eq!(world.exceptions(true).await?.len(), 1);
    Ok(())
}

/// Its case is over and it is open still: nothing is on its way any more, so it is raised as soon as it is heard.
#[tokio::test]
async fn a_relay_that_outlasts_its_case_is_raised_at_once() -> anyhow::Result<()> {
    let world = now().await?;
    let who = people(1)[0];
    let mut case = Case::of(who);
    world.case(&mut case, Some(1), None).await?;
    let lasting = |minute| SupplyOff {
        relay_open: true,
        lasting: true,
        ..said(Some(who), minute)
    };
    world.meter(&lasting(5)).await?;
    assert!(world.exceptions(true).await?.is_empty(), "the case stands yet");
    world.case(&mut case, Some(1), Some(20)).await?;
    world.meter(&lasting(24)).await?;
    let open = world.exceptions(true).await?;
    assert_eq!((open.len(), open[0].kind.as_str()), (1, "relay"));
    world.pass(TimeDelta::minutes(4)).await?;
    assert_eq!(world.exceptions(true).await?.len(), 1, "once");
    Ok(())
}

#[tokio::test]
async fn a_lost_timer_is_made_up_for_within_five_minutes() -> anyhow::Result<()> {
    use relight_common::reconcile::Reconciler;
    let world = now().await?;
    world.gone(0, 1, &people(2)).await?;
    sqlx::query("delete from timer").execute(world.db.pool()).await?;
    world.clock.advance(WATCHED_FOR + TimeDelta::seconds(40));
    assert_eq!(Upkeep.pass(&world.db, world.clock.now()).await?, 1);
    assert_eq!(world.exceptions(true).await?.len(), 1);
    assert_eq!(Upkeep.pass(&world.db, world.clock.now()).await?, 0);
    Ok(())
}

#[tokio::test]
async fn exceptions_are_seen_and_settled_by_those_of_the_area_with_a_note() -> anyhow::Result<()> {
    let world = now().await?;
    world.gone(0, 1, &people(2)).await?;
    world.pass(TimeDelta::minutes(4)).await?;
    let id = world.exceptions(true).await?[0].exception_id.clone();
    let ask = |note: &str| SettleExceptionRequest {
        command_id: Uuid::now_v7().to_string(),
        exception_id: id.clone(),
        note: note.to_owned(),
    };
    for (claims, note, code) in [
        (staff(Role::Agent, "demo"), "x", Code::PermissionDenied),
        (staff(Role::Dispatcher, "demo/west"), "x", Code::NotFound),
        (staff(Role::Dispatcher, ORG), "", Code::InvalidArgument),
    ] {
        let refused = world.api.settle_exception(asked(&claims, ask(note))).await;
        assert_eq!(refused.err().map(|status| status.code()), Some(code));
    }
    let elsewhere = ListExceptionsRequest {
        open: true,
        page: None,
    };
    let seen = world
        .api
        .list_exceptions(asked(&staff(Role::Dispatcher, "demo/west"), elsewhere))
        .await?;
    assert!(seen.into_inner().exceptions.is_empty());
    Ok(())
}
