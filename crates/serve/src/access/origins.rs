//! From which pages a server may be asked, and under which names.
//!
//! A browser lets any page send requests to a server of the same machine, and a page can have its own name resolved to
//! the loopback address, so that the browser takes the server for the page's own host. A server on loopback that needs no
//! token therefore looks at `Host`, `Origin` and `Sec-Fetch-Site`.

use std::net::IpAddr;
use std::str::FromStr;

use lake_model::{Error, Kind, Result};

/// A name under which a server may be asked, from `Host`: without scheme and port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostName(String);

/// The origin of pages that may ask: scheme, name and port, or `*` for all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageOrigin(String);

impl FromStr for HostName {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let name = text.trim_start_matches('[').trim_end_matches([']', '.']).to_ascii_lowercase();
        let is_name = |name: &str| name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte));
        if name.is_empty() || !(is_name(&name) || name.parse::<IpAddr>().is_ok()) {
            return Err(Error::invalid(format!(
                "`{text}` is not a host name: expected a name without scheme and port, such as lake.example"
            )));
        }
        Ok(Self(name))
    }
}

impl FromStr for PageOrigin {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let is_origin = || {
            let url = url::Url::parse(text).ok()?;
            let plain = matches!(url.scheme(), "http" | "https") && url.path() == "/" && url.query().is_none();
            plain.then(|| url.origin().ascii_serialization())
        };
        let origin = if text == "*" { Some(text.to_owned()) } else { is_origin() };
        origin.map(Self).ok_or_else(|| {
            Error::invalid(format!(
                "`{text}` is not an origin: expected scheme and name, such as https://map.example, or *"
            ))
        })
    }
}

/// Which pages may ask, and under which names.
#[derive(Clone, Debug)]
pub(crate) struct Origins {
    checks_hosts: bool,
    checks_pages: bool,
    hosts: Vec<HostName>,
    pages: Vec<PageOrigin>,
}

/// The declarations of a browser about a request (Fetch Metadata), in addition to `Origin`.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct FetchMetadata<'a> {
    pub(crate) site: Option<&'a str>,
    pub(crate) mode: Option<&'a str>,
    pub(crate) destination: Option<&'a str>,
}

impl Origins {
    /// Creates the rules of a server that `is_private` (on loopback, without a token) or not. Configured origins are
    /// checked in either case.
    pub(super) fn new(is_private: bool, hosts: Vec<HostName>, pages: Vec<PageOrigin>) -> Self {
        let any = pages.iter().any(|page| page.0 == "*");
        Self {
            checks_hosts: is_private || !hosts.is_empty(),
            checks_pages: !any && (is_private || !pages.is_empty()),
            hosts,
            pages,
        }
    }

    /// Returns whether pages of any origin may ask.
    pub(crate) fn allow_any_page(&self) -> bool {
        !self.checks_pages
    }

    /// Checks the name of the server in the request: its authority, if it has any.
    ///
    /// # Errors
    /// Of kind `Denied` if it is a name of another host.
    pub(crate) fn check_host(&self, authority: Option<&str>) -> Result<()> {
        let Some(authority) = authority.filter(|_| self.checks_hosts) else { return Ok(()) };
        let host = host_of(authority);
        if is_local(&host) || self.is_configured(&host) {
            return Ok(());
        }
        Err(Error::new(
            Kind::Denied,
            format!(
                "`Host: {authority}` is not a name of this server: expected localhost, an address of loopback, or a \
                 name given with --allowed-host; a proxy in front of it may send one of these"
            ),
        ))
    }

