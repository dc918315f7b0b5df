//! Faults of the network and the portal, on demand.

use std::time::Duration;

/// A fault for one data request; faults are queued and consumed in order, one a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// No fault: this request is answered as it should be.
    None,
    /// That status, with the recorded body where there is one.
    Status(u16),
    /// 429, with or without a `Retry-After` header.
    TooManyRequests {
        /// Seconds for `Retry-After`; `None` leaves the header out, as the real portals do.
        retry_after_s: Option<u64>,
    },
    /// 200 and half of the body, then the connection breaks.
    CutBody,
    /// 200 with an HTML page, as an edge in front of the portal sends.
    NotJson,
    /// 200 and a complete transfer, but the body stops in the middle of a row.
    TruncatedJson,
    /// An answer from a replica that is behind: `X-SODA2-Data-Out-Of-Date: true`, no rows.
    Stale,
    /// The right answer, late.
    Delay(Duration),
    /// 202: still being processed, to be asked again.
    Accepted202,
}
