//! Reads of logs take turns. The library that replays a log does so on a thread that waits while other threads fetch
//! the log's files; if every thread waited so, none would be left to fetch, and none would ever end.

use deltalake_core::DeltaTableError;
use tokio::sync::Semaphore;
use tracing::Instrument as _;

/// Logs that are read at a time. Each keeps two threads waiting at most; the program has four times as many
/// (`crates/cli/main.rs`).
const MAX_CONCURRENT_READS: usize = 4;

static READ_PERMITS: Semaphore = Semaphore::const_new(MAX_CONCURRENT_READS);

/// Reads a log when it is its turn. It continues, and keeps its turn, if its result is no longer awaited: its threads
/// are not free before it ends.
///
/// # Errors
/// Those of reading.
pub(crate) async fn with_read_permit<T: Send + 'static>(
    reading: impl Future<Output = Result<T, DeltaTableError>> + Send + 'static,
) -> Result<T, DeltaTableError> {
    let turn = READ_PERMITS.acquire().await;
    let read = async move {
        let _turn = turn;
        reading.await
    };
    // Its log lines are those of the request that began it.
    let read = tokio::spawn(read.in_current_span());
    read.await.unwrap_or_else(|ended| Err(DeltaTableError::generic(format!("reading a log ended badly: {ended}"))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_that_need_a_second_thread_each_do_not_take_them_all() {
        let threads = 2 * MAX_CONCURRENT_READS;
        let runtime = tokio::runtime::Builder::new_multi_thread().max_blocking_threads(threads).build();
        let runtime = runtime.expect("a runtime");
        let read = || {
            let handle = tokio::runtime::Handle::current();
            let outer = tokio::task::spawn_blocking(move || handle.block_on(tokio::task::spawn_blocking(|| 1)));
            async move { outer.await.and_then(|inner| inner).map_err(DeltaTableError::generic) }
        };
        let all = runtime.block_on(async {
            let reads = (0..20 * threads).map(|_| tokio::spawn(with_read_permit(async move { read().await })));
            let mut sum = 0;
            for read in reads.collect::<Vec<_>>() {
                sum += read.await.expect("a task").expect("a read");
            }
            sum
        });
        assert_eq!(all, 20 * threads);
    }
}
