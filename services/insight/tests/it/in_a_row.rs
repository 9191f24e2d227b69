//! Planned outages in a row, and longer ones, against the limits of a year.

use chrono::TimeDelta;
use relight_common::{Claims, wire::timestamp};
use relight_proto::insight::v1::{PlannedTotalsRequest, insight_server::Insight};
use uuid::Uuid;

use crate::given::{asked, at, people, world};

/// Two outages in a row are one plan (domain.md 5.5 no. 27): the length of the one before counts, its number does not.
#[tokio::test]
async fn of_consecutive_outages_the_length_counts_and_one_plan() -> anyhow::Result<()> {
    let world = world().await?;
    let who = people(2);
    let (before, earlier) = (Uuid::now_v7(), Uuid::now_v7());
    for (outage, off) in [(earlier, 0), (before, 100)] {
        world.planned(outage, &who, off, off + 60).await?;
        world.planned_back(outage, off + 60).await?;
    }
    let above = async |same: &[Uuid], more_than: u32, more_than_s: i64| -> anyhow::Result<(u32, u32)> {
        let ask = PlannedTotalsRequest {
            customer_ids: who.iter().map(ToString::to_string).collect(),
            since: Some(timestamp(at(0))),
            until: Some(timestamp(at(0) + TimeDelta::days(365))),
            plus_s: 3_600,
            more_than,
            more_than_s,
            same_plan_outage_ids: same.iter().map(Uuid::to_string).collect(),
            ..PlannedTotalsRequest::default()
        };
        let asked = asked(&Claims::service("planner"), ask);
        let reply = world.api.planned_totals(asked).await?.into_inner();
        Ok((reply.above_count, reply.above_hours))
    };
    assert_eq!(above(&[], 2, 3 * 3_600).await?, (2, 0));
    assert_eq!(above(&[before], 2, 3 * 3_600).await?, (0, 0));
    assert_eq!(
        above(&[before], 1, 3 * 3_600 - 1).await?,
        (2, 2),
        "its hour counts"
    );
    Ok(())
}

/// An outage whose end is moved has begun already: its new length stands for it, and it is not counted twice.
#[tokio::test]
async fn an_outage_that_goes_on_longer_is_counted_once_with_its_new_length() -> anyhow::Result<()> {
    let world = world().await?;
    let who = people(1);
    let mut outage = Uuid::nil();
    for n in 0..3 {
        outage = Uuid::now_v7();
        world.planned(outage, &who, n * 20, n * 20 + 10).await?;
        world.planned_back(outage, n * 20 + 10).await?;
    }
    let above = async |except: &str| {
        let ask = PlannedTotalsRequest {
            customer_ids: vec![who[0].to_string()],
            since: Some(timestamp(at(0))),
            until: Some(timestamp(at(0) + TimeDelta::days(365))),
            plus_s: 900,
            more_than: 3,
            more_than_s: 40 * 60,
            except_outage_id: except.to_owned(),
            ..PlannedTotalsRequest::default()
        };
        let asked = asked(&Claims::service("planner"), ask);
        let reply = world.api.planned_totals(asked).await?.into_inner();
        anyhow::Ok((reply.above_count, reply.above_hours))
    };
    assert_eq!(above("").await?, (1, 1), "a fourth one, and 45 minutes");
    assert_eq!(
        above(&outage.to_string()).await?,
        (0, 0),
        "the third one, and 35 minutes"
    );
    assert_eq!(
        above(&Uuid::now_v7().to_string()).await?,
        (1, 1),
        "of another one"
    );
    assert!(above("7").await.is_err());
    Ok(())
}
