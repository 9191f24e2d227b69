//! Which photos prove that people were told, and who looked at them.

use relight_common::{Claims, Code, Grant, Role};
use relight_proto::{
    common::v1::{ListPhotosRequest, LookRequest},
    planner::v1::{
        ActRequest, Evidence, act_request::Action, outage_photos_server::OutagePhotos,
        planner_server::Planner,
    },
};
use uuid::Uuid;

use crate::{
    given::{self, outage, planner},
    served::from,
};

fn elsewhere() -> Claims {
    let org_path = "demo/county".to_owned();
    let role = Role::Planner;
    Claims::of("chen", vec![Grant { role, org_path }])
}

#[tokio::test]
async fn a_stairway_is_proven_by_one_stored_photo_that_its_desk_may_look_at() -> anyhow::Result<()> {
    let house = given::house().await?;
    house.approved().await?;
    house
        .event(&planner(), relight_planner::domain::event::Event::Announce)
        .await?;
    let api = house.served_api()?;
    let subject_id = outage().to_string();
    let photo = "07".repeat(32);
    let proof = |photos_stored: Vec<String>| ActRequest {
        command_id: Uuid::now_v7().to_string(),
        outage_id: subject_id.clone(),
        expected_version: 0,
        photos_stored,
        action: Some(Action::Evidence(Evidence {
            customer_id: given::customer(3).to_string(),
            more_customer_ids: vec![given::customer(4).to_string()],
            channel: "community".to_owned(),
            at: Some(relight_common::wire::timestamp(house.now())),
            note: "put up in the stairway".to_owned(),
            photo_sha256: photo.clone(),
            ..Evidence::default()
        })),
    };
    let refused = api.act(from(&planner(), proof(Vec::new()))).await.unwrap_err();
    assert!(refused.message().contains("upload the photo first"), "{refused}");
    api.act(from(&planner(), proof(vec![photo.clone()]))).await?;

    let all = ListPhotosRequest {
        subject_id: subject_id.clone(),
    };
    let photos = OutagePhotos::list(&api, from(&planner(), all.clone()))
        .await?
        .into_inner()
        .photos;
    assert_eq!(photos.len(), 1, "one photo of two customers: {photos:?}");
    assert_eq!((photos[0].what.as_str(), &photos[0].sha256), ("told", &photo));
    assert!(OutagePhotos::list(&api, from(&elsewhere(), all)).await.is_err());

    let look = |sha256: &str| LookRequest {
        subject_id: subject_id.clone(),
        sha256: sha256.to_owned(),
    };
    api.look(from(&planner(), look(&photo))).await?;
    let other = api.look(from(&planner(), look(&"08".repeat(32)))).await;
    assert_eq!(other.unwrap_err().code(), Code::NotFound);
    assert!(api.look(from(&elsewhere(), look(&photo))).await.is_err());
    let looked: i64 = sqlx::query_scalar("select count(*) from audit where action = 'outage.photo_seen'")
        .fetch_one(house.db.pool())
        .await?;
    assert_eq!(looked, 1);
    Ok(())
}
