//! The photos of a case on the live system: the one after the cut arrives late and in pieces; who may see the case sees it.

use relight_tests::{
    Api,
    photo::{picture, sha256},
};
use serde_json::Value;

use super::house::{Debt, House};

/// The notice at the door and the meter before the cut are there, the meter after it is on the phone.
pub async fn shown(house: &House, debt: &Debt, phone: &Api) -> anyhow::Result<()> {
    let desk = house.officer("li").await?;
    let list = desk.get(&debt.photos()).await?;
    anyhow::ensure!(
        told(&list)
            == [
                ("served", true),
                ("warned", true),
                ("before_cut", true),
                ("after_cut", false)
            ],
        "{list}"
    );
    let missing = desk.get("/api/v1/photos/missing").await?;
    anyhow::ensure!(told(&missing) == [("after_cut", false)], "{missing}");
    let (status, ..) = desk.get_bytes(&debt.photo(&sha256(3))).await?;
    anyhow::ensure!(status == 404, "{status}");

    in_pieces(phone).await?;
    let missing = desk.get("/api/v1/photos/missing").await?;
    anyhow::ensure!(told(&missing).is_empty(), "{missing}");
    looked_at(house, debt, &desk).await
}

fn told(list: &Value) -> Vec<(&str, bool)> {
    let photos = list["photos"].as_array().map(Vec::as_slice).unwrap_or_default();
    photos
        .iter()
        .map(|photo| {
            (
                photo["what"].as_str().unwrap_or_default(),
                photo["stored"] == true,
            )
        })
        .collect()
}

/// A link that breaks after the first piece; the phone asks where to go on.
async fn in_pieces(phone: &Api) -> anyhow::Result<()> {
    let (bytes, path) = (picture(3), format!("/m/v1/photos/{}", sha256(3)));
    let total = bytes.len();
    let range = format!("bytes 0-29/{total}");
    let (status, told) = phone.put_bytes(&path, &range, bytes[..30].to_vec()).await?;
    anyhow::ensure!(status == 202 && told["received"] == 30, "{status}: {told}");
    let ask = format!("bytes */{total}");
    let (status, told) = phone.put_bytes(&path, &ask, Vec::new()).await?;
    anyhow::ensure!(status == 202 && told["received"] == 30, "{status}: {told}");
    let rest = format!("bytes 30-{}/{total}", total - 1);
    let (status, told) = phone.put_bytes(&path, &rest, bytes[30..].to_vec()).await?;
    anyhow::ensure!(status == 201 && told["stored"] == true, "{status}: {told}");

    let other = format!("/m/v1/photos/{}", sha256(8));
    let (status, told) = phone.put_bytes(&other, "", bytes).await?;
    anyhow::ensure!(status == 400, "another photo's bytes: {status}: {told}");
    let page = b"<html>".to_vec();
    let id = relight_common::edge::photo::PhotoId::of(&page);
    let path = format!("/m/v1/photos/{}", id.as_str());
    let (status, told) = phone.put_bytes(&path, "", page).await?;
    anyhow::ensure!(status == 400, "no photo: {status}: {told}");
    Ok(())
}

/// As it was taken, as nothing but a picture, and to nobody who may not see the case.
async fn looked_at(house: &House, debt: &Debt, desk: &Api) -> anyhow::Result<()> {
    let path = debt.photo(&sha256(3));
    let (status, headers, bytes) = desk.get_bytes(&path).await?;
    anyhow::ensure!(status == 200 && bytes == picture(3), "{status}");
    for (name, value) in [
        ("content-type", "image/png"),
        ("x-content-type-options", "nosniff"),
        ("content-security-policy", "default-src 'none'; sandbox"),
        ("cache-control", "no-store"),
    ] {
        anyhow::ensure!(headers[name] == value, "{name}: {:?}", headers[name]);
    }
    let anybody = Api::anybody(&house.system.gateway()?);
    let (status, ..) = anybody.get_bytes(&path).await?;
    anyhow::ensure!(status == 401, "{status}");
    // A photo of no record of this case is nobody's to see.
    desk.bring("/api/v1", 9).await?;
    let (status, ..) = desk.get_bytes(&debt.photo(&sha256(9))).await?;
    anyhow::ensure!(status == 404, "{status}");
    let at = format!("{}{}&lang=en", house.system.gateway()?, debt.photos_page());
    let page = house.page(&at).await?;
    anyhow::ensure!(page.contains("Meter before the cut"), "the page of the case");
    Ok(())
}
