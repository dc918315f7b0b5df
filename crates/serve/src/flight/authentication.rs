//! Authentication: every call passes it before it is answered.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use lake_model::{Error, Kind, Result};
use tonic::Status;
use tonic::metadata::MetadataMap;

use super::status::status;
use crate::access::{Busy, Client, Permit};
use crate::app::App;

/// Some clients leave out the padding.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The token of the handshake for a client that needs none: clients send back the one they got.
const NO_TOKEN: &str = "none";

/// Lets a client in for one call, which lasts until the permit is dropped.
///
/// # Errors
/// If it sends no token where one is needed, or exceeds its limits; then `retry-after` states how many seconds to wait.
pub(super) fn admit(app: &App, headers: &MetadataMap, peer: Option<SocketAddr>) -> Result<(Client, Permit), Status> {
    let busy = |busy: Busy| {
        app.metrics.add_refusal(busy.cause);
        let seconds = busy.seconds();
        let mut refusal = status(busy.into());
        refusal.metadata_mut().insert("retry-after", seconds.into());
        refusal
    };
    let texts = |name| headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    let peer = peer.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.ip());
    let address = app.access.address(peer, texts("x-forwarded-for").collect::<Vec<_>>().into_iter());
    let authorization = headers.get("authorization").and_then(|value| value.to_str().ok());
    let client = app.access.client(authorization, address).map_err(|error| {
        app.metrics.add_refusal("token");
        app.access.charge(address).map_err(busy).err().unwrap_or_else(|| status(error))
    })?;
    let permit = app.access.admit(&client).map_err(busy)?;
    Ok((client, permit))
}

/// Returns the value of `authorization` for a client after its handshake: a user name and a token as the password (RFC
/// 7617) become a bearer token (RFC 6750). The user name is ignored.
///
/// # Errors
/// If it sends something else.
pub(super) fn bearer(headers: &MetadataMap) -> Result<String> {
    let Some(sent) = headers.get("authorization") else { return Ok(format!("Bearer {NO_TOKEN}")) };
    let unknown = || {
        let text = "send `authorization: Basic` with the token as the password, or `authorization: Bearer TOKEN`";
        Error::new(Kind::Unauthenticated, text)
    };
    let (scheme, rest) = sent.to_str().ok().and_then(|text| text.split_once(' ')).ok_or_else(unknown)?;
    let token = match scheme.to_ascii_lowercase().as_str() {
        "bearer" => rest.trim().to_owned(),
        "basic" => {
            let pair = BASE64.decode(rest.trim()).ok().and_then(|bytes| String::from_utf8(bytes).ok());
            pair.as_deref().and_then(|pair| pair.split_once(':')).ok_or_else(unknown)?.1.to_owned()
        }
        _ => return Err(unknown()),
    };
    Ok(format!("Bearer {}", if token.is_empty() { NO_TOKEN } else { &token }))
}

#[cfg(test)]
mod tests {
    use base64::prelude::{BASE64_STANDARD, BASE64_STANDARD_NO_PAD};

    use super::*;

    #[test]
    fn a_password_is_the_token_whatever_the_user_is_called() {
        for (sent, expected) in [
            (format!("Basic {}", BASE64_STANDARD.encode("me:a:b")), Some("Bearer a:b")),
            (format!("Basic {}", BASE64_STANDARD_NO_PAD.encode("me:t")), Some("Bearer t")),
            (format!("basic {}", BASE64_STANDARD.encode(":t")), Some("Bearer t")),
            (format!("Basic {}", BASE64_STANDARD.encode("me:")), Some("Bearer none")),
            ("Bearer t".to_owned(), Some("Bearer t")),
            (format!("Basic {}", BASE64_STANDARD.encode("no colon")), None),
            ("Basic !".to_owned(), None),
            ("Digest x".to_owned(), None),
            ("Bearer".to_owned(), None),
        ] {
            let mut headers = MetadataMap::new();
            headers.insert("authorization", sent.parse().expect("a header"));
            assert_eq!(bearer(&headers).ok().as_deref(), expected, "{sent}");
        }
    }
}
