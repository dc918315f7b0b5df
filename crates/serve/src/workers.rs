//! The threads on which the SQL of users runs. A query may keep them busy for as long as it likes, without ever giving way:
//! the server's own threads stay free to answer others, to see that a client has left or its time is over, and to end.

use lake_model::{Kind, Result, ResultExt};
use tokio::runtime::{Builder, Handle, Runtime};

/// Threads for what blocks: reads of a local disk, and spilling.
const MOST_BLOCKING_THREADS: usize = 16;

/// Threads of their own, as many as the machine has cores.
#[derive(Debug)]
pub(crate) struct Workers {
    handle: Handle,
    /// None once they are let go.
    runtime: Option<Runtime>,
}

impl Workers {
    /// Starts them.
    ///
    /// # Errors
    /// If the machine gives no more threads.
    pub(crate) fn start() -> Result<Self> {
        let mut threads = Builder::new_multi_thread();
        let threads = threads.thread_name("query").max_blocking_threads(MOST_BLOCKING_THREADS).enable_all();
        let runtime = threads.build().or_err(Kind::Internal, || "starting the threads of queries")?;
        Ok(Self { handle: runtime.handle().clone(), runtime: Some(runtime) })
    }

    /// Where to run something on them.
    pub(crate) fn handle(&self) -> Handle {
        self.handle.clone()
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
