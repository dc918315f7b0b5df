//! The bytes of a connection below HTTP: they are watched here because HTTP does not look at them while a client
//! neither sends nor reads.

use std::io::{self, ErrorKind, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

use super::malformed_head;
use super::send_handle::ConnectionState;
use super::socket::Stream;

/// The preface of a client that speaks HTTP/2 (RFC 9113, 3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// How many bytes of a rejected request are read and discarded, and for how long: a client that still sends does not
/// see the answer before it has finished.
const MAX_DISCARDED_BYTES: usize = 32 << 20;
const DISCARD_TIMEOUT: Duration = Duration::from_secs(5);

/// A connection that is closed if its client does not send its first bytes in time, or leaves sent bytes unread for too
/// long. It is reset instead of closed if its end would make a truncated answer look complete.
pub(crate) struct Transport {
    stream: Stream,
    state: Arc<ConnectionState>,
    /// None once it is known which HTTP is spoken.
    preface: Option<Preface>,
    /// How long what is sent may stay unread.
    unread_within: Duration,
    /// Runs while something waits to be sent.
    unread: Option<Pin<Box<Sleep>>>,
    /// The answer to a malformed head, and how much of it has been written.
    refusal: Option<(Vec<u8>, usize)>,
    /// The rest of a rejected request that is still to be discarded.
    discard: Option<Discard>,
}

/// The most that a client may still send after its request was rejected.
struct Discard {
    bytes_left: usize,
    deadline: Pin<Box<Sleep>>,
    is_shut_down: bool,
}

/// The first bytes of a connection.
struct Preface {
    /// How many of them are those of HTTP/2.
    seen: usize,
    deadline: Pin<Box<Sleep>>,
}

impl Transport {
    /// Creates a connection whose first bytes must arrive within `begin_within`, and whose client must read within
    /// `unread_within`.
    pub(crate) fn new(
        stream: Stream,
        state: Arc<ConnectionState>,
        begin_within: Duration,
        unread_within: Duration,
    ) -> Self {
        let preface = Preface { seen: 0, deadline: Box::pin(sleep(begin_within)) };
        Self { stream, state, preface: Some(preface), unread_within, unread: None, refusal: None, discard: None }
    }

    /// Looks at bytes that came: whether they are how HTTP/2 begins.
    fn detect_http2(&mut self, bytes: &[u8]) {
        let Some(preface) = &mut self.preface else { return };
        let expected = &PREFACE[preface.seen..];
        let length = bytes.len().min(expected.len());
        if bytes[..length] != expected[..length] {
            self.preface = None;
        } else if length == expected.len() {
            self.state.speak_http2();
            self.preface = None;
        } else {
            preface.seen += length;
        }
    }

    /// Writes the answer with an explanation if the bytes offered are a status alone; `None` if they are not.
    fn write_refusal(&mut self, context: &mut Context<'_>, offered: &[u8]) -> Option<Poll<io::Result<usize>>> {
        if self.refusal.is_none() {
            self.refusal = Some((malformed_head::explain_status(offered)?, 0));
        }
        let (answer, written) = self.refusal.as_mut()?;
        while *written < answer.len() {
            match Pin::new(&mut self.stream).poll_write(context, &answer[*written..]) {
                Poll::Ready(Ok(0)) => return Some(Poll::Ready(Err(ErrorKind::WriteZero.into()))),
                Poll::Ready(Ok(count)) => *written += count,
                Poll::Ready(Err(error)) => return Some(Poll::Ready(Err(error))),
                Poll::Pending => return Some(Poll::Pending),
            }
        }
        self.refusal = None;
        let deadline = Box::pin(sleep(DISCARD_TIMEOUT));
        self.discard = Some(Discard { bytes_left: MAX_DISCARDED_BYTES, deadline, is_shut_down: false });
        Some(Poll::Ready(Ok(offered.len())))
    }

    /// Shuts a connection down whose request was refused, and reads what its client still sends.
    fn shut_down_and_discard(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Some(discard) = &mut self.discard else { return Poll::Ready(Ok(())) };
        if !discard.is_shut_down {
            ready!(Pin::new(&mut self.stream).poll_shutdown(context))?;
            discard.is_shut_down = true;
        }
        let mut bytes = [0; 8192];
        while discard.bytes_left > 0 {
            let mut buffer = ReadBuf::new(&mut bytes);
            match Pin::new(&mut self.stream).poll_read(context, &mut buffer) {
                Poll::Ready(Ok(())) if buffer.filled().is_empty() => break,
                Poll::Ready(Ok(())) => discard.bytes_left = discard.bytes_left.saturating_sub(buffer.filled().len()),
                Poll::Ready(Err(_)) => break,
                Poll::Pending => {
                    ready!(discard.deadline.as_mut().poll(context));
                    break;
                }
            }
        }
        Poll::Ready(Ok(()))
    }

    /// Returns the result of a write, or an error if the client has not read for too long; `is_sent` if a completed
    /// write means that all earlier bytes are sent.
    fn limit_unread_time<T>(
        &mut self,
        context: &mut Context<'_>,
        polled: Poll<io::Result<T>>,
        is_sent: bool,
    ) -> Poll<io::Result<T>> {
        if polled.is_ready() {
            if is_sent {
                self.unread = None;
            }
            return polled;
        }
        let unread = self.unread.get_or_insert_with(|| Box::pin(sleep(self.unread_within)));
        ready!(unread.as_mut().poll(context));
        Poll::Ready(Err(io::Error::new(ErrorKind::TimedOut, "the client does not read its answer")))
    }
}

impl AsyncRead for Transport {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buffer.filled().len();
        let polled = Pin::new(&mut this.stream).poll_read(context, buffer);
        if polled.is_ready() {
            this.detect_http2(&buffer.filled()[before..]);
        } else if let Some(preface) = &mut this.preface {
            ready!(preface.deadline.as_mut().poll(context));
            return Poll::Ready(Err(io::Error::new(ErrorKind::TimedOut, "the client does not begin a request")));
        }
        polled
    }
}

impl AsyncWrite for Transport {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let polled = match this.write_refusal(context, bytes) {
            Some(polled) => polled,
            None => Pin::new(&mut this.stream).poll_write(context, bytes),
        };
        this.limit_unread_time(context, polled, false)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let first = parts.first().map(|part| &**part).unwrap_or_default();
        let polled = match this.write_refusal(context, first) {
            Some(polled) => polled,
            None => Pin::new(&mut this.stream).poll_write_vectored(context, parts),
        };
        this.limit_unread_time(context, polled, false)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let polled = Pin::new(&mut this.stream).poll_flush(context);
        this.limit_unread_time(context, polled, true)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        // HTTP shuts down what it has sent.
        if this.state.end_sending() {
            return Poll::Ready(Ok(()));
        }
        if this.discard.is_some() {
            return this.shut_down_and_discard(context);
        }
        let polled = Pin::new(&mut this.stream).poll_shutdown(context);
        this.limit_unread_time(context, polled, true)
    }
}

impl Drop for Transport {
    fn drop(&mut self) {
        if self.state.is_cut() {
            let tcp = match &self.stream {
                Stream::Left(tcp) => tcp,
                Stream::Right(tls) => tls.get_ref().0,
            };
            if let Err(error) = tcp.set_zero_linger() {
                tracing::debug!(%error, "a connection is closed that should be reset");
            }
        }
    }
}
