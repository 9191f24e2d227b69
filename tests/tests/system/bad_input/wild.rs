//! Every operation of both documents with random values, broken at random places. The seed is fixed: a failure comes back.

use std::{
    collections::hash_map::DefaultHasher,
    hash::{Hash, Hasher},
};

use anyhow::Context;
use futures_util::{StreamExt, stream};
use rand::{Rng, SeedableRng, rngs::StdRng, seq::IndexedRandom};
use reqwest::Method;
use serde_json::Value;
use uuid::Uuid;

use super::{
    house::{House, shown},
    schema::{Document, break_bytes, break_one, odd_text},
    wire::{Answer, Case},
};

const SEED: u64 = 0x5eed;
/// Requests per operation.
const REQUESTS: u64 = 200;
/// Where each request costs a password hash or waits on purpose.
const SLOW_REQUESTS: u64 = 40;
/// Requests on their way at one time.
const AT_ONCE: usize = 4;

/// One operation of a document.
#[derive(Debug)]
struct Operation {
    method: Method,
    path: String,
    described: Value,
}

/// Sends everything; tells every answer that is none.
///
/// # Errors
/// With the requests that broke something.
pub async fn storm(house: &House) -> anyhow::Result<()> {
    let mut faults = Vec::new();
    let mut sent = 0_u64;
    for path in ["/api/v1/openapi.json", "/m/v1/openapi.json"] {
        let json = house.good(&Case::get("", path)).await?;
        let document = Document {
            json,
            known: known(house),
        };
        let operations = operations(&document)?;
        anyhow::ensure!(operations.len() >= 3, "{path} describes the edge");
        for operation in &operations {
            let cases = cases(&document, operation);
            sent += cases.len() as u64;
            faults.extend(tried(house, cases).await?);
        }
    }
    println!("{sent} broken requests");
    anyhow::ensure!(
        faults.is_empty(),
        "{} answers are none:\n{}",
        faults.len(),
        faults[..faults.len().min(20)].join("\n")
    );
    Ok(())
}

fn known(house: &House) -> Vec<String> {
    let ids = [&house.order, &house.incident, &house.report].map(String::clone);
    let more = [house.unit.to_string(), house.crew.to_string()];
    let words = [
        "T1",
        "S-3",
        "+8613900000003",
        "test/city/north",
        "tree",
        "open",
        "fault_repair",
    ]
    .map(str::to_owned);
    [&ids[..], &more, &words].concat()
}

/// Operations that answer; not the stream, which does not end, nor the log-out, which would end the test's sessions.
fn operations(document: &Document) -> anyhow::Result<Vec<Operation>> {
    let paths = document.json["paths"].as_object().context("paths")?;
    let mut operations = Vec::new();
    for (path, item) in paths {
        for (method, described) in item.as_object().context("an item")? {
            let method: Method = method.to_uppercase().parse()?;
            let streams = described["responses"]["200"]["content"]["text/event-stream"].is_object();
            if !streams && method != Method::DELETE {
                let (path, described) = (path.clone(), described.clone());
                operations.push(Operation {
                    method,
                    path,
                    described,
                });
            }
        }
    }
    Ok(operations)
}

fn cases(document: &Document, operation: &Operation) -> Vec<Case> {
    let mut hasher = DefaultHasher::new();
    (operation.method.as_str(), &operation.path, SEED).hash(&mut hasher);
    let mut random = StdRng::seed_from_u64(hasher.finish());
    let is_slow = ["session", "codes", "accounts"]
        .iter()
        .any(|word| operation.path.contains(word));
    let count = if is_slow && operation.method != Method::GET {
        SLOW_REQUESTS
    } else {
        REQUESTS
    };
    (0..count)
        .map(|_| case(document, operation, &mut random))
        .collect()
}

fn case(document: &Document, operation: &Operation, random: &mut StdRng) -> Case {
    let who = match random.random_range(0..10) {
        0 => "",
        1 => "customer",
        2 => "elsewhere",
        3 => "crew",
        _ => "everything",
    };
    let mut case = Case::get(who, path(document, operation, random));
    case.method = operation.method.clone();
    if case.method != Method::GET {
        let key = if random.random_bool(0.95) {
            Uuid::from_u128(random.random()).to_string()
        } else {
            "x".to_owned()
        };
        case = case
            .header("Idempotency-Key", &key)
            .with_json(body(document, operation, random));
    }
    case
}

fn body(document: &Document, operation: &Operation, random: &mut StdRng) -> Vec<u8> {
    let schema = &operation.described["requestBody"]["content"]["application/json"]["schema"];
    let mut value = document.value(schema, random, 0);
    for _ in 0..random.random_range(0..3) {
        break_one(&mut value, random);
    }
    let mut bytes = value.to_string().into_bytes();
    if random.random_bool(0.2) {
        break_bytes(&mut bytes, random);
    }
    bytes
}

fn path(document: &Document, operation: &Operation, random: &mut StdRng) -> String {
    let (mut path, mut query) = (operation.path.clone(), Vec::new());
    let parameters = operation.described["parameters"].as_array();
    for parameter in parameters.into_iter().flatten() {
        let name = parameter["name"].as_str().unwrap_or_default();
        match parameter["in"].as_str() {
            Some("path") => {
                let value = if random.random_bool(0.6) {
                    choose(document, random)
                } else {
                    odd_text(random)
                };
                // A dot segment or an empty one would be another address.
                let value = if value.trim_matches('.').is_empty() {
                    "none".to_owned()
                } else {
                    value
                };
                path = path.replace(&format!("{{{name}}}"), &percent(value.as_bytes()));
            }
            Some("query") if random.random_bool(0.5) => {
                let mut bytes = odd_text(random).into_bytes();
                bytes.truncate(1_500);
                query.push(format!("{name}={}", percent(&bytes)));
            }
            _ => {}
        }
    }
    if query.is_empty() {
        path
    } else {
        format!("{path}?{}", query.join("&"))
    }
}

fn choose(document: &Document, random: &mut StdRng) -> String {
    document.known.choose(random).cloned().unwrap_or_default()
}

fn percent(bytes: &[u8]) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    bytes
        .iter()
        .map(|&byte| {
            if plain(byte) {
                char::from(byte).to_string()
            } else {
                format!("%{byte:02X}")
            }
        })
        .collect()
}

async fn tried(house: &House, cases: Vec<Case>) -> anyhow::Result<Vec<String>> {
    let tries = stream::iter(cases).map(|case| async move { (house.send(&case).await, case) });
    let answers: Vec<(anyhow::Result<Answer>, Case)> = tries.buffer_unordered(AT_ONCE).collect().await;
    let mut faults = Vec::new();
    for (answer, case) in answers {
        let answer = answer?;
        let is_good = (200..300).contains(&answer.status) && !answer.json().is_null();
        if let Some(fault) = answer.fault().filter(|_| !is_good) {
            faults.push(format!("{fault}\n    {}\n    {}", shown(&case), answer.text));
        }
    }
    Ok(faults)
}
