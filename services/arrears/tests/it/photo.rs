//! Photos are evidence: a proof names one whose bytes are stored, and whoever may see the case sees which and may look.

use relight_common::{Claims, Code, error::FIELD_KEY, wire::timestamp};
use relight_proto::{
    arrears::v1::{self as w, apply_request::Event, case_photos_server::CasePhotos},
    common::v1::{ListPhotosRequest, LookRequest, Photo},
};
use tonic::Status;
use uuid::Uuid;

use crate::given::{
    DEBT, METER, NEIGHBOUR, Room, asked, balance, crew, cut, elsewhere, li, local, payment, reconnect, room,
    serve,
};

fn command(case_id: &str, event: Event, photos: &[&str]) -> w::ApplyRequest {
    w::ApplyRequest {
        command_id: Uuid::now_v7().to_string(),
        case_id: case_id.to_owned(),
        event: Some(event),
        expected_version: 0,
        photos_stored: photos.iter().map(|two| two.repeat(32)).collect(),
    }
}

fn field(status: &Status) -> &str {
    let field = status.metadata().get(FIELD_KEY);
    field.and_then(|field| field.to_str().ok()).unwrap_or_default()
}

async fn list(room: &Room, claims: &Claims, subject: &str) -> Result<Vec<Photo>, Status> {
    let ask = ListPhotosRequest {
        subject_id: subject.to_owned(),
    };
    Ok(room.api.list(asked(ask, claims)).await?.into_inner().photos)
}

fn named(photos: &[Photo]) -> Vec<(&str, &str)> {
    photos
        .iter()
        .map(|photo| (photo.what.as_str(), photo.sha256.get(..2).unwrap_or("owed")))
        .collect()
}

#[tokio::test]
async fn a_visit_proves_nothing_before_its_photo_is_stored() -> anyhow::Result<()> {
    let room = room().await?;
    let id = room.case_until("notice_issued").await?;
    room.until("08-10 09:30").await?;
    let visit = || Event::Serve(serve("08-10 09:00"));
    for photos in [&[][..], &["cd"][..]] {
        let refused = room
            .ask(&crew(), command(&id, visit(), photos))
            .await
            .unwrap_err();
        assert_eq!(
            (refused.code(), field(&refused)),
            (Code::InvalidArgument, "photo_sha256")
        );
        assert!(refused.message().contains("upload the photo first"), "{refused}");
    }
    assert!(list(&room, &li(), &id).await?.is_empty());
    let served = room.ask(&crew(), command(&id, visit(), &["ab"])).await?;
    assert_eq!(served.state, "notice_served");
    Ok(())
}

fn at_the_door() -> Event {
    Event::PreNotice(w::PreNotice {
        warned_at: Some(timestamp(local("08-17 09:15"))),
        channel: "door".to_owned(),
        record: "slip 90".to_owned(),
        photo_sha256: "cd".repeat(32),
        witness: "zhou".to_owned(),
        ..w::PreNotice::default()
    })
}

fn at_a_visit() -> Event {
    Event::Remind(w::Remind {
        reminded_at: Some(timestamp(local("07-10 10:00"))),
        channel: "visit".to_owned(),
        record: "slip 3".to_owned(),
        photo_sha256: "ef".repeat(32),
        ..w::Remind::default()
    })
}

/// As the visit that serves the notice: what nobody has shows nothing, and what is kept proves this case alone.
#[tokio::test]
async fn a_reminder_and_a_last_warning_prove_nothing_before_their_photo_is_stored() -> anyhow::Result<()> {
    let room = room().await?;
    let id = room.case_until("overdue").await?;
    room.until("07-10 11:00").await?;
    let unseen = room
        .ask(&li(), command(&id, at_a_visit(), &[]))
        .await
        .unwrap_err();
    assert_eq!(field(&unseen), "photo_sha256", "{unseen}");
    let reminded = room.ask(&li(), command(&id, at_a_visit(), &["ef"])).await?;
    assert_eq!(reminded.state, "reminded");
    assert_eq!(named(&list(&room, &li(), &id).await?), [("reminded", "ef")]);

    let room = self::room().await?;
    let id = room.case_until("window_open").await?;
    room.until("08-17 09:14").await?;
    room.feed(vec![balance("f1", "1001", DEBT, "08-17 09:14")])
        .await?;
    room.until("08-17 09:16").await?;
    let unseen = room
        .ask(&li(), command(&id, at_the_door(), &["ab"]))
        .await
        .unwrap_err();
    assert_eq!(
        (unseen.code(), field(&unseen)),
        (Code::InvalidArgument, "photo_sha256")
    );
    assert!(unseen.message().contains("upload the photo first"), "{unseen}");
    assert_eq!(room.case(&id).await?.state, "window_open");
    let warned = room.ask(&li(), command(&id, at_the_door(), &["cd"])).await?;
    assert_eq!(warned.state, "pre_noticed");
    assert_eq!(
        named(&list(&room, &li(), &id).await?),
        [("served", "ab"), ("warned", "cd")]
    );
    assert!(list(&room, &li(), "").await?.is_empty(), "no cut owes a photo");
    Ok(())
}