    /// Checks the page on whose behalf a browser asks. `reads` is whether the method only reads.
    ///
    /// # Errors
    /// Of kind `Denied` if pages of its origin may not ask.
    pub(crate) fn check_page(
        &self,
        origin: Option<&str>,
        authority: Option<&str>,
        metadata: FetchMetadata<'_>,
        reads: bool,
    ) -> Result<()> {
        if !self.checks_pages {
            return Ok(());
        }
        if let Some(origin) = origin {
            if self.allows(origin, authority) {
                return Ok(());
            }
            return Err(Error::new(
                Kind::Denied,
                format!(
                    "pages of `{origin}` are not allowed to use this server: it needs no token, so only its own page may use it. Allow them with --allowed-origin {origin}, or give the server a token"
                ),
            ));
        }
        // Without an `Origin`, a page can still embed an address or open it.
        let is_foreign = matches!(metadata.site, Some("cross-site" | "same-site"));
        let is_link = reads && metadata.mode == Some("navigate") && metadata.destination == Some("document");
        if !is_foreign || is_link {
            return Ok(());
        }
        let what = "a page of another origin may not embed this server's answers: it needs no token, so only its own page may use it";
        Err(Error::new(Kind::Denied, what))
    }

    /// Returns whether pages of an origin may ask under this authority: the server's own page, and those configured.
    pub(crate) fn allows(&self, origin: &str, authority: Option<&str>) -> bool {
        if !self.checks_pages || self.pages.iter().any(|page| page.0.eq_ignore_ascii_case(origin)) {
            return true;
        }
        let Some((scheme, own)) = origin.split_once("://") else { return false };
        let default_port = match scheme {
            "http" => "80",
            "https" => "443",
            _ => return false,
        };
        let with_port = |text: &str| match port_of(text) {
            Some(_) => text.to_ascii_lowercase(),
            None => format!("{}:{default_port}", text.to_ascii_lowercase()),
        };
        // A proxy may ask under another name than the page has.
        self.is_configured(&host_of(own)) || authority.is_some_and(|authority| with_port(authority) == with_port(own))
    }

    fn is_configured(&self, host: &str) -> bool {
        self.hosts.iter().any(|name| name.0 == host)
    }
}

/// Returns the host of an authority in lower case, without port, brackets and a final dot.
fn host_of(authority: &str) -> String {
    let host = port_of(authority).map_or(authority, |port| &authority[..authority.len() - port.len() - 1]);
    host.trim_start_matches('[').trim_end_matches([']', '.']).to_ascii_lowercase()
}

/// Returns the port of an authority, which may be an address of IPv6 in brackets.
fn port_of(authority: &str) -> Option<&str> {
    let (host, port) = authority.rsplit_once(':')?;
    let is_whole = !host.contains(':') || host.ends_with(']');
    (is_whole && port.bytes().all(|byte| byte.is_ascii_digit())).then_some(port)
}

