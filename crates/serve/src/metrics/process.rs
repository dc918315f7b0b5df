//! Gauges of the process, from Linux; on other systems these metrics have no value.

use std::sync::atomic::AtomicU64;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use super::labels::{Labels, label, register_gauge};

/// Ticks per second in which Linux counts the CPU time of a process in `/proc`.
const TICKS_A_SECOND: f64 = 100.0;

type Seconds = Counter<f64, AtomicU64>;

/// Tells of the process. The names are those that every Prometheus client uses.
pub(super) fn register(registry: &mut Registry) {
    gauge(registry, "process_resident_memory_bytes", "Memory of the process in RAM", resident_bytes());
    gauge(registry, "process_open_fds", "Open files and sockets", open_files());
    let (name, help) = ("process_cpu_seconds", "Time of all cores that the process has used");
    match cpu_seconds() {
        Some(used) => {
            let seconds = Seconds::default();
            seconds.inc_by(used);
            registry.register(name, help, seconds);
        }
        None => registry.register(name, help, Family::<Labels, Seconds>::default()),
    }
    let version = Family::<Labels, Gauge>::default();
    version.get_or_create(&label("version", env!("CARGO_PKG_VERSION"))).set(1);
    registry.register("hotspots_build_info", "Always 1; the label is the version of the program", version);
}

/// Registers a gauge; without a value if there is none.
fn gauge(registry: &mut Registry, name: &str, help: &str, value: Option<i64>) {
    match value {
        Some(value) => register_gauge(registry, name, help, value),
        None => registry.register(name, help, Family::<Labels, Gauge>::default()),
    }
}

fn resident_bytes() -> Option<i64> {
    let text = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: i64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kibibytes * 1024)
}

fn open_files() -> Option<i64> {
    i64::try_from(std::fs::read_dir("/proc/self/fd").ok()?.count()).ok()
}

fn cpu_seconds() -> Option<f64> {
    let text = std::fs::read_to_string("/proc/self/stat").ok()?;
    // The name of the program, in parentheses, may hold anything.
    let (_, fields) = text.rsplit_once(") ")?;
    let mut times = fields.split(' ').skip(11).map(|field| field.parse::<u32>().ok());
    let (user, system) = (times.next()??, times.next()??);
    Some((f64::from(user) + f64::from(system)) / TICKS_A_SECOND)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn linux_tells_of_the_process() {
        assert!(resident_bytes().is_some_and(|bytes| bytes > 1 << 20));
        assert!(open_files().is_some_and(|files| files > 2));
        assert!(cpu_seconds().is_some());
    }
}
