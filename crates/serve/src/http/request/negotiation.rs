//! In which format an answer is given: by the parameter `format`, else by the header `Accept` (RFC 9110, 12.5.1).

use axum::http::{HeaderMap, header};
use headers_accept::Accept;
use lake_analytics::unknown_value;
use lake_model::listed;
use lake_query::Format;
use mediatype::names::Q;
use mediatype::{MediaType, MediaTypeList, ReadParams as _};

use crate::problem::Problem;

/// A format of answers: its name, its media type, and what else the header `Content-Type` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Offer {
    pub(crate) name: &'static str,
    pub(crate) media_type: &'static str,
    pub(crate) content_type: &'static str,
    pub(crate) format: Format,
    /// The ending of a file of it; none for what a browser shows.
    pub(crate) file_ending: Option<&'static str>,
}

const fn offer(
    name: &'static str,
    media_type: &'static str,
    format: Format,
    file_ending: Option<&'static str>,
) -> Offer {
    Offer { name, media_type, content_type: media_type, format, file_ending }
}

/// Every format there is, the first where nothing is asked.
pub(crate) const OFFERS: [Offer; 6] = [
    offer("json", "application/json", Format::Json, None),
    offer("ndjson", "application/x-ndjson", Format::Ndjson, None),
    Offer {
        name: "csv",
        media_type: "text/csv",
        content_type: "text/csv; charset=utf-8; header=present",
        format: Format::Csv,
        file_ending: Some("csv"),
    },
    offer("geojson", "application/geo+json", Format::GeoJson, Some("geojson")),
    offer("arrow", "application/vnd.apache.arrow.stream", Format::Arrow, Some("arrows")),
    offer("parquet", "application/vnd.apache.parquet", Format::Parquet, Some("parquet")),
];

/// The names of formats.
pub(crate) const FORMATS: &[&str] = &["json", "ndjson", "csv", "geojson", "arrow", "parquet"];

/// Chooses a format.
///
/// # Errors
/// A format that is none, or an `Accept` that none of them fits.
pub(crate) fn choose(asked: Option<&str>, headers: &HeaderMap) -> Result<Offer, Problem> {
    if let Some(name) = asked {
        let found = OFFERS.into_iter().find(|offer| offer.name == name);
        return found.ok_or_else(|| unknown_value("format", name, FORMATS.iter().copied()).into());
    }
    accepted(headers, &OFFERS.map(|offer| offer.media_type)).map(|chosen| OFFERS[chosen])
}

/// Which of these media types the client would rather have; the first where it does not say.
///
/// # Errors
/// An `Accept` that none of them fits.
pub(crate) fn accepted(headers: &HeaderMap, types: &[&str]) -> Result<usize, Problem> {
    let said: Vec<&str> = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok()).collect();
    let text = said.join(", ");
    if text.trim_matches([' ', '\t', ',']).is_empty() {
        return Ok(0);
    }
    let available: Vec<MediaType<'_>> = types.iter().filter_map(|name| MediaType::parse(name).ok()).collect();
    let accept = without_parameters(&text).and_then(|text| text.parse::<Accept>().ok());
    let chosen = accept.and_then(|accept| accept.negotiate(&available).map(ToString::to_string));
    chosen.and_then(|chosen| types.iter().position(|name| *name == chosen)).ok_or_else(|| {
        let types = listed(types.iter().copied());
        Problem::not_acceptable(format!("`Accept: {text}` names no format there is; it may be {types}"))
    })
}

/// The types of an `Accept` with their qualities alone: what else is said of them, such as a charset, chooses nothing.
fn without_parameters(accept: &str) -> Option<String> {
    let plain = MediaTypeList::new(accept).map(|kind| {
        let kind = kind.ok()?;
        let quality = kind.get_param(Q).map(|q| format!(";q={q}")).unwrap_or_default();
        Some(format!("{}{quality}", kind.essence()))
    });
    Some(plain.collect::<Option<Vec<_>>>()?.join(", "))
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn chosen(accept: &str) -> Result<&'static str, Problem> {
        let headers = HeaderMap::from_iter([(header::ACCEPT, HeaderValue::from_str(accept).expect("a header"))]);
        choose(None, &headers).map(|offer| offer.name)
    }

    #[test]
    fn the_best_by_quality_that_there_is_is_chosen() {
        for (accept, name) in [
            ("*/*", "json"),
            ("text/csv", "csv"),
            ("text/csv;q=0.5, application/geo+json", "geojson"),
            ("text/html, application/xhtml+xml, */*;q=0.8", "json"),
            ("text/*", "csv"),
            ("application/json;q=0.1, text/csv;q=0.9", "csv"),
            ("application/json;q=0, */*;q=0.1", "ndjson"),
            ("application/vnd.apache.parquet", "parquet"),
            ("", "json"),
            (" , ", "json"),
            ("application/json; charset=utf-8", "json"),
            ("text/csv; charset=utf-8; header=present", "csv"),
            ("text/csv;header=absent;q=0.5, application/json;q=0.4", "csv"),
            ("application/json;a=\"x, y;z\";q=0, text/csv;q=0.2", "csv"),
            ("application/vnd.apache.arrow.stream, application/json;q=0.9", "arrow"),
        ] {
            assert_eq!(chosen(accept), Ok(name), "{accept}");
        }
    }

    #[test]
    fn what_is_asked_by_name_wins() {
        let headers = HeaderMap::from_iter([(header::ACCEPT, HeaderValue::from_static("text/csv"))]);
        assert_eq!(choose(Some("parquet"), &headers).map(|offer| offer.name), Ok("parquet"));
        assert_eq!(choose(None, &HeaderMap::new()).map(|offer| offer.name), Ok("json"));
    }

    #[test]
    fn what_nothing_fits_is_told_what_there_is() {
        for accept in ["image/png", "text/html", "application/json;q=0"] {
            let problem = chosen(accept).expect_err(accept);
            assert!(problem.detail.contains("application/geo+json"), "{}", problem.detail);
        }
    }
}
