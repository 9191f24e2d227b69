//! What is kept: announcements as they went out, how the notice was given, accuracy of a month.

use relight_planner::{
    desk::act::{Act, Command},
    domain::{
        event::Event,
        outage::{Mark, State},
    },
    store::outage::Words,
};
use relight_proto::planner::v1::{
    AccuracyRequest, NoticeCompliance, PlanRecordRequest, PublishedAnnouncement, UnitAccuracy,
    plan_accuracy_server::PlanAccuracy, plan_records_server::PlanRecords,
};

use crate::{
    given::{self, House, dispatcher, h, manager, min, outage, planner, window},
    served::from,
    then,
};

impl House {
    pub async fn published(&self) -> anyhow::Result<Vec<PublishedAnnouncement>> {
        let reply = self.served_api()?.published(from(&planner(), of_this())).await?;
        Ok(reply.into_inner().announcements)
    }

    async fn compliance(&self) -> anyhow::Result<NoticeCompliance> {
        let reply = self.served_api()?.compliance(from(&planner(), of_this())).await?;
        Ok(reply.into_inner())
    }

    pub async fn accuracy(&self, month: &str) -> anyhow::Result<Vec<UnitAccuracy>> {
        let message = AccuracyRequest {
            month: month.to_owned(),
        };
        let reply = self.served_api()?.month(from(&manager(), message)).await?;
        Ok(reply.into_inner().units)
    }

    /// Off at the announced time, and back when it was told; nobody worked.
    async fn kept(&self) -> anyhow::Result<()> {
        self.noticed().await?;
        self.answered(1).await?;
        self.until(window().off_at - h(3)).await?;
        self.until(window().off_at - min(2)).await?;
        self.off().await?;
        self.tick(true).await?;
        self.event(&dispatcher(), Event::StartRestoring).await.map(drop)
    }
}

fn of_this() -> PlanRecordRequest {
    PlanRecordRequest {
        outage_id: outage().to_string(),
    }
}

/// `event` with other words than those approved.
fn reworded(event: Event) -> Command {
    Command {
        words: Some(Words {
            line: "10 kV F13".to_owned(),
            ..given::a_draft(outage(), window()).words
        }),
        ..given::command(Act::Event(event))
    }
}

/// P5: words that come with another set, after the approval, are read by another person too.
#[tokio::test]
async fn words_of_a_new_set_are_announced_by_another_person() -> anyhow::Result<()> {
    let house = given::house().await?;
    house.approved().await?;
    let draft = given::a_draft(outage(), window());
    let refresh = Act::Refresh(Box::new(given::found(draft.place, draft.affected)));
    let command = Command {
        act: refresh,
        ..reworded(Event::Announce)
    };
    house.run(&planner(), command).await??;
    let words = house.refused(&planner(), Act::Event(Event::Announce)).await?;
    assert!(words.contains("your own"), "{words}");
    house.event(&manager(), Event::Announce).await?;
    let lines: Vec<_> = house.published().await?;
    let line = lines[0].words.clone().unwrap_or_default().line;
    assert_eq!(line, "10 kV F13");
    Ok(())
}