async fn warned(room: &Room) -> anyhow::Result<(String, String)> {
    let id = room.case_until("pre_noticed").await?;
    room.until("08-17 10:00").await?;
    room.feed(vec![balance("f1", "1001", DEBT, "08-17 10:00")])
        .await?;
    let release = room.release(&id, METER, false).await?.release;
    Ok((id, release))
}

#[tokio::test]
async fn nothing_is_cut_before_both_photos_are_stored() -> anyhow::Result<()> {
    let room = room().await?;
    let (id, release) = warned(&room).await?;
    for (photos, wrong) in [
        (&[][..], "photo_before_sha256"),
        (&["ef"][..], "photo_before_sha256"),
        (&["cd"][..], "photo_after_sha256"),
    ] {
        let ask = command(&id, cut(&release), photos);
        let refused = room.ask(&crew(), ask).await.unwrap_err();
        assert_eq!(field(&refused), wrong, "{refused}");
    }
    assert_eq!(room.case(&id).await?.state, "pre_noticed");
    let off = room
        .ask(&crew(), command(&id, cut(&release), &["cd", "ef"]))
        .await?;
    assert_eq!(off.state, "disconnected");
    Ok(())
}

fn changed(release: &str, change: impl FnOnce(&mut w::Cut)) -> Event {
    let Event::Cut(mut told) = cut(release) else {
        unreachable!("a cut");
    };
    change(&mut told);
    Event::Cut(told)
}

fn done(release: &str) -> Event {
    changed(release, |told| {
        told.done_at = Some(timestamp(local("08-17 10:00")))
    })
}

/// Off is off: the picture of it may follow. A repeat after it arrived is the same command.
#[tokio::test]
async fn a_cut_that_was_done_is_recorded_before_the_photo_after_it_arrives() -> anyhow::Result<()> {
    let room = room().await?;
    let (id, release) = warned(&room).await?;
    let early = command(&id, done(&release), &["cd"]);
    let off = room.ask(&crew(), early.clone()).await?;
    assert_eq!(off.state, "disconnected");
    let later = w::ApplyRequest {
        photos_stored: ["cd", "ef"].map(|two| two.repeat(32)).into(),
        ..early
    };
    assert_eq!(room.ask(&crew(), later).await?, off);
    let all = list(&room, &li(), "").await?;
    assert_eq!(all.len(), 2, "listed until it arrives: {all:?}");
    assert!(list(&room, &elsewhere(), "").await?.is_empty());
    Ok(())
}

/// Nobody can show how it was before: it may be wrongful, and supply has to come back.
#[tokio::test]
async fn a_cut_that_was_done_without_a_photo_before_it_is_wrongful_and_keeps_its_photos() -> anyhow::Result<()>
{
    let room = room().await?;
    let (id, release) = warned(&room).await?;
    let off = room.ask(&crew(), command(&id, done(&release), &[])).await?;
    assert!(off.wrongful, "{off:?}");
    let photos = list(&room, &li(), &id).await?;
    assert_eq!(
        named(&photos),
        [("served", "ab"), ("before_cut", "cd"), ("after_cut", "ef")]
    );
    Ok(())
}

#[tokio::test]
async fn the_photos_of_a_case_stay_when_it_moves_on_and_who_looks_is_kept() -> anyhow::Result<()> {
    let room = room().await?;
    let (id, release) = warned(&room).await?;
    room.apply(&crew(), &id, cut(&release)).await?;
    room.feed(vec![payment("p1", "1001", DEBT, "08-17 10:00")])
        .await?;
    room.fire().await?;
    assert_eq!(room.apply(&crew(), &id, reconnect()).await?.state, "reconnected");
    let photos = list(&room, &li(), &id).await?;
    assert_eq!(
        named(&photos),
        [("served", "ab"), ("before_cut", "cd"), ("after_cut", "ef")]
    );

    let look = |sha256: String| LookRequest {
        subject_id: id.clone(),
        sha256,
    };
    let seen = room.api.look(asked(look("cd".repeat(32)), &li())).await?;
    assert_eq!(seen.into_inner().what, "before_cut");
    for (claims, two) in [(li(), "00"), (elsewhere(), "cd")] {
        let refused = room.api.look(asked(look(two.repeat(32)), &claims)).await;
        assert_eq!(refused.unwrap_err().code(), Code::NotFound);
    }
    let looks: Vec<String> =
        sqlx::query_scalar("select actor from audit where action = 'arrears.photo_viewed'")
            .fetch_all(room.db.pool())
            .await?;
    assert_eq!(looks, ["li"]);
    Ok(())
}

