//! Access and quotas of clients: one place for every interface.
//!
//! Without a configured token every client may read, and is identified by its address alone. With one, requests without
//! a valid token are rejected.

mod client;
mod options;
mod origins;
mod proxy;
mod quotas;
mod token;
mod token_store;

use std::net::IpAddr;

use lake_model::{Error, Kind, Result};

pub(crate) use client::Client;
pub use options::AccessOptions;
pub(crate) use origins::{FetchMetadata, Origins};
pub use origins::{HostName, PageOrigin};
pub use proxy::Proxy;
use quotas::Quotas;
pub(crate) use quotas::{Busy, Permit};
pub(crate) use token::PREFIX as TOKEN_PREFIX;
pub use token::{Scope, fresh_token};
use token_store::TokenStore;

use crate::limits::Limits;

/// The gate before every request, over whichever interface it comes.
#[derive(Debug)]
pub struct Access {
    /// None where no token is configured.
    tokens: Option<TokenStore>,
    proxies: Vec<Proxy>,
    origins: Origins,
    quotas: Quotas,
}

impl Access {
    /// Creates the access rules of a server: these tokens, and the limits of each client.
    ///
    /// # Errors
    /// If the token file cannot be read or has an invalid line, or a token is too short.
    pub fn new(options: AccessOptions, limits: &Limits) -> Result<Self> {
        let proxies = options.trusted_proxies.clone();
        let (is_loopback, hosts, pages) =
            (options.is_loopback, options.allowed_hosts.clone(), options.allowed_origins.clone());
        let tokens = TokenStore::from_options(options)?;
        Ok(Self {
            proxies,
            origins: Origins::new(is_loopback && tokens.is_none(), hosts, pages),
            tokens,
            quotas: Quotas::new(limits.requests_per_second, limits.concurrent_requests),
        })
    }

    /// Creates access rules that admit every client, without limits.
    pub fn open() -> Self {
        let origins = Origins::new(false, Vec::new(), Vec::new());
        Self { tokens: None, proxies: Vec::new(), origins, quotas: Quotas::new(0, 0) }
    }

    /// Returns whether a request needs a token.
    pub fn needs_token(&self) -> bool {
        self.tokens.is_some()
    }

    /// Returns from which pages and under which names the server may be asked.
    pub(crate) fn origins(&self) -> &Origins {
        &self.origins
    }

    /// Returns the address that a request comes from: that of the peer, or the one that a trusted proxy names.
    /// `forwarded` are the values of the headers `X-Forwarded-For`, in their order.
    pub(crate) fn address<'a>(&self, peer: IpAddr, forwarded: impl DoubleEndedIterator<Item = &'a str>) -> IpAddr {
        proxy::find_client(&self.proxies, peer, forwarded)
    }

    /// Returns whether the peer is a trusted proxy, whose word is taken for how clients reach this server.
    pub(crate) fn is_trusted_proxy(&self, peer: IpAddr) -> bool {
        proxy::is_trusted(&self.proxies, peer)
    }

    /// Returns the client, by the text of `Authorization` and the address. For HTTP and for Flight SQL alike.
    ///
    /// # Errors
    /// Of kind `Unauthenticated` where a token is needed and none is shown that is known.
    pub(crate) fn client(&self, authorization: Option<&str>, address: IpAddr) -> Result<Client> {
        let Some(tokens) = &self.tokens else { return Ok(Client::anonymous(address)) };
        let Some(text) = authorization else {
            let what = "requests without a token are rejected: send the header `Authorization: Bearer TOKEN`";
            return Err(Error::new(Kind::Unauthenticated, what));
        };
        let shown = text.split_once(' ').filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
        let Some((_, shown)) = shown else {
            let what = "the header `Authorization` is not a bearer token: expected `Bearer TOKEN`";
            return Err(Error::new(Kind::Unauthenticated, what));
        };
        let known = tokens.find(shown.trim()).ok_or_else(|| {
            Error::new(
                Kind::Unauthenticated,
                "the token is not valid, or no longer: request one from the operator of this server",
            )
        })?;
        Ok(Client::with_token(known.name, known.scope, address))
    }

    /// Lets a client in for one request, which lasts until the permit is dropped.
    ///
    /// # Errors
    /// If the client asks more than it may.
    pub(crate) fn admit(&self, client: &Client) -> Result<Permit, Busy> {
        self.quotas.admit(&client.key())
    }

    /// Charges a request that was refused to the address it came from, so that guessing is limited as asking is.
    ///
    /// # Errors
    /// If it asks more than it may.
    pub(crate) fn charge(&self, address: IpAddr) -> Result<(), Busy> {
        self.admit(&Client::anonymous(address)).map(drop)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    const SOMEWHERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(203, 0, 113, 7));

    fn access(options: AccessOptions) -> Access {
        Access::new(options, &Limits::default()).expect("a gate")
    }

    #[test]
    fn without_tokens_everybody_may_everything_and_is_known_by_the_address() {
        let client = access(AccessOptions::default()).client(Some("Bearer what"), SOMEWHERE).expect("a client");
        assert!(client.check(Scope::Admin).is_ok());
        assert_eq!(client.key(), "203.0.113.7");
    }

    #[test]
    fn a_token_is_known_by_its_hash_in_the_file_or_by_the_environment() {
        let (reader, line) = fresh_token("reader", Scope::Read).expect("a token");
        let mut file = tempfile::NamedTempFile::new().expect("a file");
        writeln!(file, "# who may read\n\n{line}").expect("written");
        let options = AccessOptions {
            token_file: Some(file.path().to_owned()),
            admin_token: Some("an-admin-of-long-standing".to_owned().into()),
            ..AccessOptions::default()
        };
        let access = access(options);
        let text = format!("Bearer {}", reader.expose());
        let client = access.client(Some(&text), SOMEWHERE).expect("the reader");
        assert_eq!((client.key(), client.check(Scope::Read).is_ok()), ("token:reader".to_owned(), true));
        assert_eq!(client.check(Scope::Admin).expect_err("reads only").kind(), Kind::Denied);
        let admin = access.client(Some("bearer  an-admin-of-long-standing"), SOMEWHERE).expect("the admin");
        assert!(admin.check(Scope::Admin).is_ok());
        for wrong in [None, Some("Bearer"), Some("Bearer "), Some("Basic YTpi"), Some("Bearer reader"), Some(&line)] {
            let error = access.client(wrong, SOMEWHERE).expect_err("unknown");
            assert_eq!(error.kind(), Kind::Unauthenticated, "{wrong:?}");
        }
        assert!(!format!("{access:?}").contains("an-admin"), "tokens are not printed");
    }

    #[test]
    fn a_file_with_a_line_that_is_none_is_refused_with_its_number() {
        let mut file = tempfile::NamedTempFile::new().expect("a file");
        writeln!(file, "# tokens\nreader read").expect("written");
        let options = AccessOptions { token_file: Some(file.path().to_owned()), ..AccessOptions::default() };
        let error = Access::new(options, &Limits::default()).expect_err("no hash");
        assert!(error.message().contains("line 2"), "{error}");
        for (token, says) in [("short", "has fewer than 16 characters"), ("", "is empty")] {
            let options = AccessOptions { read_token: Some(token.to_owned().into()), ..AccessOptions::default() };
            let error = Access::new(options, &Limits::default()).expect_err(token);
            let names = ["--token", "HOTSPOTS_TOKEN", "config file"];
            assert!(names.iter().all(|name| error.message().contains(name)), "it may come from each: {error}");
            assert!(!error.message().contains("short") && error.message().contains(says), "{error}");
        }
    }
}
