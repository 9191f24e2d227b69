//! What looks odd and is right: the system takes it, also after everything wrong.

use serde_json::{Value, json};

use super::{house::House, wire::Case};

/// Reports in every script; each is accepted and told back as it was.
///
/// # Errors
/// When one is refused or changed.
pub async fn is_accepted(house: &House) -> anyhow::Result<()> {
    let texts = [
        "王小明",
        "\u{1f469}\u{200d}\u{1f692} \u{26a1}\u{fe0f}",
        "\u{645}\u{62d}\u{645}\u{62f} \u{5d0}\u{5d1}\u{5d2}",
        "O'Brien \"; drop table report; --",
        "e\u{301}\u{327} \u{10ffff} \u{202e}back",
        "{{7*7}} <b>%s%n</b> \\u0000",
    ];
    for (n, text) in texts.into_iter().enumerate() {
        let body = json!({ "danger": false, "reporter_name": text, "reporter_phone": format!("+861380000{n:04}"),
            "address": format!("{text} 1"), "note": "line\nline", "channel": "hall" });
        let report = house.good(&Case::post("agent", "/api/v1/reports", &body)).await?;
        let id = report["report_id"].as_str().unwrap_or_default();
        let read = house
            .good(&Case::get("agent", format!("/api/v1/reports/{id}")))
            .await?;
        anyhow::ensure!(read["address"] == format!("{text} 1"), "{text:?} became {read}");
    }
    danger(house).await
}

/// Danger is taken whatever else is missing or wrong within the bounds.
async fn danger(house: &House) -> anyhow::Result<()> {
    for body in [
        json!({ "danger": true }),
        json!({ "danger": true, "account": "NOBODY-1", "reporter_phone": "?" }),
    ] {
        let report: Value = house.good(&Case::post("", "/api/v1/reports", &body)).await?;
        anyhow::ensure!(report["danger"] == true, "{report}");
    }
    Ok(())
}
