//! The HTTP client of one portal: redirects stay within its origin, and the app token goes to no other host.

use std::time::Duration;

use lake_model::{Error, Kind, Result, ResultExt as _, Secret, is_loopback, one_line, redact};
use reqwest::header::{ACCEPT_ENCODING, HeaderMap, HeaderValue, LOCATION};
use reqwest::redirect::{Attempt, Policy};
use reqwest::{Client, Url};

/// Redirects of one request that are followed.
const MAX_REDIRECTS: usize = 5;
/// The most characters of an address that are shown.
const MAX_SHOWN_CHARS: usize = 200;

/// Returns the client of the portal at `base`.
///
/// # Errors
/// If the TLS implementation cannot be initialised.
pub(crate) fn build_client(base: &Url) -> Result<Client> {
    // `body` decompresses bodies, counting compressed and decompressed bytes.
    let packed = HeaderMap::from_iter([(ACCEPT_ENCODING, HeaderValue::from_static("gzip"))]);
    let client = Client::builder()
        .user_agent(concat!("hotspots-lake/", env!("CARGO_PKG_VERSION")))
        .default_headers(packed)
        .no_gzip()
        .redirect(Policy::custom(|attempt| if is_followed(&attempt) { attempt.follow() } else { attempt.stop() }))
        .referer(false)
        .connect_timeout(Duration::from_secs(10))
        .read_timeout(Duration::from_secs(60))
        .timeout(Duration::from_secs(600));
    // A proxy reaches another machine's loopback addresses, not ours.
    let client = if is_loopback(base) { client.no_proxy() } else { client };
    client.build().or_err(Kind::Internal, || "the HTTP client")
}

fn is_followed(attempt: &Attempt<'_>) -> bool {
    let from = attempt.previous().last();
    attempt.previous().len() <= MAX_REDIRECTS && from.is_some_and(|from| is_same_portal(from, attempt.url()))
}

/// Returns whether a redirect stays at the portal: the same origin, or its own switch from HTTP to HTTPS.
fn is_same_portal(from: &Url, to: &Url) -> bool {
    let is_upgrade = (from.scheme(), to.scheme()) == ("http", "https")
        && from.host() == to.host()
        && (from.port_or_known_default(), to.port_or_known_default()) == (Some(80), Some(443));
    let has_userinfo = !to.username().is_empty() || to.password().is_some();
    !has_userinfo && (from.origin() == to.origin() || is_upgrade)
}

/// Returns the header of an app token; `None` if it must not be sent, which is logged: over HTTP, every proxy on the
/// way could read it.
pub(crate) fn build_token_header(base: &Url, token: Option<&Secret>) -> Option<HeaderValue> {
    let token = token?;
    if base.scheme() != "https" && !is_loopback(base) {
        let host = base.host_str().unwrap_or_default();
        tracing::warn!(
            host,
            "the app token is not sent, because the portal's address is not https; going on without it"
        );
        return None;
    }
    let Ok(mut value) = HeaderValue::from_str(token.expose()) else {
        tracing::warn!("the app token has characters that an HTTP header cannot contain; continuing without it");
        return None;
    };
    value.set_sensitive(true);
    Some(value)
}

/// Returns the error of a redirect that was not followed, with the place that it names.
pub(crate) fn refused_redirect(from: &Url, headers: &HeaderMap) -> Error {
    let location = headers.get(LOCATION).map(HeaderValue::as_bytes).unwrap_or_default();
    let location = String::from_utf8_lossy(location);
    let target = from.join(&location).ok();
    let shown = match &target {
        Some(url) => shown_url(url),
        None => one_line(&redact(&location), MAX_SHOWN_CHARS),
    };
    let text = match &target {
        Some(url) if is_same_portal(from, url) => {
            format!("the portal redirects more than {MAX_REDIRECTS} times, at last to {shown}")
        }
        _ => format!(
            "the portal redirects to {shown}, which is not {}; nothing was sent there. If the dataset has moved, change \
             `portal` in its resource file, or give --portal",
            from.origin().ascii_serialization()
        ),
    };
    Error::new(Kind::Unavailable, text)
}

/// Returns an address without user name, password and query, which may hold credentials.
fn shown_url(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    one_line(&format!("{}://{host}{port}{}", url.scheme(), url.path()), MAX_SHOWN_CHARS)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).expect("an address")
    }

    #[test]
    fn redirects_stay_within_the_origin_or_go_to_its_https() {
        let same = |from: &str, to: &str| is_same_portal(&url(from), &url(to));
        assert!(same("https://data.example.org/a", "https://data.example.org/b?c"));
        assert!(same("https://data.example.org/a", "https://DATA.example.org:443/b"));
        assert!(same("http://data.example.org/a", "https://data.example.org/a"));
        for (from, to) in [
            ("https://data.example.org/a", "http://data.example.org/a"),
            ("https://data.example.org/a", "https://data.example.org:8443/a"),
            ("https://data.example.org/a", "https://example.org/a"),
            ("https://data.example.org/a", "https://data.example.org.evil.example/a"),
            ("https://data.example.org/a", "https://user@data.example.org/a"),
            ("https://data.example.org/a", "http://169.254.169.254/latest/meta-data/"),
            ("https://data.example.org/a", "http://127.0.0.1/"),
            ("http://127.0.0.1:8366/a", "http://localhost:8366/a"),
            ("http://127.0.0.1:80/a", "https://127.0.0.1:8443/a"),
        ] {
            assert!(!same(from, to), "{from} {to}");
        }
    }

    #[test]
    fn an_app_token_is_sent_over_https_and_to_this_machine_only() {
        let token = Secret::from("hush".to_owned());
        let sent = |base: &str| build_token_header(&url(base), Some(&token)).is_some();
        assert!(sent("https://data.example.org") && sent("http://127.0.0.1:9") && sent("http://localhost"));
        assert!(!sent("http://data.example.org") && !sent("http://169.254.169.254"));
        let header = build_token_header(&url("https://data.example.org"), Some(&token));
        assert!(!format!("{header:?}").contains("hush"));
        assert!(build_token_header(&url("https://a"), Some(&Secret::from("two\nlines".to_owned()))).is_none());
    }

    #[test]
    fn a_refused_redirect_names_the_place_and_no_credential() {
        let from = url("https://data.example.org/resource/aaaa-bbbb.json?$limit=1");
        for (location, says) in [
            ("https://new.example.org/resource/aaaa-bbbb.json?$$app_token=SECRET", "https://new.example.org/resource/"),
            ("https://u:SECRET@data.example.org/x", "https://data.example.org/x"),
            ("//evil.example/x", "https://evil.example/x"),
            ("/again", "more than 5 times"),
        ] {
            let headers = HeaderMap::from_iter([(LOCATION, HeaderValue::from_static(location))]);
            let text = refused_redirect(&from, &headers).to_string();
            assert!(text.contains(says), "{location}: {text}");
            assert!(!text.contains("SECRET"), "{text}");
        }
    }
}
