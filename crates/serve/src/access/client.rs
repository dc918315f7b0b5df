//! The client of a request.

use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;

use lake_model::{Error, Kind, Result};
use tokio::task_local;

use super::token::Scope;

task_local! {
    static CURRENT: Arc<str>;
}

/// The client of one request.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    /// The name of its token; none where no token is needed.
    name: Option<String>,
    scope: Scope,
    address: IpAddr,
}

impl Client {
    /// Creates an anonymous client at an address: no token is needed, or the one that was sent is not known.
    pub(crate) fn anonymous(address: IpAddr) -> Self {
        Self { name: None, scope: Scope::Admin, address }
    }

    /// Creates a client with the token of this name.
    pub(super) fn with_token(name: String, scope: Scope, address: IpAddr) -> Self {
        Self { name: Some(name), scope, address }
    }

    /// Checks that the client may do what needs this scope.
    ///
    /// # Errors
    /// Of kind `Denied` if it may not.
    pub(crate) fn check(&self, needed: Scope) -> Result<()> {
        if self.scope >= needed {
            return Ok(());
        }
        let name = self.name.as_deref().unwrap_or_default();
        let what = format!("token `{name}` has scope {}; this needs scope {needed}", self.scope);
        Err(Error::new(Kind::Denied, what))
    }

    /// Returns the key under which its requests are counted: its token, else its address. A client with one IPv6
    /// address has the 2^64 addresses of its network, so the network is counted.
    pub(crate) fn key(&self) -> String {
        match (&self.name, self.address.to_canonical()) {
            (Some(name), _) => format!("token:{name}"),
            (None, IpAddr::V4(address)) => address.to_string(),
            (None, IpAddr::V6(address)) => {
                format!("{}/64", Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 64)))
            }
        }
    }

    /// Runs the work of one of its requests.
    pub(crate) async fn scope<T>(&self, work: impl Future<Output = T>) -> T {
        CURRENT.scope(self.key().into(), work).await
    }

    /// Returns the key of the client whose request the running task answers; empty outside of a request.
    pub(crate) fn current_key() -> Arc<str> {
        CURRENT.try_with(Arc::clone).unwrap_or_default()
    }

    /// Returns its address.
    pub(crate) fn address(&self) -> IpAddr {
        self.address
    }

    /// Returns the name of its token.
    pub(crate) fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_one_ipv6_network_are_one_client() {
        let key = |text: &str| Client::anonymous(text.parse().expect("an address")).key();
        assert_eq!(key("2001:db8::1"), key("2001:db8::ffff:1"));
        assert_ne!(key("2001:db8:0:1::1"), key("2001:db8:0:2::1"));
        assert_eq!(key("::ffff:203.0.113.7"), key("203.0.113.7"));
    }
}
