//! What the public reads after the announcement: every change of it is kept beside it, with who made it and from when.

use chrono::{DateTime, Utc};
use relight_common::wire;
use relight_planner::{
    desk::act::Act,
    domain::{event::Event, window::Window},
    store::people::Affected,
};
use relight_proto::planner::v1::PublishedAnnouncement;

use crate::given::{self, House, customer, dispatcher, h, manager, min, outage, window};

/// Plan, edition and window of each, as kept.
async fn kept(house: &House) -> anyhow::Result<Vec<(u32, u32, Window)>> {
    let all = house.published().await?.into_iter();
    all.map(|one| {
        let window = one.window.unwrap_or_default();
        let window = Window {
            off_at: wire::instant("off_at", window.off_at)?,
            on_at: wire::instant("on_at", window.on_at)?,
        };
        Ok((one.plan_no, one.edition, window))
    })
    .collect()
}

fn from_at(one: &PublishedAnnouncement) -> anyhow::Result<DateTime<Utc>> {
    Ok(wire::instant("published_at", one.published_at)?)
}

fn later(off: i64, on: i64) -> Window {
    Window {
        off_at: window().off_at + h(off),
        on_at: window().on_at + h(on),
    }
}

/// The area of a set that was taken anew is read from then on; the machine made it, and a person took it. What it was before stays
/// beside it. A set with the same area changes nothing.
#[tokio::test]
async fn the_area_of_another_set_is_kept_with_who_took_it() -> anyhow::Result<()> {
    let house = given::house().await?;
    house.noticed().await?;
    let draft = given::a_draft(outage(), window());
    let mut affected = draft.affected;
    affected.push(Affected {
        customer: customer(9),
        ..affected[3]
    });
    let refresh = Act::Refresh(Box::new(given::found(draft.place, affected)));
    house.clock.advance(h(1));
    house.act(&manager(), refresh.clone()).await?;
    let at = house.now();
    house.clock.advance(h(1));
    house.act(&manager(), refresh).await?;
    let all = house.published().await?;
    assert_eq!(all.len(), 2, "{all:?}");
    let area = |one: &PublishedAnnouncement| one.words.clone().unwrap_or_default().area_en;
    assert_eq!(
        (area(&all[0]).as_str(), area(&all[1]).as_str()),
        ("Lake Road", "Lake Road, North Hill Road")
    );
    assert_eq!((all[0].edition, all[1].edition), (1, 2));
    assert_eq!(from_at(&all[1])?, at);
    let second = &all[1];
    assert_eq!(
        (
            second.written_by.as_str(),
            second.approved_by.as_str(),
            second.announced_by.as_str()
        ),
        ("service:planner", "mo", "mo")
    );
    assert_eq!(
        second.pack_version, all[0].pack_version,
        "the law of the announcement"
    );
    Ok(())
}

/// Later on the same day, later still by a manager, longer: the public reads each, and one plan was announced.
#[tokio::test]
async fn another_start_and_another_end_are_kept_and_count_as_one_plan() -> anyhow::Result<()> {
    let house = given::house().await?;
    house.noticed().await?;
    house.until(window().off_at - h(20)).await?;
    let moved = Event::Move {
        window: later(1, 1),
        justification: "one supply only".to_owned(),
    };
    house.event(&manager(), moved).await?;
    house.answered(1).await?;
    house.until(window().off_at - h(1)).await?;
    let off_at = window().off_at + h(2);
    house.event(&manager(), Event::StartLate { off_at }).await?;
    house.clock.advance(min(5));
    house.served(1, "late_start", &[1, 2, 3, 4]).await?;
    house.until(off_at).await?;
    house.off().await?;
    let on_at = window().on_at + h(3);
    house.event(&dispatcher(), Event::Extend { on_at }).await?;
    let windows = [later(0, 0), later(1, 1), later(2, 1), later(2, 3)];
    let expected: Vec<_> = (1..).zip(windows).map(|(n, window)| (1, n, window)).collect();
    assert_eq!(kept(&house).await?, expected);
    let told = house.published().await?;
    assert!(
        told.iter()
            .all(|one| one.written_by == "pat" && one.approved_by == "mo"),
        "the words are those of the announcement: {told:?}"
    );
    house.until(window().on_at + h(4)).await?;
    house.tick(true).await?;
    house.event(&dispatcher(), Event::StartRestoring).await?;
    house
        .event(&dispatcher(), Event::Restore { all: true, at: None })
        .await?;
    let march = house.accuracy("2026-03").await?;
    assert_eq!((march[0].plans, march[0].accurate), (1, 0), "{march:?}");
    Ok(())
}
