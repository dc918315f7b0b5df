//! Reads of logs, a few at a time.
//!
//! A read of a log holds a thread for what blocks while it waits for a listing or a file, and that takes another such
//! thread. If as many reads began as there are threads, each would wait for ever for one that another holds.

use deltalake_core::DeltaTableError;
use tokio::sync::Semaphore;
use tracing::Instrument as _;

/// A read holds two threads at most, and the program has sixteen at least: half of them are left for what reads wait for.
const AT_A_TIME: usize = 4;

static READS: Semaphore = Semaphore::const_new(AT_A_TIME);

/// Reads a log in its turn. The turn lasts until the read has ended, also when nobody waits for it any more: its thread
/// is held as long.
///
/// # Errors
/// Those of the read.
pub(crate) async fn in_turn<T: Send + 'static>(
    read: impl Future<Output = Result<T, DeltaTableError>> + Send + 'static,
) -> Result<T, DeltaTableError> {
    let turn = async {
        let _turn = READS.acquire().await.map_err(DeltaTableError::generic)?;
        read.await
    };
    let ended = tokio::spawn(turn.in_current_span()).await;
    ended.unwrap_or_else(|error| Err(DeltaTableError::generic(format!("reading a log ended badly: {error}"))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_that_need_a_second_thread_each_do_not_take_them_all() {
        let threads = 2 * AT_A_TIME;
        let runtime = tokio::runtime::Builder::new_multi_thread().max_blocking_threads(threads).build();
        let runtime = runtime.expect("a runtime");
        let read = || {
            let handle = tokio::runtime::Handle::current();
            let outer = tokio::task::spawn_blocking(move || handle.block_on(tokio::task::spawn_blocking(|| 1)));
            async move { outer.await.and_then(|inner| inner).map_err(DeltaTableError::generic) }
        };
        let all = runtime.block_on(async {
            let reads = (0..20 * threads).map(|_| tokio::spawn(in_turn(async move { read().await })));
            let mut sum = 0;
            for read in reads.collect::<Vec<_>>() {
                sum += read.await.expect("a task").expect("a read");
            }
            sum
        });
        assert_eq!(all, 20 * threads);
    }
}
