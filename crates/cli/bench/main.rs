//! Figures of this machine; nothing is asserted. With `--release`:
//!
//! - `cargo run --release --bin lake-bench [ROWS]`: the whole job, a million rows by default: rows a second landed and
//!   compacted, milliseconds an answer, bytes a row.
//! - `cargo run --release --bin lake-bench keys [ROWS]`: landing so many distinct keys, 13 million by default, and
//!   rebuilding the key index from `raw`: rows a second, and the memory it takes.
#![allow(clippy::print_stdout, reason = "a benchmark prints its figures")]

mod job;
mod keys;

use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use lake_model::Result;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let keys = arguments.first().is_some_and(|first| first == "keys");
    let given = arguments.last();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(_) => return ExitCode::FAILURE,
    };
    let folder = std::env::temp_dir().join(format!("lake-bench-{}", std::process::id()));
    let measured: Result<()> = runtime.block_on(async {
        if keys {
            let rows = given.and_then(|text| text.parse().ok()).unwrap_or(13_000_000);
            keys::measure(rows, &folder).await
        } else {
            let rows = given.and_then(|text| text.parse().ok()).unwrap_or(1_000_000);
            job::measure(rows, &folder).await
        }
    });
    let _ = std::fs::remove_dir_all(&folder);
    match measured {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// Prints a figure.
pub(crate) fn say(what: &str, figure: impl std::fmt::Display) {
    println!("{what:<44} {figure:>14}");
}

/// Rows a second.
pub(crate) fn rate(rows: usize, took: Duration) -> String {
    format!("{:.0} rows/s", rows as f64 / took.as_secs_f64())
}

/// The process' peak of resident memory so far, MiB, where the system tells.
pub(crate) fn peak_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|l| l.split_whitespace().next()?.parse::<u64>().ok()).unwrap_or(0) / 1024
}

/// The bytes of all files under a directory.
pub(crate) fn bytes_under(path: &Path) -> u64 {
    let Ok(entries) = std::fs::read_dir(path) else { return 0 };
    entries
        .filter_map(std::result::Result::ok)
        .map(|entry| match entry.metadata() {
            Ok(meta) if meta.is_dir() => bytes_under(&entry.path()),
            Ok(meta) => meta.len(),
            Err(_) => 0,
        })
        .sum()
}