/// The phone had no signal: with a code the desk read out, the cut is lawful and both photos follow.
#[tokio::test]
async fn a_cut_by_a_code_is_told_before_its_photos() -> anyhow::Result<()> {
    let room = room().await?;
    let (id, _) = warned(&room).await?;
    let code = room.release(&id, METER, true).await?.release;
    room.until("08-17 12:00").await?;
    let off = room.ask(&crew(), command(&id, done(&code), &[])).await?;
    assert_eq!((off.state.as_str(), off.wrongful), ("disconnected", false));
    assert_eq!(list(&room, &li(), "").await?.len(), 2);
    Ok(())
}

#[tokio::test]
async fn a_cut_told_by_voice_owes_its_photos_until_the_phone_names_them() -> anyhow::Result<()> {
    let room = room().await?;
    let (id, _) = warned(&room).await?;
    let code = room.release(&id, METER, true).await?.release;
    let voice = changed(&code, |told| {
        told.done_at = Some(timestamp(local("08-17 10:00")));
        told.told_by = "wang".to_owned();
        told.photo_before_sha256.clear();
        told.photo_after_sha256.clear();
    });
    let off = room.ask(&li(), command(&id, voice, &[])).await?;
    assert_eq!((off.state.as_str(), off.wrongful), ("disconnected", false));
    let owed = list(&room, &li(), "").await?;
    let mut owed = named(&owed);
    owed.sort_unstable();
    assert_eq!(owed, [("after_cut", "owed"), ("before_cut", "owed")]);

    room.ask(&crew(), command(&id, done(&code), &[])).await?;
    let photos = list(&room, &li(), &id).await?;
    assert_eq!(
        named(&photos),
        [("served", "ab"), ("before_cut", "cd"), ("after_cut", "ef")]
    );
    Ok(())
}

#[tokio::test]
async fn one_photo_is_not_both_before_and_after() -> anyhow::Result<()> {
    let room = room().await?;
    let (id, release) = warned(&room).await?;
    let same = changed(&release, |told| {
        told.photo_after_sha256 = told.photo_before_sha256.clone();
    });
    let refused = room.ask(&crew(), command(&id, same, &["cd"])).await.unwrap_err();
    assert_eq!(field(&refused), "photo_after_sha256");
    assert_eq!(room.case(&id).await?.state, "pre_noticed");
    Ok(())
}

/// The neighbour was cut by mistake: these photos prove that.
async fn neighbours(room: &Room, id: &str, release: &str) -> anyhow::Result<w::Case> {
    let Event::Cut(mut wrong) = done(release) else {
        unreachable!("a cut");
    };
    wrong.scanned_meter_no = NEIGHBOUR.to_owned();
    let ask = command(id, Event::Cut(wrong), &["cd", "ef"]);
    Ok(room.ask(&crew(), ask).await?)
}

#[tokio::test]
async fn one_photo_does_not_prove_two_cases_and_who_may_see_the_other_is_told_which() -> anyhow::Result<()> {
    let room = room().await?;
    let (id, release) = warned(&room).await?;
    let theirs = neighbours(&room, &id, &release).await?.number;
    let release = room.release(&id, METER, false).await?.release;
    let again = || command(&id, cut(&release), &["cd", "ef"]);
    let refused = room.ask(&crew(), again()).await.unwrap_err();
    assert_eq!(
        (refused.code(), field(&refused)),
        (Code::InvalidArgument, "photo_before_sha256")
    );
    assert!(refused.message().contains(&theirs), "{refused}");

    sqlx::query("update debt_case set org_path = 'demo/county' where number = $1")
        .bind(&theirs)
        .execute(room.db.pool())
        .await?;
    let refused = room.ask(&crew(), again()).await.unwrap_err();
    assert_eq!(field(&refused), "photo_before_sha256");
    assert!(!refused.message().contains(&theirs), "{refused}");
    assert_eq!(room.case(&id).await?.state, "pre_noticed");
    Ok(())
}

/// Off is off, and what the photos show is another's meter.
#[tokio::test]
async fn a_cut_that_was_done_and_shows_anothers_photos_is_recorded_and_owes_its_own() -> anyhow::Result<()> {
    let room = room().await?;
    let (id, release) = warned(&room).await?;
    neighbours(&room, &id, &release).await?;
    let release = room.release(&id, METER, false).await?.release;
    let ask = command(&id, done(&release), &["cd", "ef"]);
    let off = room.ask(&crew(), ask).await?;
    assert!(off.wrongful, "nobody can show how it was before: {off:?}");
    let photos = list(&room, &li(), &id).await?;
    assert_eq!(
        named(&photos),
        [("served", "ab"), ("before_cut", "owed"), ("after_cut", "owed")]
    );
    Ok(())
}
