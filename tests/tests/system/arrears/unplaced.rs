//! Money of an account nobody knows yet.

use anyhow::Context;
use serde_json::{Value, json};

use super::house::House;

impl House {
    /// What billing sent that has no place.
    async fn unplaced(&self) -> anyhow::Result<Vec<Value>> {
        let billing = self.officer("admin").await?;
        let page = billing.get("/api/v1/arrears/unplaced-payments").await?;
        page["items"].as_array().cloned().context("a page")
    }
}

/// Paid before registry knows the account: kept, shown to who answers for billing and to nobody else; it counts when the
/// account appears, against the first balance that is of before it.
#[tokio::test]
async fn a_payment_of_an_account_nobody_knows_is_kept_until_it_appears() -> anyhow::Result<()> {
    let mut house = House::open().await?;
    let now = house.system.now();
    let payment = json!({ "account": "S-7", "payment": { "amount_cents": 49_000, "paid_at": now } });
    let kept = house.lines(vec![payment]).await?;
    anyhow::ensure!(
        kept[0]["outcome"] == "kept"
            && kept[0]["reason"]
                .as_str()
                .is_some_and(|why| why.contains("not known")),
        "{kept:?}"
    );
    let shown = house.unplaced().await?;
    anyhow::ensure!(
        shown.len() == 1 && shown[0]["account"] == "S-7" && shown[0]["amount_cents"] == 49_000,
        "{shown:?}"
    );
    let desk = house.officer("li").await?;
    anyhow::ensure!(desk.get("/api/v1/arrears/unplaced-payments").await.is_err());

    house.another_customer().await?;
    let owes = json!({ "account": "S-7", "balance": {
        "balance_cents": 50_000, "as_of": super::after(now, -60), "due_on": "2026-01-01",
    } });
    let told = house.lines(vec![owes]).await?;
    anyhow::ensure!(
        told[0]["outcome"] == "taken" && told[0]["balance_cents"] == 1_000,
        "{told:?}"
    );
    anyhow::ensure!(house.unplaced().await?.is_empty());
    house.system.stop().await
}
