//! What registry says by now counts before a notice, a last warning and a cut (operations.md O10, O12).

use relight_arrears::domain::class::Class;
use relight_common::Code;
use relight_proto::arrears::v1::{Approve, Classify, apply_request::Event};

use crate::given::{DEBT, METER, Room, balance, boss, crew, cut, hu, issue, li, propose, room, warn};

async fn audited(room: &Room, action: &str) -> anyhow::Result<i64> {
    Ok(sqlx::query_scalar("select count(*) from audit where action = $1")
        .bind(action)
        .fetch_one(room.db.pool())
        .await?)
}

/// A customer who became important is not cut as ordinary: the approval has to be a manager's.
#[tokio::test]
async fn who_became_important_is_not_cut_as_ordinary() -> anyhow::Result<()> {
    let room = room().await?;
    let id = room.case_until("pre_noticed").await?;
    room.until("08-17 10:00").await?;
    room.feed(vec![balance("f1", "1001", DEBT, "08-17 10:00")])
        .await?;
    let held = room.release(&id, METER, false).await?;
    room.registry(|knows| knows.class = Class::Important);
    let refused = room.release(&id, METER, false).await.unwrap_err();
    assert_eq!(refused.code(), Code::FailedPrecondition);
    assert!(
        refused.message().contains("class important"),
        "{}",
        refused.message()
    );
    let case = room.case(&id).await?;
    assert_eq!(
        (
            case.class.as_str(),
            case.registry_class.as_str(),
            case.state.as_str()
        ),
        ("important", "important", "eligible")
    );
    let cut_all_the_same = room.apply(&crew(), &id, cut(&held.release)).await;
    assert!(cut_all_the_same.is_err(), "the leave given before is void");
    assert_eq!(audited(&room, "arrears.registry").await?, 1);
    let approve = || Event::Approve(Approve::default());
    let desk = room.apply(&hu(), &id, approve()).await.unwrap_err();
    assert!(desk.message().contains("manager"), "{}", desk.message());
    assert_eq!(room.apply(&boss(), &id, approve()).await?.state, "approved");
    let kept: String = sqlx::query_scalar("select class from account where account = '1001'")
        .fetch_one(room.db.pool())
        .await?;
    assert_eq!(kept, "important", "also for the next debt");
    Ok(())
}

#[tokio::test]
async fn registry_is_asked_before_a_notice_and_before_the_last_warning() -> anyhow::Result<()> {
    let room = room().await?;
    let id = room.case_until("approved").await?;
    room.registry(|knows| knows.class = Class::Shared);
    let refused = room.apply(&li(), &id, issue("08-17 10:00")).await.unwrap_err();
    assert!(
        refused.message().contains("class shared"),
        "{}",
        refused.message()
    );
    let case = room.case(&id).await?;
    assert_eq!((case.state.as_str(), case.class.as_str()), ("eligible", "shared"));

    let room = self::room().await?;
    let id = room.case_until("window_open").await?;
    room.until("08-17 09:14").await?;
    room.feed(vec![balance("f1", "1001", DEBT, "08-17 09:14")])
        .await?;
    room.registry(|knows| knows.class = Class::LifeSupport);
    room.until("08-17 09:16").await?;
    let refused = room.apply(&li(), &id, warn("08-17 09:15")).await.unwrap_err();
    assert!(refused.message().contains("never cut"), "{}", refused.message());
    assert_eq!(room.case(&id).await?.class, "life_support");
    Ok(())
}

