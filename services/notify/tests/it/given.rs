//! Builds what the tests need.

use anyhow::Context;
use relight_notify::channel::Outcome;
use relight_notify::channel::smpp::{
    self, Ack, Address, Client, Config, Inbound, Receipt, Submit, wire_reference,
};
use relight_notify::channel::sms::{Reference, segment};
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

const WAIT_MAX: Duration = Duration::from_secs(20);

/// The attempt of message `number`.
pub(crate) fn attempt(number: u16) -> Uuid {
    Uuid::from_u128(u128::from(number) + 1)
}

/// The reference of message `number` on the wire.
pub(crate) fn reference(number: u16) -> u16 {
    wire_reference(attempt(number))
}

/// A message of its own, to a number of its own.
pub(crate) fn submit(number: u16) -> anyhow::Result<Submit> {
    let to = Address::number(&format!("+86138001{number:05}"))?;
    let parts = segment("Power is back.", Reference::Short(0))?;
    Ok(Submit::new(
        attempt(number),
        &Address::sender("95598")?,
        &to,
        &parts[0],
        None,
    )?)
}

/// A client whose link runs.
pub(crate) struct Bound {
    pub(crate) client: Client,
    inbound: mpsc::UnboundedReceiver<Inbound>,
    stop: CancellationToken,
    link: JoinHandle<()>,
}

impl Bound {
    pub(crate) async fn to(addr: SocketAddr) -> anyhow::Result<Self> {
        Self::with(addr, |_| {}).await
    }

    pub(crate) async fn with(addr: SocketAddr, change: impl FnOnce(&mut Config)) -> anyhow::Result<Self> {
        let this = Self::unbound(addr, change)?;
        anyhow::ensure!(timeout(WAIT_MAX, this.client.bound()).await?, "the link ended");
        Ok(this)
    }

    /// Without waiting for the bind.
    pub(crate) fn unbound(addr: SocketAddr, change: impl FnOnce(&mut Config)) -> anyhow::Result<Self> {
        let mut config = Config::new("test", &addr.to_string(), "relight", "secret");
        config.reconnect_min = Duration::from_millis(10);
        config.reconnect_max = Duration::from_millis(50);
        change(&mut config);
        let (client, inbound, link) = smpp::open(config)?;
        let stop = CancellationToken::new();
        let link = tokio::spawn(link.run(stop.clone()));
        Ok(Self {
            client,
            inbound,
            stop,
            link,
        })
    }

    /// Submits and gives the id it was accepted under.
    pub(crate) async fn accepted(&self, submit: &Submit) -> anyhow::Result<String> {
        match self.client.submit(submit).await {
            Outcome::Accepted { message_id } => Ok(message_id),
            other => anyhow::bail!("not accepted: {other:?}"),
        }
    }

    pub(crate) async fn inbound(&mut self) -> Option<Inbound> {
        timeout(WAIT_MAX, self.inbound.recv()).await.ok().flatten()
    }

    pub(crate) async fn receipt(&mut self) -> anyhow::Result<(Receipt, Ack)> {
        match self.inbound().await {
            Some(Inbound::Receipt(receipt, ack)) => Ok((receipt, ack)),
            other => anyhow::bail!("not a receipt: {other:?}"),
        }
    }

    pub(crate) async fn stop(self) -> anyhow::Result<()> {
        self.stop.cancel();
        timeout(WAIT_MAX, self.link)
            .await
            .context("the link does not stop")??;
        Ok(())
    }
}

/// A provider that accepts binds and then says nothing more.
pub(crate) struct Silent {
    pub(crate) addr: SocketAddr,
    binds: watch::Sender<u32>,
    task: JoinHandle<()>,
}

impl Drop for Silent {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Silent {
    pub(crate) async fn start() -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let addr = listener.local_addr()?;
        let binds = watch::Sender::new(0);
        let count = binds.clone();
        let task = tokio::spawn(async move {
            let mut open = Vec::new();
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut request = [0; 512];
                let answer = [&[0, 0, 0, 17, 0x80, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 1, 0][..]].concat();
                if stream.read(&mut request).await.is_ok() && stream.write_all(&answer).await.is_ok() {
                    count.send_modify(|count| *count += 1);
                    open.push(stream);
                }
            }
        });
        Ok(Self { addr, binds, task })
    }

    pub(crate) async fn wait_for_binds(&self, count: u32) -> anyhow::Result<()> {
        timeout(WAIT_MAX, self.binds.subscribe().wait_for(|binds| *binds >= count)).await??;
        Ok(())
    }
}
