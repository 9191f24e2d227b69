//! Interruptions by voltage level, in the terms of IEEE Std 1366.

use chrono::TimeDelta;
use relight_common::{Claims, Role, wire::timestamp};
use relight_proto::insight::v1::{
    VoltageYearRequest, YearRequest, books_server::Books, voltage_figures_server::VoltageFigures,
};
use tonic::Code;

use crate::given::{Incident, World, asked, at, notify, people, staff, world};

/// Voltage, class, customers, sustained interruptions, momentary ones, minutes.
type Line = (u32, String, u32, u32, u32, i64);

async fn year(world: &World, claims: &Claims) -> anyhow::Result<Vec<Line>> {
    let ask = VoltageYearRequest {
        since: Some(timestamp(at(-1))),
        until: Some(timestamp(at(1_000))),
    };
    let reply = VoltageFigures::year(&world.api, asked(claims, ask))
        .await?
        .into_inner();
    let lines = reply.totals.into_iter();
    Ok(lines
        .map(|t| {
            (
                t.voltage_v,
                t.class,
                t.customers,
                t.interruptions,
                t.momentary,
                t.seconds / 60,
            )
        })
        .collect())
}

#[tokio::test]
async fn a_year_is_counted_by_voltage_and_what_lasts_five_minutes_or_less_is_momentary() -> anyhow::Result<()>
{
    let world = world().await?;
    let who = people(4);
    let mut first = Incident::reported(&[]);
    (first.told.accepted_at, first.told.off_at) = (Some(timestamp(at(0))), Some(timestamp(at(0))));
    let set = world.set_at(&[(who[0], 10_000), (who[0], 380), (who[1], 220), (who[2], 220)]);
    first.next(|told| (told.confirmed, told.affected_set_id) = (true, set));
    world.incident(&first).await?;
    // Restored in two steps: one interruption each, of 30 and 60 minutes; the second customer of 220 V within five.
    world.restore(&first, 30, Some(&who[..1])).await?;
    world.restore(&first, 5, Some(&who[2..3])).await?;
    world.restore(&first, 60, None).await?;
    let mut second = Incident::reported(&[(who[3], 70), (who[1], 70)]);
    world.confirm(&mut second, &who[1..2]).await?;
    world.restore(&second, 80, None).await?;
    let fault = "FAULT".to_owned();
    assert_eq!(
        year(&world, &staff(Role::Manager, "demo")).await?,
        [
            (0, fault.clone(), 1, 1, 0, 10),
            (220, fault.clone(), 1, 2, 1, 70),
            (10_000, fault, 1, 1, 0, 30),
        ]
    );
    assert!(year(&world, &staff(Role::Manager, "elsewhere")).await?.is_empty());
    let ask = YearRequest {
        customer_ids: who.iter().map(ToString::to_string).collect(),
        since: Some(timestamp(at(-1))),
        until: Some(timestamp(at(1_000))),
    };
    let totals = Books::year(&world.api, asked(&notify(), ask))
        .await?
        .into_inner()
        .totals;
    let volts = |n: usize| {
        totals
            .iter()
            .find(|t| t.customer_id == who[n].to_string())
            .map(|t| t.voltage_v)
    };
    assert_eq!((volts(0), volts(1), volts(3)), (Some(10_000), Some(220), Some(0)));
    Ok(())
}

#[tokio::test]
async fn a_year_by_voltage_has_a_length_and_is_for_staff() -> anyhow::Result<()> {
    let world = world().await?;
    let ask = |days| VoltageYearRequest {
        since: Some(timestamp(at(0))),
        until: Some(timestamp(at(0) + TimeDelta::days(days))),
    };
    let manager = staff(Role::Manager, "demo");
    for (claims, days, right) in [
        (&manager, 366, None),
        (&manager, 401, Some(Code::InvalidArgument)),
        (&manager, 0, Some(Code::InvalidArgument)),
        (&staff(Role::Crew, "demo"), 365, Some(Code::PermissionDenied)),
    ] {
        let told = VoltageFigures::year(&world.api, asked(claims, ask(days))).await;
        assert_eq!(told.err().map(|status| status.code()), right, "{days}");
    }
    Ok(())
}
