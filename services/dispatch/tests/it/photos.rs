//! A phone that was offline names a photo before it arrives: taken, listed, looked at by whoever may see the order.

use relight_common::{Claims, Code, Grant, Role};
use relight_proto::{
    common::v1::{ListPhotosRequest, LookRequest, Photo},
    dispatch::v1::order_photos_server::OrderPhotos,
};
use tonic::Status;

use crate::given::{House, arrive_by_photo, dispatcher, from, house, phone_of};

fn elsewhere() -> Claims {
    let org_path = "demo/county".to_owned();
    let role = Role::Dispatcher;
    Claims::of("chen", vec![Grant { role, org_path }])
}

async fn list(house: &House, claims: Claims, subject: &str) -> Result<Vec<Photo>, Status> {
    let ask = ListPhotosRequest {
        subject_id: subject.to_owned(),
    };
    Ok(house.api.list(from(claims, ask)).await?.into_inner().photos)
}

#[tokio::test]
async fn the_photo_of_an_arrival_is_listed_with_its_order_and_who_looked_is_kept() -> anyhow::Result<()> {
    let house = house().await?;
    let order = house.brought_to("en_route").await?;
    assert!(list(&house, dispatcher(), "").await?.is_empty());
    let there = house.act(phone_of(1), order, arrive_by_photo()).await?;
    let photo = "0a".repeat(32);
    assert_eq!(there.steps.last().expect("the arrival").photo_sha256, photo);

    for subject in [String::new(), order.to_string()] {
        let photos = list(&house, dispatcher(), &subject).await?;
        assert_eq!(photos.len(), 1, "{photos:?}");
        assert_eq!(
            (
                photos[0].what.as_str(),
                &photos[0].sha256,
                &photos[0].subject_number
            ),
            ("arrival", &photo, &there.number)
        );
    }
    assert!(list(&house, elsewhere(), "").await?.is_empty());
    let refused = list(&house, elsewhere(), &order.to_string()).await.unwrap_err();
    assert_eq!(refused.code(), Code::PermissionDenied);

    let look = |sha256: String| LookRequest {
        subject_id: order.to_string(),
        sha256,
    };
    house.api.look(from(dispatcher(), look(photo.clone()))).await?;
    let other = house.api.look(from(dispatcher(), look("0b".repeat(32)))).await;
    assert_eq!(other.unwrap_err().code(), Code::NotFound);
    assert!(house.api.look(from(elsewhere(), look(photo))).await.is_err());
    let looked: i64 = sqlx::query_scalar("select count(*) from audit where action = 'order.photo_seen'")
        .fetch_one(house.db.pool())
        .await?;
    assert_eq!(looked, 1);
    Ok(())
}
