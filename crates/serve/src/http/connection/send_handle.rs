//! The state of sending an answer, kept outside of its body: the body of an answer whose client does not read is not
//! polled, so aborting must not wait for that.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use tokio::sync::watch;
use tokio::task_local;
use tokio_util::sync::CancellationToken;

task_local! {
    static CURRENT: SendHandle;
}

/// The sending of the answers of one connection, over HTTP/2 of one stream.
#[derive(Clone, Debug)]
pub(crate) struct SendHandle {
    aborted: CancellationToken,
    connection: Arc<ConnectionState>,
}

impl SendHandle {
    /// Creates the handle of the answers that are sent over a connection.
    pub(crate) fn new(connection: Arc<ConnectionState>) -> Self {
        Self { aborted: CancellationToken::new(), connection }
    }

    /// Returns the sending of the stream that the running task serves; `None` over HTTP/1.
    pub(crate) fn current() -> Option<Self> {
        CURRENT.try_with(Clone::clone).ok()
    }

    /// Runs the work of a stream until it ends or its sending is aborted.
    pub(crate) async fn serve_stream(self, work: impl Future<Output: Send>) {
        let aborted = self.aborted.clone();
        tokio::select! {
            _ = CURRENT.scope(self, work) => {}
            () = aborted.cancelled() => {}
        }
    }

    /// Aborts sending: the connection, or the stream, is closed and its memory is released.
    pub(crate) fn abort(&self) {
        self.aborted.cancel();
    }

    /// Returns whether the sending was aborted.
    pub(crate) fn is_aborted(&self) -> bool {
        self.aborted.is_cancelled()
    }

    /// Returns once the sending is aborted.
    pub(crate) async fn aborted(&self) {
        self.aborted.cancelled().await;
    }

    /// Notes that an answer begins whose end is the end of the connection, as over HTTP/1.0.
    pub(crate) fn begin_unframed(&self) {
        self.connection.unframed.store(SENDING, Ordering::Release);
    }

    /// Notes that the body of the answer came to its end. Some of it may still have to be sent.
    pub(crate) fn end_body(&self) {
        let unframed = &self.connection.unframed;
        let _ = unframed.compare_exchange(SENDING, WRITTEN, Ordering::AcqRel, Ordering::Relaxed);
    }
}

/// No answer is being sent, or one whose end its client can detect.
const FRAMED: u8 = 0;
/// An answer is being sent whose end is the end of the connection.
const SENDING: u8 = 1;
/// The same, and its body has been written, though perhaps not sent.
const WRITTEN: u8 = 2;

/// The state that the parts of one connection share.
#[derive(Debug, Default)]
pub(crate) struct ConnectionState {
    /// Streams under way; none before HTTP/2 is spoken.
    streams: watch::Sender<Option<usize>>,
    unframed: AtomicU8,
}

impl ConnectionState {
    /// Notes that the client speaks HTTP/2.
    pub(crate) fn speak_http2(&self) {
        self.streams.send_replace(Some(0));
    }

    /// Counts a stream until the guard is dropped.
    pub(crate) fn begin_stream(self: &Arc<Self>) -> StreamGuard {
        self.streams.send_modify(|streams| *streams = Some(streams.unwrap_or(0) + 1));
        StreamGuard(Arc::clone(self))
    }

    /// Returns once HTTP/2 is spoken and no stream has been under way for as long as this.
    pub(crate) async fn wait_until_idle(&self, time: std::time::Duration) {
        let mut streams = self.streams.subscribe();
        loop {
            // The sender is this object, so that it is not gone.
            if streams.wait_for(|streams| *streams == Some(0)).await.is_err() {
                return;
            }
            if tokio::time::timeout(time, streams.changed()).await.is_err() {
                return;
            }
        }
    }

    /// Returns whether the connection must be reset at its end, so that a truncated answer does not look complete.
    pub(crate) fn is_cut(&self) -> bool {
        self.unframed.load(Ordering::Acquire) != FRAMED
    }

    /// Notes that everything that was written has been sent; returns whether an answer was cut all the same.
    pub(crate) fn end_sending(&self) -> bool {
        let written = self.unframed.compare_exchange(WRITTEN, FRAMED, Ordering::AcqRel, Ordering::Acquire);
        written == Err(SENDING)
    }
}

/// A stream that is under way.
#[derive(Debug)]
pub(crate) struct StreamGuard(Arc<ConnectionState>);

impl Drop for StreamGuard {
    fn drop(&mut self) {
        self.0.streams.send_modify(|streams| *streams = streams.map(|count| count.saturating_sub(1)));
    }
}
