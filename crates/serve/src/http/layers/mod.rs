//! What surrounds every request: who may send it, from which pages, its log line and its metrics.

pub(crate) mod admit;
pub(crate) mod observe;
pub(crate) mod origin_guard;
mod secret_mask;
