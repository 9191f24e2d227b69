//! What stands between a head-end and intake: reads signals as JSON lines and streams them; a batch is answered once it is stored, so a
//! batch without an answer is sent again. Lines have the fields of `POST /api/v1/signals`. It runs with the house's configuration and
//! secrets, beside `relight serve`:
//!
//! ```sh
//! cargo run -p relight-intake --example head_end -- SOURCE ORG_PATH < signals.jsonl
//! ```

use anyhow::{Context, bail};
use chrono::{DateTime, Utc};
use futures_util::{Stream, stream};
use relight_common::{Claims, Grant, Role, config, grpc::Peers, secrets::Secrets, wire::timestamp};
use relight_proto::intake::v1::{Signal, SignalBatch, signals_client::SignalsClient};
use serde::Deserialize;
use tokio::sync::mpsc;

/// Signals of one batch at most.
const BATCH: usize = 1_000;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    external_id: String,
    kind: String,
    #[serde(default)]
    load_id: String,
    #[serde(default)]
    account: String,
    #[serde(default)]
    device_id: String,
    at: DateTime<Utc>,
}

fn signal(line: &str) -> anyhow::Result<Signal> {
    let line: Line = serde_json::from_str(line)?;
    Ok(Signal {
        external_id: line.external_id,
        kind: line.kind,
        load_id: line.load_id,
        account: line.account,
        device_id: line.device_id,
        at: Some(timestamp(line.at)),
    })
}

/// Reads until the end of the input; the first line that is no signal ends it, with its number.
fn read(into: &mpsc::Sender<Signal>) -> anyhow::Result<()> {
    for (n, line) in std::io::stdin().lines().enumerate() {
        let signal = signal(&line?).with_context(|| format!("line {}", n + 1))?;
        into.blocking_send(signal).context("the stream ended")?;
    }
    Ok(())
}

/// What has come together since the last batch is the next one.
fn batches(source: String, from: mpsc::Receiver<Signal>) -> impl Stream<Item = SignalBatch> {
    stream::unfold((source, from), |(source, mut from)| async move {
        let mut signals = Vec::new();
        let read = from.recv_many(&mut signals, BATCH).await;
        let batch = SignalBatch {
            source: source.clone(),
            signals,
        };
        (read > 0).then_some((batch, (source, from)))
    })
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [source, org_path] = args.as_slice() else {
        bail!("usage: head_end SOURCE ORG_PATH < signals.jsonl");
    };
    let settings = config::load()?;
    let secrets = Secrets::load(&settings.secrets_dir).context("the secrets of the house are not there")?;
    let peers = Peers::new(&settings.grpc, &secrets, "intake")?;
    let grant = Grant {
        role: Role::Scada,
        org_path: org_path.clone(),
    };
    let claims = Claims::of(format!("head-end-{source}"), vec![grant]);
    let (into, from) = mpsc::channel(BATCH);
    let reading = tokio::task::spawn_blocking(move || read(&into));
    let request = peers.request(batches(source.clone(), from), &claims);
    let mut replies = SignalsClient::new(peers.to("intake"))
        .stream(request)
        .await?
        .into_inner();
    while let Some(reply) = replies.message().await? {
        println!("{} taken, {} known before", reply.taken, reply.repeated);
        for fault in reply.faults {
            println!("{}: {} {}", fault.external_id, fault.field, fault.problem);
        }
    }
    reading.await?
}
