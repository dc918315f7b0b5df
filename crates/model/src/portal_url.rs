//! The base address of a portal.

use std::net::Ipv6Addr;

use url::{Host, Url};

/// Parses the base address of a portal, such as `https://data.sfgov.org`.
///
/// # Errors
/// If it is not an address of HTTP, or holds a user name, a password, a query or a fragment; the text does not repeat
/// it.
pub fn parse_portal_url(text: &str) -> Result<Url, String> {
    let example = "a portal is an address such as \"https://data.sfgov.org\"";
    let url = Url::parse(text.trim()).map_err(|error| format!("{example}: {error}"))?;
    if !["http", "https"].contains(&url.scheme()) || url.host().is_none() {
        return Err(example.to_owned());
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(format!(
            "{example}, without a user name or password: it is shown in logs and answers; give an app token with \
             HOTSPOTS_APP_TOKEN, and put a proxy in front of a portal that asks for a password"
        ));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(format!("{example}, without a query or a fragment"));
    }
    Ok(url)
}

/// Returns whether an address names this machine: its requests reach no network.
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address == Ipv6Addr::LOCALHOST,
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_portal_address_holds_no_credentials_and_refusals_repeat_none() {
        for text in ["https://data.example.org", "http://127.0.0.1:8080/mirror/"] {
            assert!(parse_portal_url(text).is_ok(), "{text}");
        }
        for text in [
            "http://user:SECRET@host",
            "http://SECRET@host",
            "https://host/?$$app_token=SECRET",
            "https://host/#SECRET",
            "ftp://SECRET",
            "SECRET",
            "https://user:SECRET@",
        ] {
            let refused = parse_portal_url(text).expect_err(text);
            assert!(!refused.contains("SECRET"), "{refused}");
        }
    }

    #[test]
    fn only_this_machine_is_loopback() {
        let is = |text: &str| is_loopback(&Url::parse(text).expect("an address"));
        assert!(["http://127.0.0.1:1", "http://[::1]/", "http://localhost:9"].into_iter().all(is));
        assert!(!["http://10.0.0.1", "https://localhost.example.org", "http://[fe80::1]/"].into_iter().any(is));
    }
}
