//! Bad input against the built system: every refusal is a problem that names the field, nothing is half-written, nothing
//! panics, and afterwards the system works as before.

mod books;
mod bytes;
mod house;
mod keys;
mod people;
mod reads;
mod right;
pub mod schema;
mod wild;
mod wire;
mod writes;

use house::House;
pub use house::is_alarming;

/// What people and programs get wrong, one case after the other, over every write and read of both edges.
#[tokio::test]
async fn what_is_wrong_is_refused_by_name_and_leaves_no_trace() -> anyhow::Result<()> {
    let mut house = House::open().await?;
    let mut cases = writes::cases(&house);
    cases.extend(reads::cases(&house).await?);
    cases.extend(bytes::cases(&house));
    cases.extend(keys::cases(&house).await?);
    let before = house.books().await?;
    house.all_refused(&cases).await?;
    bytes::too_large(&house).await?;
    house.same_books(&before).await?;
    keys::reused(&house).await?;
    right::is_accepted(&house).await?;
    house.close().await
}

/// Requests drawn from the documents of both edges and broken at random places, from a fixed seed.
#[tokio::test]
async fn no_broken_request_breaks_the_system() -> anyhow::Result<()> {
    let mut house = House::open().await?;
    wild::storm(&house).await?;
    right::is_accepted(&house).await?;
    house.close().await
}