/// Returns whether a host is this machine, or a name without a dot: those are names of the local network (`lake` among
/// containers), which cannot be registered to resolve to another machine's loopback address.
fn is_local(host: &str) -> bool {
    match host.parse::<IpAddr>() {
        Ok(address) => address.to_canonical().is_loopback(),
        Err(_) => !host.is_empty() && (!host.contains(['.', ':']) || host.ends_with(".localhost")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origins(is_private: bool, hosts: &[&str], pages: &[&str]) -> Origins {
        let hosts = hosts.iter().map(|text| text.parse().expect("a host name")).collect();
        let pages = pages.iter().map(|text| text.parse().expect("an origin")).collect();
        Origins::new(is_private, hosts, pages)
    }

    #[test]
    fn an_open_server_on_loopback_answers_to_local_names_alone() {
        let private = origins(true, &["Lake.Example"], &[]);
        for host in [
            "localhost",
            "localhost:8080",
            "LOCALHOST.",
            "map.localhost:1",
            "127.0.0.1:8080",
            "127.8.9.10",
            "[::1]:8080",
            "[::1]",
            "[::ffff:127.0.0.1]:80",
            "lake:8080",
            "lake.example",
            "LAKE.EXAMPLE:443",
        ] {
            assert!(private.check_host(Some(host)).is_ok(), "{host}");
        }
        for host in [
            "evil.example",
            "evil.example:8080",
            "127.0.0.1.nip.io",
            "localhost.evil.example",
            "192.168.1.5",
            "0.0.0.0:8080",
            "[2001:db8::1]:8080",
            "not-lake.example",
            "",
            ":8080",
        ] {
            let error = private.check_host(Some(host)).expect_err(host);
            assert_eq!(error.kind(), Kind::Denied, "{host}");
        }
        assert!(private.check_host(None).is_ok(), "no browser leaves it out");
        assert!(origins(false, &[], &[]).check_host(Some("evil.example")).is_ok());
        assert!(origins(false, &["lake.example"], &[]).check_host(Some("evil.example")).is_err());
    }

    #[test]
    fn pages_are_allowed_by_their_own_host_or_by_configuration() {
        let private = origins(true, &["lake.example"], &["https://map.example", "http://localhost:3000"]);
        for (origin, authority) in [
            ("http://127.0.0.1:8080", "127.0.0.1:8080"),
            ("http://localhost", "localhost:80"),
            ("https://localhost:443", "LOCALHOST"),
            ("http://[::1]:8080", "[::1]:8080"),
            ("https://lake.example", "127.0.0.1:8080"),
            ("https://map.example", "127.0.0.1:8080"),
            ("http://localhost:3000", "127.0.0.1:8080"),
        ] {
            let checked = private.check_page(Some(origin), Some(authority), FetchMetadata::default(), false);
            assert!(checked.is_ok(), "{origin} at {authority}");
        }
        for (origin, authority) in [
            ("http://evil.example", "127.0.0.1:8080"),
            ("http://127.0.0.1:8081", "127.0.0.1:8080"),
            ("http://localhost:8080", "127.0.0.1:8080"),
            ("https://127.0.0.1", "127.0.0.1:80"),
            ("http://map.example", "127.0.0.1:8080"),
            ("null", "127.0.0.1:8080"),
            ("file://", "127.0.0.1:8080"),
        ] {
            let checked = private.check_page(Some(origin), Some(authority), FetchMetadata::default(), true);
            assert_eq!(checked.expect_err(origin).kind(), Kind::Denied, "{origin} at {authority}");
        }
        assert!(origins(false, &[], &[]).allow_any_page());
        assert!(origins(true, &[], &["*"]).allow_any_page());
        assert!(!origins(false, &[], &["https://map.example"]).allows("https://evil.example", Some("lake.example")));
    }

    #[test]
    fn a_page_may_link_to_a_server_but_not_embed_it() {
        let private = origins(true, &[], &[]);
        let check = |site, mode, destination, reads| {
            let metadata = FetchMetadata { site: Some(site), mode: Some(mode), destination: Some(destination) };
            private.check_page(None, Some("127.0.0.1:8080"), metadata, reads).is_ok()
        };
        assert!(check("same-origin", "cors", "empty", true) && check("none", "navigate", "document", true));
        assert!(check("cross-site", "navigate", "document", true));
        for (mode, destination, reads) in [
            ("no-cors", "image", true),
            ("no-cors", "script", true),
            ("navigate", "iframe", true),
            ("navigate", "document", false),
        ] {
            assert!(!check("cross-site", mode, destination, reads) && !check("same-site", mode, destination, reads));
        }
    }

    #[test]
    fn what_is_no_name_and_no_origin_is_refused() {
        for text in ["", "https://lake.example", "lake.example:80", "a b", "lake/"] {
            assert!(text.parse::<HostName>().is_err(), "{text}");
        }
        for text in ["", "lake.example", "https://lake.example/map", "ftp://lake.example", "null"] {
            assert!(text.parse::<PageOrigin>().is_err(), "{text}");
        }
        let origin: PageOrigin = "HTTPS://Map.Example:443".parse().expect("an origin");
        assert_eq!(origin.0, "https://map.example");
    }
}