/// A replaced meter does not block the case: it is taken over before the notice, and a notice that is out is issued anew.
#[tokio::test]
async fn a_replaced_meter_is_taken_over_and_its_notice_issued_anew() -> anyhow::Result<()> {
    let room = room().await?;
    let id = room.case_until("approved").await?;
    room.registry(|knows| knows.meter_no = "M-2002".to_owned());
    let issued = room.apply(&li(), &id, issue("08-17 10:00")).await?;
    assert_eq!(
        (issued.meter_no.as_str(), issued.state.as_str()),
        ("M-2002", "notice_issued")
    );

    let room = self::room().await?;
    let id = room.case_until("pre_noticed").await?;
    room.until("08-17 10:00").await?;
    room.feed(vec![balance("f1", "1001", DEBT, "08-17 10:00")])
        .await?;
    room.registry(|knows| {
        knows.meter_no = "M-2002".to_owned();
        knows.point = "another point";
    });
    let refused = room.release(&id, METER, false).await.unwrap_err();
    assert!(
        refused.message().contains("meter M-2002"),
        "{}",
        refused.message()
    );
    let case = room.case(&id).await?;
    assert_eq!(
        (case.state.as_str(), case.meter_no.as_str()),
        ("expired", "M-2002")
    );
    let point = relight_common::ids::derived_from_name("another point 1001").to_string();
    assert_eq!(case.service_point_id, point);
    let again = room.apply(&li(), &id, issue("08-25 10:00")).await?;
    assert_eq!(again.state, "notice_issued");
    Ok(())
}

/// Registry lowers nothing by itself; where it says that life support is over, a manager's step takes that over.
#[tokio::test]
async fn less_protection_is_a_persons_decision() -> anyhow::Result<()> {
    let room = room().await?;
    room.registry(|knows| knows.class = Class::LifeSupport);
    let told = room
        .feed(vec![balance("b1", "1001", DEBT, "07-01 00:00")])
        .await?;
    let id = told[0].case_id.clone();
    assert_eq!(room.case(&id).await?.class, "life_support");
    let classify = |class: &str| {
        Event::Classify(Classify {
            class: class.to_owned(),
            reason: "moved out".to_owned(),
        })
    };
    let refused = room.apply(&boss(), &id, classify("ordinary")).await.unwrap_err();
    assert!(refused.message().contains("never cut"), "{}", refused.message());
    room.registry(|knows| knows.class = Class::Important);
    assert_eq!(room.case(&id).await?.class, "life_support", "nobody asked yet");
    let lowered = room.apply(&boss(), &id, classify("ordinary")).await?;
    assert_eq!(
        (lowered.class.as_str(), lowered.registry_class.as_str()),
        ("ordinary", "important")
    );
    Ok(())
}

/// Low income, or old and alone: somebody is alarmed before anything is proposed, and the cut needs a manager and a visit.
#[tokio::test]
async fn somebody_vulnerable_is_looked_after_before_a_cut_is_proposed() -> anyhow::Result<()> {
    let room = room().await?;
    room.registry(|knows| knows.class = Class::Vulnerable);
    let id = room.case_until("reminded").await?;
    assert_eq!(room.case(&id).await?.needs, ["manager", "visit"]);
    room.until("08-05 10:00").await?;
    assert_eq!(room.case(&id).await?.state, "eligible");
    let told = room.told().await?;
    assert_eq!(told.iter().filter(|word| *word == "arrears.alarm").count(), 1);
    room.apply(&li(), &id, propose()).await?;
    let desk = room.apply(&hu(), &id, Event::Approve(Approve::default())).await;
    assert_eq!(desk.unwrap_err().code(), Code::InvalidArgument);
    Ok(())
}

/// Found out when the case has come far already: the alarm is raised then, once.
#[tokio::test]
async fn somebody_who_turns_out_to_be_vulnerable_late_is_an_alarm_then() -> anyhow::Result<()> {
    let room = room().await?;
    let id = room.case_until("notice_issued").await?;
    let alarms = async || -> anyhow::Result<usize> {
        let told = room.told().await?;
        Ok(told.iter().filter(|word| *word == "arrears.alarm").count())
    };
    assert_eq!(alarms().await?, 0);
    for _ in 0..2 {
        let classify = Event::Classify(Classify {
            class: "vulnerable".to_owned(),
            reason: "old and alone".to_owned(),
        });
        room.apply(&boss(), &id, classify).await?;
        assert_eq!(alarms().await?, 1);
    }
    Ok(())
}
