//! A connection whose writes wait one turn of the scheduler for company.
//!
//! An HTTP/2 connection writes what is ready each time it is polled, and on a busy machine that is one answer: the task of
//! the next one stands right behind it. Then every answer is a call into the kernel, which costs more than most answers
//! (a quarter of a server's time). Here the first request to flush lets the tasks that are ready run, and the second writes
//! what came of all of them. Where nothing else is ready, the turn costs nothing that can be measured.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tonic::transport::server::Connected;

/// Most bytes that wait; more are written without a turn.
const MOST: usize = 64 * 1024;

/// See the module.
#[derive(Debug)]
pub(super) struct Gathered<T> {
    io: T,
    waiting: BytesMut,
    /// The turn was given since the last write.
    waited: bool,
}

impl<T: AsyncWrite + Unpin> Gathered<T> {
    pub(super) fn new(io: T) -> Self {
        Self {
            io,
            waiting: BytesMut::new(),
            waited: false,
        }
    }

    /// Takes what there is room for; nothing only when there is none.
    fn take(&mut self, bytes: &[u8]) -> usize {
        let count = bytes.len().min(MOST - self.waiting.len().min(MOST));
        self.waiting.extend_from_slice(&bytes[..count]);
        count
    }

    /// Ready when there is room.
    fn poll_room(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.waiting.len() < MOST {
            return Poll::Ready(Ok(()));
        }
        self.poll_written(cx)
    }

    /// Ready when nothing waits.
    fn poll_written(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.waiting.is_empty() {
            let count = ready!(Pin::new(&mut self.io).poll_write(cx, &self.waiting))?;
            if count == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.waiting.advance(count);
        }
        self.waited = false;
        Poll::Ready(Ok(()))
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Gathered<T> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        ready!(self.poll_room(cx))?;
        Poll::Ready(Ok(self.take(bytes)))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        ready!(self.poll_room(cx))?;
        Poll::Ready(Ok(slices.iter().map(|slice| self.take(slice)).sum()))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.waiting.is_empty() && !self.waited {
            self.waited = true;
            // Woken while it runs, a task goes to the end of the queue.
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        ready!(self.poll_written(cx))?;
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_written(cx))?;
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Gathered<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_read(cx, into)
    }
}

impl<T: Connected> Connected for Gathered<T> {
    type ConnectInfo = T::ConnectInfo;

    fn connect_info(&self) -> Self::ConnectInfo {
        self.io.connect_info()
    }
}

#[cfg(test)]
mod tests {
    use std::{
        sync::{
            Arc,
            atomic::{AtomicUsize, Ordering},
        },
        task::{Wake, Waker},
    };

    use proptest::prelude::*;

    use super::*;

    /// Writes at most `most` bytes at a time, not ready every other time, and counts its writes.
    #[derive(Debug, Default)]
    struct Wire {
        most: usize,
        written: Vec<u8>,
        writes: usize,
        busy: bool,
    }

    impl AsyncWrite for Wire {
        fn poll_write(
            mut self: Pin<&mut Self>,
            cx: &mut Context<'_>,
            bytes: &[u8],
        ) -> Poll<io::Result<usize>> {
            self.busy = !self.busy;
            if self.busy {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            let count = bytes.len().min(self.most);
            self.written.extend_from_slice(&bytes[..count]);
            self.writes += 1;
            Poll::Ready(Ok(count))
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }

        fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    #[derive(Default)]
    struct Woken(AtomicUsize);

    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    #[test]
    fn what_is_written_before_the_turn_is_over_goes_in_one_piece() {
        let woken = Arc::new(Woken::default());
        let waker = Waker::from(woken.clone());
        let mut cx = Context::from_waker(&waker);
        let mut gathered = Gathered::new(Wire {
            most: usize::MAX,
            busy: true,
            ..Wire::default()
        });
        assert!(Pin::new(&mut gathered).poll_write(&mut cx, b"one").is_ready());
        assert!(Pin::new(&mut gathered).poll_flush(&mut cx).is_pending());
        assert_eq!(woken.0.load(Ordering::SeqCst), 1, "a turn nobody ends hangs");
        let two = [IoSlice::new(b" and "), IoSlice::new(b"two")];
        assert!(
            Pin::new(&mut gathered)
                .poll_write_vectored(&mut cx, &two)
                .is_ready()
        );
        assert_eq!(gathered.io.writes, 0);
        assert!(Pin::new(&mut gathered).poll_flush(&mut cx).is_ready());
        assert_eq!(
            (gathered.io.written.as_slice(), gathered.io.writes),
            (&b"one and two"[..], 1)
        );
    }

    proptest! {
        /// Whatever the sizes, all arrives, in order.
        #[test]
        fn nothing_is_lost_or_moved(
            parts in prop::collection::vec((0usize..40_000, any::<bool>()), 1..12), most in 1usize..50_000,
        ) {
            let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
            runtime.block_on(async {
                use tokio::io::AsyncWriteExt;
                let mut gathered = Gathered::new(Wire { most, ..Wire::default() });
                let mut sent = Vec::new();
                for (n, (length, flush)) in parts.iter().enumerate() {
                    let part: Vec<u8> = (0..*length).map(|m| (n * 31 + m) as u8).collect();
                    gathered.write_all(&part).await.expect("the wire takes all");
                    sent.extend(part);
                    if *flush {
                        gathered.flush().await.expect("the wire takes all");
                        prop_assert_eq!(&gathered.io.written, &sent);
                    }
                }
                gathered.shutdown().await.expect("the wire takes all");
                prop_assert_eq!(&gathered.io.written, &sent);
                Ok(())
            })?;
        }
    }
}
