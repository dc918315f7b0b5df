//! Memory that was freed goes back to the system while a server waits.
//!
//! The allocator keeps what is freed for a second, and gives it back when something else is freed after that. After a
//! large ingest nothing may be for hours, so something small is, from time to time.

use std::hint::black_box;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

/// Longer than the allocator keeps what is freed.
const INTERVAL: Duration = Duration::from_secs(2);
/// More than the allocator keeps in lists of free blocks, so that it is freed for good.
const LARGE_BYTES: usize = 4 << 20;

/// Lets the allocator give back what was freed, until `stop`.
pub(crate) fn return_freed_memory(stop: CancellationToken) {
    tokio::spawn(async move {
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(INTERVAL) => drop(black_box(Vec::<u8>::with_capacity(LARGE_BYTES))),
            }
        }
    });
}
