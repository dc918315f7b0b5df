//! The threads on which the SQL of users runs. A query may keep them busy for as long as it likes, without ever giving way:
//! the server's own threads stay free to answer others, to see that a client has left or its time is over, and to end.

use std::sync::Arc;

use lake_model::{Kind, Result, ResultExt};
use lake_query::STACK_BYTES;
use tokio::runtime::{Builder, Handle, Runtime};
use tracing::Span;

use crate::turns::Turn;

/// Threads for what blocks: reads of a local disk, and spilling. Planning has others beside them.
const MOST_BLOCKING_THREADS: usize = 16;

/// Threads of their own, as many as the machine has cores.
#[derive(Debug)]
pub(crate) struct Workers {
    handle: Handle,
    /// None once they are let go.
    runtime: Option<Runtime>,
}

impl Workers {
    /// Starts them, for so many requests at a time.
    ///
    /// # Errors
    /// If the machine gives no more threads.
    pub(crate) fn start(requests: usize) -> Result<Self> {
        let mut threads = Builder::new_multi_thread();
        let blocking = MOST_BLOCKING_THREADS.saturating_add(requests);
        let threads = threads.thread_name("query").thread_stack_size(STACK_BYTES).max_blocking_threads(blocking);
        let threads = threads.enable_all();
        let runtime = threads.build().or_err(Kind::Internal, || "starting the threads of queries")?;
        Ok(Self { handle: runtime.handle().clone(), runtime: Some(runtime) })
    }

    /// Where to run what a request with this turn asks for.
    pub(crate) fn workplace(&self, turn: &Arc<Turn>) -> Workplace {
        Workplace { handle: self.handle.clone(), turn: Arc::clone(turn) }
    }
}

/// Where the SQL of one request is planned and run.
#[derive(Clone, Debug)]
pub(crate) struct Workplace {
    pub(crate) handle: Handle,
    turn: Arc<Turn>,
}

impl Workplace {
    /// Plans something on a thread of its own. Nothing stops it: it keeps the request's turn until it ends, even where
    /// nobody waits for it any more, so no more is planned at a time than there are turns.
    ///
    /// # Errors
    /// Those of the work, or if it panics.
    pub(crate) async fn plan<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T>> + Send + 'static,
    ) -> Result<T> {
        let (handle, turn, span) = (self.handle.clone(), Arc::clone(&self.turn), Span::current());
        let work = move || {
            let planned = span.in_scope(|| handle.block_on(work));
            drop(turn);
            planned
        };
        self.handle.spawn_blocking(work).await.or_err(Kind::Internal, || "planning a statement")?
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        // Whoever drops them waits for no query that is still at work.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