/// P5: written by one, read by another, kept when the next plan says something else.
#[tokio::test]
async fn every_announcement_is_kept_with_who_wrote_and_who_read_it() -> anyhow::Result<()> {
    let house = given::house().await?;
    house.approved().await?;
    let refused = house.run(&planner(), reworded(Event::Announce)).await?;
    let words = refused.expect_err("they are not those approved").to_string();
    assert!(words.contains("reword"), "{words}");
    house.run(&planner(), reworded(Event::Reword)).await??;
    let words = house.refused(&planner(), Act::Event(Event::Announce)).await?;
    assert!(words.contains("your own"), "{words}");
    house.event(&manager(), Event::Announce).await?;
    house.served(1, "notice", &[1, 2, 3, 4]).await?;
    let all = house.published().await?;
    let said = |one: &PublishedAnnouncement| {
        let line = one.words.clone().unwrap_or_default().line;
        (
            line,
            one.written_by.clone(),
            one.approved_by.clone(),
            one.announced_by.clone(),
        )
    };
    let text = str::to_owned;
    assert_eq!(
        said(&all[0]),
        (text("10 kV F13"), text("pat"), text("mo"), text("mo"))
    );
    assert!(
        all[0].pack_version.starts_with("CN-SGCC@"),
        "{:?}",
        all[0].pack_version
    );
    assert!(all[0].void_at.is_none());
    let later = relight_planner::domain::window::Window {
        off_at: window().off_at + h(240),
        on_at: window().on_at + h(240),
    };
    let moved = Event::Move {
        window: later,
        justification: "the crane".to_owned(),
    };
    house.event(&manager(), moved).await?;
    house.signed().await?;
    house.event(&planner(), Event::Announce).await?;
    let all = house.published().await?;
    assert_eq!(all.len(), 2, "the old one stays");
    assert!(all[0].void_at.is_some() && all[1].void_at.is_none());
    let changed = sqlx::query("update planner.published set line = 'x'")
        .execute(house.db.pool())
        .await;
    assert!(changed.is_err(), "it is never changed");
    Ok(())
}

/// domain.md 5.2, RESTORED to ARCHIVED: what was found then stays, whatever changes afterwards.
#[tokio::test]
async fn how_the_notice_was_given_is_computed_and_kept_with_the_archive() -> anyhow::Result<()> {
    let house = given::house().await?;
    house.kept().await?;
    house
        .event(&dispatcher(), Event::Restore { all: true, at: None })
        .await?;
    let found = house.compliance().await?;
    let class = |word: &str| {
        let of = found.classes.iter().find(|of| of.class == word);
        of.map(|of| (of.customers, of.told, of.in_time, of.acknowledged))
    };
    assert_eq!(class("important"), Some((1, 1, 1, 1)));
    assert_eq!(class("own_generation"), Some((1, 1, 1, 0)));
    assert_eq!(class("other"), Some((2, 2, 2, 0)));
    assert!(found.lead_kept && found.archived_at.is_none(), "{found:?}");
    let notice = found.proofs.iter().find(|of| of.kind == "notice");
    assert_eq!(notice.map(|of| (of.channel.as_str(), of.count)), Some(("sms", 4)));
    house
        .event(&planner(), Event::Archive { note: String::new() })
        .await?;
    sqlx::query("update planner.recipient set served_at = null where outage_id = $1")
        .bind(outage().uuid())
        .execute(house.db.pool())
        .await?;
    let kept = house.compliance().await?;
    assert!(kept.archived_at.is_some());
    assert_eq!((kept.classes, kept.not_told), (found.classes, 0));
    Ok(())
}

#[tokio::test]
async fn a_month_says_how_plans_were_kept() -> anyhow::Result<()> {
    let house = given::house().await?;
    house.kept().await?;
    house.until(window().on_at).await?;
    house
        .event(&dispatcher(), Event::Restore { all: true, at: None })
        .await?;
    let march = house.accuracy("2026-03").await?;
    assert_eq!(
        (march[0].plans, march[0].accurate, march[0].ended_late),
        (1, 1, 0)
    );
    assert!(house.accuracy("2026-04").await?.is_empty());
    // As if supply had been back half an hour later, or the start had been told to be later.
    sqlx::query("update planner.outage set life = jsonb_set(life, '{restored_at}', to_jsonb($1::text))")
        .bind((window().on_at + min(30)).to_rfc3339())
        .execute(house.db.pool())
        .await?;
    let march = house.accuracy("2026-03").await?;
    assert_eq!((march[0].accurate, march[0].ended_late), (0, 1));
    Ok(())
}

