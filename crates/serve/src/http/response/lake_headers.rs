//! Headers that name the versions that an answer was read from.

use axum::http::{HeaderMap, HeaderValue, header};
use chrono::{DateTime, SecondsFormat};
use lake_model::{Kind, Result, ResultExt};
use lake_query::LakeSnapshot;

/// Encodes a warning as a header: all but visible ASCII is percent-encoded.
///
/// # Errors
/// Never, as visible ASCII is a header.
pub(crate) fn encode_warning(text: &str) -> Result<HeaderValue> {
    let mut ascii = String::with_capacity(text.len());
    for letter in text.chars() {
        if matches!(letter, ' '..='~') {
            ascii.push(letter);
        } else {
            let mut bytes = [0; 4];
            letter.encode_utf8(&mut bytes).bytes().for_each(|byte| ascii.push_str(&format!("%{byte:02X}")));
        }
    }
    HeaderValue::from_str(&ascii).or_err(Kind::Internal, || "a warning as a header")
}

/// Returns a header with `true` or `false`.
pub(crate) fn bool_header(value: bool) -> HeaderValue {
    HeaderValue::from_static(if value { "true" } else { "false" })
}

/// Puts what was read for an answer over `names` (all if empty) among the headers: its versions, whether it is exact, as
/// of when, and whether any of it is synthetic.
///
/// # Errors
/// If the versions read are no header.
pub(crate) fn insert_lake_headers(headers: &mut HeaderMap, snapshot: &LakeSnapshot, names: &[String]) -> Result<()> {
    let text = |text: &str| HeaderValue::from_str(text).or_err(Kind::Internal, || "a version as a header");
    headers.insert("lake-version", text(&snapshot.version())?);
    headers.insert("lake-exact", bool_header(snapshot.is_exact(names)));
    if let Some(time) = snapshot.as_of_ms().and_then(DateTime::from_timestamp_millis) {
        headers.insert("lake-as-of", text(&time.to_rfc3339_opts(SecondsFormat::Millis, true))?);
    }
    let mut read = snapshot.resources.iter().filter(|(name, _)| names.is_empty() || names.contains(name));
    if read.any(|(_, resource)| resource.mark.synthetic) {
        headers.insert("lake-synthetic", bool_header(true));
    }
    // The answer depends on the formats that the client accepts.
    headers.insert(header::VARY, HeaderValue::from_static("accept, accept-encoding"));
    Ok(())
}
