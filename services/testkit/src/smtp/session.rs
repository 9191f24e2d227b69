//! One SMTP conversation (RFC 5321, the commands a sender uses).

use super::{Fault, MailSeen, Shared, Stage};
use std::io;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

const LINE_MAX: u64 = 64 * 1024;
const CONTENT_MAX: usize = 10 * 1024 * 1024;

/// Counts a connection while it is open.
pub(super) struct Open<'a>(&'a Shared);

impl<'a> Open<'a> {
    pub(super) fn new(shared: &'a Shared) -> Self {
        shared.connections.send_modify(|count| *count += 1);
        shared.open.send_modify(|open| *open += 1);
        let open = *shared.open.borrow();
        shared.open_max.send_modify(|max| *max = open.max(*max));
        Self(shared)
    }
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        self.0.open.send_modify(|open| *open -= 1);
    }
}

/// What the conversation has so far.
#[derive(Default)]
struct Envelope {
    from: Option<String>,
    to: Vec<String>,
}

pub(super) async fn serve(stream: TcpStream, shared: &Shared) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut stream = BufReader::new(stream);
    let mut envelope = Envelope::default();
    reply(&mut stream, "220 relight-sink ready").await?;
    while let Some(line) = next_line(&mut stream).await? {
        let line = String::from_utf8_lossy(&line).into_owned();
        let verb = line
            .split([' ', ':'])
            .next()
            .unwrap_or_default()
            .to_ascii_uppercase();
        match verb.as_str() {
            "EHLO" => hello(&mut stream, shared).await?,
            "HELO" => reply(&mut stream, "250 relight-sink").await?,
            "MAIL" => {
                envelope = Envelope {
                    from: Some(path(&line)),
                    to: Vec::new(),
                };
                reply(&mut stream, "250 2.1.0 ok").await?;
            }
            "RCPT" => recipient(&mut stream, shared, &mut envelope, &line).await?,
            "DATA" => data(&mut stream, shared, std::mem::take(&mut envelope)).await?,
            "RSET" => {
                envelope = Envelope::default();
                reply(&mut stream, "250 2.0.0 ok").await?;
            }
            "NOOP" => reply(&mut stream, "250 2.0.0 ok").await?,
            "QUIT" => return reply(&mut stream, "221 2.0.0 bye").await,
            _ => reply(&mut stream, "502 5.5.1 command not known here").await?,
        }
    }
    Ok(())
}

async fn hello(stream: &mut BufReader<TcpStream>, shared: &Shared) -> io::Result<()> {
    if let Some(Fault::Refuse(code, _)) =
        shared.is_due(|fault| matches!(fault, Fault::Refuse(_, Stage::Hello)))
    {
        return reply(stream, &format!("{code} refused as told")).await;
    }
    reply(
        stream,
        "250-relight-sink\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250 SIZE 10485760",
    )
    .await
}

async fn recipient(
    stream: &mut BufReader<TcpStream>,
    shared: &Shared,
    envelope: &mut Envelope,
    line: &str,
) -> io::Result<()> {
    if envelope.from.is_none() {
        return reply(stream, "503 5.5.1 MAIL first").await;
    }
    if let Some(Fault::Refuse(code, _)) =
        shared.is_due(|fault| matches!(fault, Fault::Refuse(_, Stage::Recipient)))
    {
        return reply(stream, &format!("{code} refused as told")).await;
    }
    if shared
        .is_due(|fault| fault == Fault::Drop(Stage::Recipient))
        .is_some()
    {
        return Err(io::ErrorKind::ConnectionAborted.into());
    }
    envelope.to.push(path(line));
    reply(stream, "250 2.1.5 ok").await
}

async fn data(stream: &mut BufReader<TcpStream>, shared: &Shared, envelope: Envelope) -> io::Result<()> {
    let Some(from) = envelope.from.filter(|_| !envelope.to.is_empty()) else {
        return reply(stream, "503 5.5.1 RCPT first").await;
    };
    reply(stream, "354 go on, end with a dot").await?;
    let content = content(stream, shared).await?;
    let _ = shared.is_held.subscribe().wait_for(|is_held| !is_held).await;
    if let Some(Fault::Refuse(code, _)) =
        shared.is_due(|fault| matches!(fault, Fault::Refuse(_, Stage::Verdict)))
    {
        return reply(stream, &format!("{code} refused as told")).await;
    }
    let is_dropped = shared
        .is_due(|fault| fault == Fault::Drop(Stage::Verdict))
        .is_some();
    shared
        .mails
        .push(MailSeen::read((from, envelope.to), &content, !is_dropped));
    if is_dropped {
        return Err(io::ErrorKind::ConnectionAborted.into());
    }
    reply(stream, "250 2.0.0 taken").await
}

/// Lines up to the lone dot, with the doubled dots undone (RFC 5321 section 4.5.2).
async fn content(stream: &mut BufReader<TcpStream>, shared: &Shared) -> io::Result<Vec<u8>> {
    let mut content = Vec::new();
    while let Some(line) = next_line(stream).await? {
        if line == b"." {
            return Ok(content);
        }
        if shared
            .is_due(|fault| fault == Fault::Drop(Stage::MidContent))
            .is_some()
        {
            return Err(io::ErrorKind::ConnectionAborted.into());
        }
        content.extend_from_slice(line.strip_prefix(b".").unwrap_or(&line));
        content.extend_from_slice(b"\r\n");
        if content.len() > CONTENT_MAX {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "a mail above 10 MiB"));
        }
    }
    Err(io::ErrorKind::UnexpectedEof.into())
}

/// One line without its end, or `None` when the client is gone.
async fn next_line(stream: &mut BufReader<TcpStream>) -> io::Result<Option<Vec<u8>>> {
    let mut line = Vec::new();
    stream.take(LINE_MAX).read_until(b'\n', &mut line).await?;
    if line.pop() != Some(b'\n') {
        return Ok(None);
    }
    if line.last() == Some(&b'\r') {
        line.pop();
    }
    Ok(Some(line))
}

/// What is between the angle brackets.
fn path(line: &str) -> String {
    let inner = line.split_once('<').and_then(|(_, rest)| rest.split_once('>'));
    inner.map(|(path, _)| path.to_owned()).unwrap_or_default()
}

async fn reply(stream: &mut BufReader<TcpStream>, text: &str) -> io::Result<()> {
    stream.get_mut().write_all(format!("{text}\r\n").as_bytes()).await
}
