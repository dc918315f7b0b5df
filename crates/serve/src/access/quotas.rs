//! How much one client may ask: requests a second, and requests at a time.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use lake_model::{Error, Kind};
use parking_lot::Mutex;

/// After this many requests, clients without recent requests are dropped.
const FORGET_AFTER: u32 = 1_024;

/// The quotas of all clients.
#[derive(Debug)]
pub(super) struct Quotas {
    rate: Option<DefaultKeyedRateLimiter<String>>,
    clock: DefaultClock,
    asked: AtomicU32,
    per_second: u32,
    /// 0: any number.
    at_a_time: usize,
    under_way: UnderWay,
}

type UnderWay = Arc<Mutex<HashMap<String, usize>>>;

/// A client's leave for one request.
#[derive(Debug)]
pub(crate) struct Permit {
    key: String,
    /// `None` if requests are not counted.
    under_way: Option<UnderWay>,
}

/// More was asked than may be.
#[derive(Debug)]
pub(crate) struct Busy {
    pub(crate) detail: String,
    /// After which time it makes sense to ask again.
    pub(crate) wait: Duration,
    /// Which limit, for the metrics.
    pub(crate) cause: &'static str,
}

impl Busy {
    /// Returns the seconds to wait, as `Retry-After` states them.
    pub(crate) fn seconds(&self) -> u32 {
        let seconds = self.wait.as_secs() + u64::from(self.wait.subsec_nanos() > 0);
        u32::try_from(seconds).unwrap_or(u32::MAX).max(1)
    }
}

impl From<Busy> for Error {
    fn from(busy: Busy) -> Self {
        Self::new(Kind::Busy, busy.detail)
    }
}

impl Quotas {
    /// Quotas of each client; 0 means no limit.
    pub(super) fn new(per_second: u32, at_a_time: usize) -> Self {
        // A burst of one second's requests: a page that opens sends many at once.
        let quota = NonZeroU32::new(per_second).map(Quota::per_second);
        Self {
            rate: quota.map(RateLimiter::keyed),
            clock: DefaultClock::default(),
            asked: AtomicU32::new(0),
            per_second,
            at_a_time,
            under_way: Arc::default(),
        }
    }

    /// Counts a request of a client.
    pub(super) fn admit(&self, key: &str) -> Result<Permit, Busy> {
        let key = key.to_owned();
        if let Some(rate) = &self.rate {
            if self.asked.fetch_add(1, Ordering::Relaxed) % FORGET_AFTER == FORGET_AFTER - 1 {
                rate.retain_recent();
            }
            rate.check_key(&key).map_err(|until| Busy {
                detail: format!(
                    "you may send {} requests a second (`requests_per_second` of /limits); wait for the seconds in \
                     Retry-After",
                    self.per_second
                ),
                wait: until.wait_time_from(self.clock.now()),
                cause: "rate",
            })?;
        }
        if self.at_a_time == 0 {
            return Ok(Permit { key, under_way: None });
        }
        let mut under_way = self.under_way.lock();
        let count = under_way.entry(key.clone()).or_default();
        if *count >= self.at_a_time {
            return Err(Busy {
                detail: format!(
                    "{} requests of yours are under way, and may be (`concurrent_requests` of /limits); wait for one \
                     to end",
                    self.at_a_time
                ),
                wait: Duration::from_secs(1),
                cause: "concurrency",
            });
        }
        *count += 1;
        drop(under_way);
        Ok(Permit { key, under_way: Some(Arc::clone(&self.under_way)) })
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let Some(under_way) = &self.under_way else { return };
        let mut under_way = under_way.lock();
        if let Some(count) = under_way.get_mut(&self.key) {
            *count -= 1;
            if *count == 0 {
                under_way.remove(&self.key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_has_so_many_requests_under_way_and_another_as_many() {
        let quotas = Quotas::new(0, 2);
        let first = quotas.admit("a").expect("one");
        let second = quotas.admit("a").expect("two");
        assert_eq!(quotas.admit("a").expect_err("three").cause, "concurrency");
        drop(quotas.admit("b").expect("another's"));
        drop(first);
        drop(quotas.admit("a").expect("two again"));
        drop(second);
        assert!(quotas.under_way.lock().is_empty(), "clients that are gone are not kept");
    }

    #[test]
    fn a_client_has_its_burst_and_is_then_told_how_long_to_wait() {
        // So slow a rate that the test cannot outlast it.
        let mut quotas = Quotas::new(1, 0);
        let quota = Quota::with_period(Duration::from_secs(3_600)).expect("a quota");
        quotas.rate = Some(RateLimiter::keyed(quota));
        drop(quotas.admit("a").expect("the first"));
        let busy = quotas.admit("a").expect_err("the second");
        assert_eq!(busy.cause, "rate");
        assert!(busy.wait > Duration::from_secs(3_000), "{:?}", busy.wait);
        drop(quotas.admit("b").expect("another's"));
    }
}
