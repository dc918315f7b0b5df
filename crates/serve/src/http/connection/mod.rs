//! Connections of clients below HTTP: sockets, TLS, time limits, and answers to malformed requests.

pub(crate) mod connections;
mod malformed_head;
pub(crate) mod send_handle;
pub(crate) mod socket;
mod transport;
