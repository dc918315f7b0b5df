//! The options of access control.

use std::path::PathBuf;

use lake_model::Secret;

use super::origins::{HostName, PageOrigin};
use super::proxy::Proxy;

/// Which tokens there are, and whose word is taken for where a request comes from.
#[derive(Clone, Debug, Default)]
pub struct AccessOptions {
    /// Lines of name, scope and hash; read again when it changes.
    pub token_file: Option<PathBuf>,
    /// One token that may read.
    pub read_token: Option<Secret>,
    /// One token that may do everything.
    pub admin_token: Option<Secret>,
    /// Trusted proxies: their `X-Forwarded-For` names the client.
    pub trusted_proxies: Vec<Proxy>,
    /// Whether only this machine can reach the server.
    pub is_loopback: bool,
    /// Names of the server, besides those of this machine.
    pub allowed_hosts: Vec<HostName>,
    /// Pages that may ask, besides the server's own.
    pub allowed_origins: Vec<PageOrigin>,
}
