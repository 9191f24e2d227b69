//! The other side, to run beside Relight on one machine: takes texts, mails and traces and writes each as one JSON
//! line to a file. It prints where it listens and nothing of what it takes.

use anyhow::Context;
use clap::Parser;
use relight_testkit::otlp::OtlpSink;
use relight_testkit::smsc::Smsc;
use relight_testkit::smtp::SmtpSink;
use serde::Serialize;
use std::net::SocketAddr;
use std::path::PathBuf;
use tokio::fs::{File, OpenOptions};
use tokio::io::AsyncWriteExt;

/// Takes texts (SMPP 3.4), mails (SMTP) and traces (OTLP over gRPC) and appends them to a file.
#[derive(Parser)]
#[command(name = "relight-sink")]
struct Arguments {
    /// Where to take texts.
    #[arg(long, default_value = "127.0.0.1:2775")]
    smpp: SocketAddr,
    /// Where to take mails.
    #[arg(long, default_value = "127.0.0.1:2525")]
    smtp: SocketAddr,
    /// Where to take traces.
    #[arg(long, default_value = "127.0.0.1:4317")]
    otlp: SocketAddr,
    /// File to append to; it will hold what customers are told, so keep it as you would keep that.
    #[arg(long)]
    out: PathBuf,
}

/// One line of the file.
#[derive(Serialize)]
struct Line<'a, T> {
    kind: &'static str,
    #[serde(flatten)]
    entry: &'a T,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let smsc = Smsc::start_on(arguments.smpp)
        .await
        .with_context(|| format!("--smpp {}", arguments.smpp))?;
    let smtp = SmtpSink::start_on(arguments.smtp)
        .await
        .with_context(|| format!("--smtp {}", arguments.smtp))?;
    let otlp = OtlpSink::start_on(arguments.otlp)
        .await
        .with_context(|| format!("--otlp {}", arguments.otlp))?;
    let mut file = open(&arguments.out).await?;
    println!(
        "texts {} mails {} traces {} to {}",
        smsc.addr(),
        smtp.addr(),
        otlp.addr(),
        arguments.out.display()
    );
    loop {
        tokio::select! {
            texts = smsc.texts().take() => append(&mut file, "sms", &texts).await?,
            mails = smtp.mails().take() => append(&mut file, "mail", &mails).await?,
            spans = otlp.spans().take() => append(&mut file, "span", &spans).await?,
            // Only texts are written; the parts and the receipts' answers would grow for ever.
            _ = smsc.submits().take() => {}
            _ = smsc.settled().take() => {}
            _ = smsc.binds().take() => {}
            _ = smsc.unbinds().take() => {}
            stopped = tokio::signal::ctrl_c() => return stopped.context("waiting for the signal to stop"),
        }
    }
}

async fn open(path: &PathBuf) -> anyhow::Result<File> {
    let opened = OpenOptions::new().create(true).append(true).open(path).await;
    opened.with_context(|| format!("--out {}: cannot be opened for appending", path.display()))
}

async fn append<T: Serialize>(file: &mut File, kind: &'static str, entries: &[T]) -> anyhow::Result<()> {
    let mut lines = Vec::new();
    for entry in entries {
        serde_json::to_writer(&mut lines, &Line { kind, entry })?;
        lines.push(b'\n');
    }
    file.write_all(&lines).await.context("--out: cannot be written")?;
    file.flush().await.context("--out: cannot be written")
}
