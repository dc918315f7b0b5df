//! The SODA client: pages, scans, and the extent of a dataset.

pub(crate) mod client;
pub(crate) mod extent;
pub(crate) mod http_client;
pub(crate) mod response_body;
pub(crate) mod scan;
pub(crate) mod stamps;
