//! Off without right, found before and after supply is back: recorded, told, apologised for and listed.

use relight_common::{Claims, Code};
use relight_proto::arrears::v1::{
    self as w, Close, FoundOff, ListBreachesRequest, Reason, apply_request::Event,
    arrears_breaches_server::ArrearsBreaches,
};
use tonic::Status;

use crate::given::{
    DEBT, METER, Room, asked, balance, boss, crew, cut, elsewhere, li, local, ordered, payment, reconnect,
    room,
};

fn found_off(at: &str) -> Event {
    Event::FoundOff(FoundOff {
        off_at: Some(relight_common::wire::timestamp(local(at))),
        reason: "cut without a signal".to_owned(),
    })
}

async fn listed(room: &Room, kind: &str, claims: &Claims) -> Result<Vec<w::Breach>, Status> {
    let ask = ListBreachesRequest {
        kind: kind.to_owned(),
        page: None,
    };
    Ok(room
        .api
        .list_breaches(asked(ask, claims))
        .await?
        .into_inner()
        .breaches)
}

/// A case that was cut at 10:01, paid at 08:00 the next day, and reconnected at `on_at`.
async fn reconnected(room: &Room, on_at: &str) -> anyhow::Result<String> {
    let id = room.case_until("pre_noticed").await?;
    room.until("08-17 10:01").await?;
    room.feed(vec![balance("fresh", "1001", DEBT, "08-17 10:01")])
        .await?;
    let release = room.release(&id, METER, false).await?;
    room.apply(&crew(), &id, cut(&release.release)).await?;
    room.until("08-18 08:00").await?;
    room.feed(vec![payment("p1", "1001", DEBT, "08-18 08:00")])
        .await?;
    room.until(on_at).await?;
    room.apply(&crew(), &id, reconnect()).await?;
    Ok(id)
}

async fn apologies(room: &Room) -> anyhow::Result<usize> {
    let all = ordered(room).await?;
    Ok(all.iter().filter(|notice| notice.kind == "apology").count())
}

/// Paid at the bank before the cut, and nobody knew until the case was closed.
#[tokio::test]
async fn a_wrongful_cut_found_late_is_recorded_and_apologised_for_once() -> anyhow::Result<()> {
    let room = room().await?;
    let id = reconnected(&room, "08-18 11:00").await?;
    room.apply(&li(), &id, Event::Close(Close {})).await?;
    let paid = Reason {
        reason: "paid at the bank".to_owned(),
    };
    for _ in 0..2 {
        let case = room.apply(&li(), &id, Event::FindWrongful(paid.clone())).await?;
        assert_eq!((case.state.as_str(), case.wrongful), ("closed", true));
    }
    assert_eq!(apologies(&room).await?, 1);
    room.became("sms", "delivered", "08-18 11:05").await?;
    let list = listed(&room, "wrongful_cut", &boss()).await?;
    let one = &list[0];
    assert_eq!(list.len(), 1);
    assert_eq!(
        (
            one.case_id.as_str(),
            one.cut_by.as_str(),
            one.found_by.as_str(),
            one.reason.as_str()
        ),
        (id.as_str(), "wang", "li", "paid at the bank")
    );
    assert_eq!(
        [one.off_at, one.on_at, one.apology_ordered_at, one.apologised_at].map(|at| at.map(|at| at.seconds)),
        ["08-17 10:01", "08-18 11:00", "08-18 11:00", "08-18 11:05"].map(|at| Some(local(at).timestamp()))
    );
    Ok(())
}

/// Off again after the case was over: nothing of the report is lost, and supply has to come back at once.
#[tokio::test]
async fn off_again_after_the_case_was_over_is_a_wrongful_case_of_its_own() -> anyhow::Result<()> {
    for close in [false, true] {
        let room = room().await?;
        let id = reconnected(&room, "08-18 11:00").await?;
        if close {
            room.apply(&li(), &id, Event::Close(Close {})).await?;
        }
        room.until("08-19 09:00").await?;
        let Event::Cut(mut done) = cut("0000000000") else {
            unreachable!("a cut");
        };
        done.done_at = Some(relight_common::wire::timestamp(local("08-19 08:00")));
        let wrong = room.apply(&crew(), &id, Event::Cut(done)).await?;
        assert_ne!(wrong.case_id, id);
        assert_eq!((wrong.state.as_str(), wrong.wrongful), ("wrongful", true));
        assert_eq!(room.case(&id).await?.state, "closed");
        assert_eq!(apologies(&room).await?, 1);
        let on = room.apply(&crew(), &wrong.case_id, reconnect()).await?;
        assert_eq!((on.state.as_str(), on.wrongful), ("reconnected", true));
        assert!(listed(&room, "", &boss()).await?[0].on_at.is_some());
    }
    Ok(())
}

/// A report on an old case, while the account has a newer one, is about the newer.
#[tokio::test]
async fn a_late_report_goes_to_the_open_case_of_the_account() -> anyhow::Result<()> {
    let room = room().await?;
    let old = room.case_until("eligible").await?;
    room.feed(vec![payment("p1", "1001", DEBT, "08-05 10:00")])
        .await?;
    room.until("08-06 10:00").await?;
    let open = room
        .feed(vec![balance("b2", "1001", DEBT, "08-06 10:00")])
        .await?;
    let wrong = room.apply(&crew(), &old, found_off("08-06 09:30")).await?;
    assert_eq!(
        (wrong.case_id, wrong.state.as_str()),
        (open[0].case_id.clone(), "wrongful")
    );
    Ok(())
}

/// Listed while it is late, ended when supply is back; by area and role.
#[tokio::test]
async fn a_late_reconnection_is_listed() -> anyhow::Result<()> {
    let room = room().await?;
    reconnected(&room, "08-19 08:30").await?;
    let list = listed(&room, "late_reconnection", &boss()).await?;
    assert_eq!(list.len(), 1);
    assert_eq!(
        (
            list[0].due_at.map(|at| at.seconds),
            list[0].on_at.map(|at| at.seconds)
        ),
        (
            Some(local("08-19 08:00").timestamp()),
            Some(local("08-19 08:30").timestamp())
        )
    );
    assert_eq!(apologies(&room).await?, 0);
    assert!(listed(&room, "wrongful_cut", &boss()).await?.is_empty());
    assert!(listed(&room, "", &elsewhere()).await?.is_empty());
    let code = |status: Result<Vec<w::Breach>, Status>| status.unwrap_err().code();
    assert_eq!(code(listed(&room, "", &crew()).await), Code::PermissionDenied);
    assert_eq!(code(listed(&room, "late", &boss()).await), Code::InvalidArgument);
    Ok(())
}