/// domain.md 5.5 no. 26: the ledger hears that the plan ended when it was told to, and nobody that supply is back.
#[tokio::test]
async fn what_is_handed_over_to_a_fault_was_not_kept() -> anyhow::Result<()> {
    let house = given::house().await?;
    house.kept().await?;
    house.until(window().on_at + h(1)).await?;
    let over = Event::HandOver { without_fault: 0 };
    let one = house.event(&dispatcher(), over).await?;
    assert_eq!(one.life.restored_at, Some(window().on_at));
    assert_eq!(then::steps(&house.db).await?, ["handed_over"]);
    let march = house.accuracy("2026-03").await?;
    assert_eq!((march[0].accurate, march[0].ended_late), (0, 1));
    let words = house
        .refused(&planner(), Act::Event(Event::Archive { note: String::new() }))
        .await?;
    assert!(words.contains("handed_over"), "{words}");
    Ok(())
}

#[tokio::test]
async fn what_is_called_off_shortly_before_counts_against_the_month() -> anyhow::Result<()> {
    let house = given::house().await?;
    house.noticed().await?;
    house.until(window().off_at - h(3)).await?;
    house.event(&planner(), Event::Cancel).await?;
    let march = house.accuracy("2026-03").await?;
    assert_eq!(
        (
            march[0].plans,
            march[0].accurate,
            march[0].called_off,
            march[0].called_off_late
        ),
        (1, 0, 1, 1)
    );
    Ok(())
}

/// domain.md 5.5 no. 40: an hour without a system, and the paper's times are the times.
#[tokio::test]
async fn what_was_written_down_is_entered_later_with_its_own_times() -> anyhow::Result<()> {
    let house = given::house().await?;
    house.noticed().await?;
    house.answered(1).await?;
    house.until(window().off_at - h(3)).await?;
    house.until(window().off_at + h(1)).await?;
    let start = window().off_at;
    let permit = Event::Permit {
        id: relight_planner::domain::ids::PermitId::new(),
        number: "D-2026-77".to_owned(),
        read_back: true,
        at: Some(start),
    };
    let permitted = house.event(&dispatcher(), permit).await?;
    let permit = permitted.life.permit.expect("just recorded").id;
    let off = Event::SwitchOff {
        permit,
        at: Some(start + min(7)),
    };
    let one = house.event(&dispatcher(), off).await?;
    assert_eq!(
        (one.life.state, one.life.switched_off_at),
        (State::Off, Some(start + min(7)))
    );
    assert!(one.life.marks.contains(&Mark::OutsidePermit), "7 min are not 5");
    assert!(then::alarmed(&house.db, "outside_permit").await?);
    let march = house.accuracy("2026-03").await?;
    assert!(march.is_empty(), "it is not over");
    Ok(())
}

/// domain.md 5.2: decided in time, told in time, written up in time.
#[tokio::test]
async fn a_plan_that_is_late_is_said() -> anyhow::Result<()> {
    let house = given::house().await?;
    house.drafted(outage(), window()).await?;
    house.submitted().await?;
    house.until(house.now() + min(1)).await?;
    assert!(
        then::alarmed(&house.db, "undecided").await?,
        "eight days are less than nine"
    );
    house.clock.advance(h(2));
    house.signed().await?;
    let justification = String::from("the only day the crane is free");
    let balance = Event::Balance {
        justification: justification.clone(),
    };
    house.event(&planner(), balance).await?;
    house.event(&manager(), Event::Approve { justification }).await?;
    house.until(house.now() + min(1)).await?;
    assert!(
        then::alarmed(&house.db, "notice").await?,
        "approved after the eighth day before"
    );
    Ok(())
}

/// Back on Monday 9 March 2026: three working days end with Thursday.
#[tokio::test]
async fn what_is_not_written_up_within_three_working_days_is_said() -> anyhow::Result<()> {
    let house = given::house().await?;
    house.kept().await?;
    house
        .event(&dispatcher(), Event::Restore { all: true, at: None })
        .await?;
    house.until("2026-03-12T15:59:00Z".parse()?).await?;
    assert!(!then::alarmed(&house.db, "archive").await?);
    house.until("2026-03-12T16:01:00Z".parse()?).await?;
    assert!(then::alarmed(&house.db, "archive").await?);
    Ok(())
}
