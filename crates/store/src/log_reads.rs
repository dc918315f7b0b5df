//! Reads of logs take turns. The library that replays a log does so on a thread that waits while other threads fetch the
//! log's files; if every thread waited so, none would be left to fetch, and none would ever end.

use deltalake_core::DeltaTableError;
use tokio::sync::Semaphore;

/// Logs that are read at a time. Each keeps two threads waiting at most; the program has four times as many
/// (`crates/cli/main.rs`).
const AT_A_TIME: usize = 4;

static TURNS: Semaphore = Semaphore::const_new(AT_A_TIME);

/// Reads a log when it is its turn. It reads on, and keeps its turn, if nobody waits for it any more: its threads are not
/// free before it ends.
///
/// # Errors
/// Those of reading.
pub(crate) async fn in_turn<T: Send + 'static>(
    reading: impl Future<Output = Result<T, DeltaTableError>> + Send + 'static,
) -> Result<T, DeltaTableError> {
    let turn = TURNS.acquire().await;
    let read = tokio::spawn(async move {
        let _turn = turn;
        reading.await
    });
    read.await.unwrap_or_else(|ended| Err(DeltaTableError::generic(format!("reading a log ended badly: {ended}"))))
}
