//! Bodies that are no JSON, no UTF-8, of the wrong type, nested without end, or too large.

use std::fmt::Write as _;

use anyhow::Context;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use uuid::Uuid;

use super::{house::House, wire::Case};

/// Every write: who sends it, how, and where.
fn targets(house: &House) -> Vec<Case> {
    let (order, incident) = (&house.order, &house.incident);
    let empty = serde_json::json!({});
    let id = Uuid::now_v7();
    vec![
        Case::post("agent", "/api/v1/reports", &empty),
        Case::post("", "/api/v1/reports", &empty),
        Case::post("", "/api/v1/sessions", &empty),
        Case::post("", "/api/v1/codes", &empty),
        Case::post("", "/api/v1/codes/confirm", &empty),
        Case::post(
            "dispatcher",
            format!("/api/v1/incidents/{incident}/confirm"),
            &empty,
        ),
        Case::post("dispatcher", format!("/api/v1/orders/{order}/events"), &empty),
        Case::post(
            "dispatcher",
            format!("/api/v1/orders/{order}/alarms/acknowledge"),
            &empty,
        ),
        Case::post("agent", "/api/v1/customers/search", &empty),
        Case::put("admin", format!("/api/v1/units/{id}"), &empty),
        Case::put("admin", format!("/api/v1/crews/{id}"), &empty),
        Case::put("admin", format!("/api/v1/accounts/{id}"), &empty),
        Case::post("", "/m/v1/session", &empty),
        Case::post("crew", "/m/v1/sync", &empty),
        Case::post("crew", "/m/v1/positions", &empty),
    ]
}

/// Bodies no write takes.
fn broken() -> Vec<Vec<u8>> {
    let deep =
        |open: &str, close: &str| format!("{{\"danger\":{}{}}}", open.repeat(100_000), close.repeat(100_000));
    let mut bodies: Vec<Vec<u8>> = [
        "",
        " ",
        "{",
        "{\"danger\":",
        "{\"danger\":tru",
        "{\"danger\":\"",
        "nul",
        "null",
        "true",
        "7",
        "\"text\"",
        "[]",
        "[{}]",
        "{}{}",
        "{} x",
        "{'danger':false}",
        "{danger:false}",
        "{\"danger\":NaN}",
        "{\"danger\":1e999}",
        "{\"danger\":01}",
        "{\"a\":\"\\ud800\"}",
        "{\"a\":\"\\x\"}",
        "{\"a\":\"\n\"}",
        "<report/>",
        "danger=false",
        "\u{feff}{}",
    ]
    .map(|text| text.as_bytes().to_vec())
    .to_vec();
    bodies.extend([
        b"{\"danger\":\"\xff\xfe\"}".to_vec(),
        b"\xff".to_vec(),
        b"{\"\xc0\x80\":1}".to_vec(),
        b"\0".to_vec(),
        vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0],
        deep("[", "]").into_bytes(),
        deep("{\"a\":", "}").into_bytes(),
        "[".repeat(500_000).into_bytes(),
    ]);
    bodies
}

/// All cases.
pub fn cases(house: &House) -> Vec<Case> {
    let mut cases = Vec::new();
    for target in targets(house) {
        // Which field is named depends on how far the reader got; that one is named does not.
        cases.extend(broken().into_iter().map(|body| target.clone().with_json(body)));
        for kind in [
            "text/plain",
            "application/xml",
            "multipart/form-data; boundary=x",
            "application/jsonx",
            "",
        ] {
            cases.push(target.clone().header("Content-Type", kind).status(415));
        }
        cases.push(target.clone().without("Content-Type").status(415));
    }
    let agent = |body: &str| Case::post("agent", "/api/v1/reports", &serde_json::Value::Null).with_json(body);
    cases.extend([
        agent("{\"danger\":false,\"danger\":true}").field("danger"),
        agent("{\"danger\":false,\"account\":\"S\\u00002\"}").field("account"),
        agent("{\"danger\":false,\"position\":{\"lon\":NaN,\"lat\":1}}").field("body"),
        agent("{\"danger\":false,\"position\":{\"lon\":1e999,\"lat\":1}}").field("position.lon"),
    ]);
    cases
}

/// Ten megabytes, told beforehand and not: refused while they are still being sent.
///
/// # Errors
/// When the answer is another.
pub async fn too_large(house: &House) -> anyhow::Result<()> {
    let before = "{\"danger\":false,\"note\":\"";
    for is_chunked in [false, true] {
        let answer = send_large(house, before, is_chunked).await?;
        let head = answer.lines().next().unwrap_or_default().to_owned();
        anyhow::ensure!(head.contains(" 413 "), "10 MB, chunked {is_chunked}: {answer}");
        anyhow::ensure!(answer.contains("application/problem+json"), "{answer}");
    }
    Ok(())
}

/// reqwest may give up at the broken pipe before it reads the answer; this reads it.
async fn send_large(house: &House, before: &str, is_chunked: bool) -> anyhow::Result<String> {
    let address = house.gateway().trim_start_matches("http://");
    let (mut read, mut write) = TcpStream::connect(address).await?.into_split();
    let mut head =
        "POST /api/v1/reports HTTP/1.1\r\nHost: relight\r\nContent-Type: application/json\r\n".to_owned();
    write!(head, "Idempotency-Key: {}\r\n", Uuid::now_v7())?;
    let body = format!("{before}{}", "x".repeat(10 << 20));
    if is_chunked {
        write!(head, "Transfer-Encoding: chunked\r\n\r\n{:x}\r\n", body.len())?;
    } else {
        write!(head, "Content-Length: {}\r\n\r\n", body.len())?;
    }
    let sending = tokio::spawn(async move {
        // The server need not read on once it has refused.
        let _ = write.write_all(head.as_bytes()).await;
        let _ = write.write_all(body.as_bytes()).await;
        write
    });
    let mut answer = vec![0; 8_192];
    let count = read.read(&mut answer).await.context("the answer")?;
    sending.abort();
    Ok(String::from_utf8_lossy(&answer[..count]).into_owned())
}
