//! A stream on which no write waits for ever, which hyper leaves to others: who takes nothing of what was written for a
//! while is hung up on, and who takes a little now and then is not.

use std::future::Future as _;
use std::io::{self, IoSlice};
use std::os::fd::AsFd;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use clearing_runtime::untaken;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep};

/// How long a client may take nothing of what waits for it.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// The stream: a write fails with `TimedOut` once the other side has taken nothing for so long.
pub(super) struct Impatient<S> {
    stream: S,
    patience: Duration,
    wait: Option<Wait>,
}

/// Of a write for which there is no room.
struct Wait {
    until: Pin<Box<Sleep>>,
    /// What the other side had not taken when it began.
    untaken: u64,
}

impl<S: AsFd> Impatient<S> {
    pub(super) fn new(stream: S, patience: Duration) -> Self {
        Self { stream, patience, wait: None }
    }

    /// What became of a write.
    fn poll_taken(
        &mut self,
        context: &mut Context<'_>,
        written: Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        if written.is_ready() {
            self.wait = None;
            return written;
        }
        let (now, patience) = (untaken(&self.stream)?, self.patience);
        let wait = self.wait.get_or_insert_with(|| Wait { until: Box::pin(sleep(patience)), untaken: now });
        while wait.until.as_mut().poll(context).is_ready() {
            if now >= wait.untaken {
                return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
            }
            // It was not enough for there to be room again.
            wait.untaken = now;
            wait.until.as_mut().reset(Instant::now() + patience);
        }
        Poll::Pending
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Impatient<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + AsFd + Unpin> AsyncWrite for Impatient<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.poll_taken(context, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, parts);
        self.poll_taken(context, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;
    use std::os::unix::net::UnixStream as StdStream;
    use std::sync::mpsc::{Receiver, channel};

    use tokio::io::AsyncWriteExt as _;
    use tokio::net::UnixStream;

    use super::*;

    const SHORT: Duration = Duration::from_millis(200);
    /// More than there is room for in any socket.
    const MUCH: &[u8] = &[b'x'; 4 << 20];

    /// Writes much to a reader, who hears when that is over, and says how it ended.
    fn write_to(read: impl FnOnce(StdStream, Receiver<()>) + Send + 'static) -> io::Result<()> {
        let (ours, theirs) = StdStream::pair().expect("a pair");
        ours.set_nonblocking(true).expect("a mode");
        let (writing, over) = channel();
        let reader = std::thread::spawn(move || read(theirs, over));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let written = runtime.block_on(async {
            let stream = UnixStream::from_std(ours).expect("a stream");
            Impatient::new(stream, SHORT).write_all(MUCH).await
        });
        drop(writing);
        reader.join().expect("a reader");
        written
    }

    #[test]
    fn a_write_of_which_nothing_is_taken_fails() {
        let begun = Instant::now();
        let written = write_to(|_stream, over| {
            let _ = over.recv();
        });
        assert_eq!(written.expect_err("no end").kind(), io::ErrorKind::TimedOut);
        assert!(begun.elapsed() >= SHORT);
    }

    #[test]
    fn a_write_of_which_little_is_taken_now_and_then_goes_on() {
        let begun = Instant::now();
        let written = write_to(|mut stream, _over| {
            let mut read = 0;
            // Too little, each time, for there to be room again.
            for _ in 0..8 {
                std::thread::sleep(SHORT / 2);
                read += stream.read(&mut [0; 64 << 10]).expect("something");
            }
            while read < MUCH.len() {
                read += stream.read(&mut vec![0; 1 << 20]).expect("the rest");
            }
        });
        written.expect("all of it");
        assert!(begun.elapsed() >= SHORT * 4);
    }
}
