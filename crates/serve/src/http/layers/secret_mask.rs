//! Addresses as they may be logged: without the secrets that clients write into them.

use url::form_urlencoded;

use crate::access::TOKEN_PREFIX;

/// Parts of parameter names, in lower case, whose values are secret.
const SECRET_NAMES: [&str; 12] = [
    "token",
    "secret",
    "passw",
    "pwd",
    "auth",
    "apikey",
    "api_key",
    "api-key",
    "access_key",
    "access-key",
    "credential",
    "signature",
];
/// The replacement of a secret in the log.
const MASK: &str = "***";

/// Returns an address (path and query) with the values of secrets masked: by the names of their parameters, and tokens of
/// ours wherever they are.
pub(crate) fn mask_secrets(address: &str) -> String {
    let Some((path, query)) = address.split_once('?') else { return mask_tokens(address) };
    let masked: Vec<String> = query.split('&').map(mask_parameter).collect();
    format!("{}?{}", mask_tokens(path), masked.join("&"))
}

fn mask_parameter(parameter: &str) -> String {
    let Some((name, value)) = parameter.split_once('=') else { return mask_tokens(parameter) };
    let decoded = form_urlencoded::parse(name.as_bytes()).next();
    let decoded = decoded.map(|(name, _)| name.to_ascii_lowercase()).unwrap_or_default();
    if !value.is_empty() && SECRET_NAMES.iter().any(|secret| decoded.contains(secret)) {
        return format!("{name}={MASK}");
    }
    format!("{}={}", mask_tokens(name), mask_tokens(value))
}

/// Masks what begins like a token of ours, up to the first letter that no token has.
fn mask_tokens(text: &str) -> String {
    let mut masked = String::with_capacity(text.len());
    let mut parts = text.split(TOKEN_PREFIX);
    masked.push_str(parts.next().unwrap_or_default());
    for part in parts {
        let end = part.find(|letter: char| !letter.is_ascii_alphanumeric() && !"-_".contains(letter));
        masked.push_str(TOKEN_PREFIX);
        masked.push_str(MASK);
        masked.push_str(&part[end.unwrap_or(part.len())..]);
    }
    masked
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_in_an_address_are_masked_and_nothing_else_is() {
        for (address, logged) in [
            ("/resources?token=abc", "/resources?token=***"),
            ("/resources?a=1&ACCESS_TOKEN=abc&b=2", "/resources?a=1&ACCESS_TOKEN=***&b=2"),
            ("/resources?acc%65ss_tok%65n=abc", "/resources?acc%65ss_tok%65n=***"),
            ("/resources?%24%24app_token=abc", "/resources?%24%24app_token=***"),
            (
                "/r?api_key=a&apikey=b&X-Amz-Signature=c&password=d",
                "/r?api_key=***&apikey=***&X-Amz-Signature=***&password=***",
            ),
            ("/r?t=hotspots_AbC-9_z&x=1", "/r?t=hotspots_***&x=1"),
            ("/hotspots_AbC/x", "/hotspots_***/x"),
            (
                "/aggregates?category=Token%20Lost&group_by=resource",
                "/aggregates?category=Token%20Lost&group_by=resource",
            ),
            ("/resources?token=", "/resources?token="),
            ("/resources?token", "/resources?token"),
            ("/hotspots?resource=a", "/hotspots?resource=a"),
        ] {
            assert_eq!(mask_secrets(address), logged);
        }
    }
}
