//! The layers around every request: access, allowed origins, log line and metrics.

pub(crate) mod admit;
pub(crate) mod observe;
pub(crate) mod origin_guard;
mod secret_mask;
