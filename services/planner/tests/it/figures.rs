//! How much of a month was temporary, and why each was not planned.

use relight_common::{Claims, Role};
use relight_planner::domain::event::Event;
use relight_proto::planner::v1::{
    TemporaryReasonsRequest, TemporaryShareReply, TemporaryShareRequest, plan_figures_server::PlanFigures,
};
use tonic::Code;

use crate::{
    given::{self, House, manager, outage, with},
    served::from,
    then,
};

impl House {
    async fn share(&self, claims: &Claims, month: &str) -> anyhow::Result<TemporaryShareReply> {
        let message = TemporaryShareRequest {
            month: month.to_owned(),
        };
        let reply = self.served_api()?.temporary_share(from(claims, message)).await?;
        Ok(reply.into_inner())
    }

    /// As if it had been converted.
    async fn converted(&self, why: &str) -> Result<(), sqlx::Error> {
        sqlx::query(
            "update planner.outage set class = 'TEMPORARY',
                 life = jsonb_set(life, '{class}', jsonb_build_object('class', 'temporary', 'why', $2::text, 'by', 'mo'))
             where id = $1",
        )
        .bind(outage().uuid())
        .bind(why)
        .execute(self.db.pool())
        .await
        .map(drop)
    }
}

/// Off at 09:00 on 9 March in Shanghai.
#[tokio::test]
async fn what_was_switched_off_in_a_month_is_counted_by_unit_with_the_reasons_behind_it() -> anyhow::Result<()>
{
    let house = given::house().await?;
    house.noticed().await?;
    let nothing = house.share(&manager(), "2026-03").await?;
    assert!(nothing.units.is_empty(), "a plan is no outage yet");
    house.answered(1).await?;
    house.until(given::window().off_at - given::h(3)).await?;
    house.until(given::window().off_at - given::min(2)).await?;
    house.off().await?;
    let march = house.share(&manager(), "2026-03").await?;
    assert_eq!((march.planned, march.temporary), (1, 0));
    assert_eq!(march.units[0].org_path, format!("{}/station1", given::CITY));
    for other in ["2026-02", "2026-04"] {
        assert!(house.share(&manager(), other).await?.units.is_empty(), "{other}");
    }

    assert_eq!((march.extended, march.asked_late), (0, 0));
    // Asked for later than half an hour before the announced end.
    house.until(given::window().on_at - given::min(20)).await?;
    let longer = Event::Extend {
        on_at: given::window().on_at + given::h(1),
    };
    house.event(&given::dispatcher(), longer).await?;
    let march = house.share(&manager(), "2026-03").await?;
    assert_eq!((march.units[0].extended, march.asked_late), (1, 1));

    let refused = house.converted(" ").await.expect_err("a reason is needed");
    assert!(
        refused.to_string().contains("outage_temporary_reason"),
        "{refused}"
    );
    house.converted("a hot clamp").await?;
    let march = house.share(&manager(), "2026-03").await?;
    assert_eq!((march.planned, march.temporary), (0, 1));
    let message = TemporaryReasonsRequest {
        month: "2026-03".to_owned(),
        page: None,
    };
    let reply = house
        .served_api()?
        .temporary_reasons(from(&manager(), message))
        .await?;
    let why = &reply.get_ref().outages[0];
    assert_eq!(
        (why.why_not_planned.as_str(), why.decided_by.as_str()),
        ("a hot clamp", "mo")
    );
    assert_eq!(why.number, house.stored().await?.number);
    Ok(())
}

/// The month is that of the place: midnight UTC on 1 March is 08:00 in Shanghai, 20:00 UTC on 31 March is April there.
#[tokio::test]
async fn a_month_is_that_of_the_place_and_of_the_area() -> anyhow::Result<()> {
    let house = given::house().await?;
    house.noticed().await?;
    house.answered(1).await?;
    house.until(given::window().off_at - given::h(3)).await?;
    house.until(given::window().off_at - given::min(2)).await?;
    house.off().await?;
    assert!(then::states(&house.db).await?.contains(&"off".to_owned()));
    sqlx::query(
        "update planner.outage set switched_off_at = '2026-03-31T20:00:00Z', permit_at = '2026-03-31T20:00:00Z' where id = $1",
    )
    .bind(outage().uuid())
    .execute(house.db.pool())
    .await?;
    assert_eq!(house.share(&manager(), "2026-04").await?.planned, 1);
    assert_eq!(house.share(&manager(), "2026-03").await?.planned, 0);
    let far = Claims::of(
        "far",
        vec![relight_common::Grant {
            role: Role::Manager,
            org_path: "demo/county".to_owned(),
        }],
    );
    assert_eq!(house.share(&far, "2026-04").await?.planned, 0);
    let message = TemporaryShareRequest {
        month: "April".to_owned(),
    };
    let api = house.served_api()?;
    let refused = api
        .temporary_share(from(&manager(), message.clone()))
        .await
        .expect_err("no month");
    assert_eq!(refused.code(), Code::InvalidArgument);
    let denied = api
        .temporary_share(from(&with("ag", Role::Agent), message))
        .await
        .expect_err("not theirs");
    assert_eq!(denied.code(), Code::PermissionDenied);
    Ok(())
}
