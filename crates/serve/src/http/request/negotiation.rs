//! In which format an answer is given: by the parameter `format`, else by the header `Accept` (RFC 9110, 12.5.1).

use axum::http::{HeaderMap, header};
use headers_accept::Accept;
use lake_analytics::unknown_value;
use lake_model::listed;
use lake_query::Format;
use mediatype::names::Q;
use mediatype::{MediaType, MediaTypeList, ReadParams as _};

use crate::problem::Problem;

/// A format of answers: its name, its media type, and the other parameters of the header `Content-Type`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct AnswerFormat {
    pub(crate) name: &'static str,
    pub(crate) media_type: &'static str,
    pub(crate) content_type: &'static str,
    pub(crate) format: Format,
    /// The file extension; none for a format that browsers show.
    pub(crate) file_ending: Option<&'static str>,
}

const fn answer_format(
    name: &'static str,
    media_type: &'static str,
    format: Format,
    file_ending: Option<&'static str>,
) -> AnswerFormat {
    AnswerFormat { name, media_type, content_type: media_type, format, file_ending }
}

/// Every format, the default first.
pub(crate) const ANSWER_FORMATS: [AnswerFormat; 6] = [
    answer_format("json", "application/json", Format::Json, None),
    answer_format("ndjson", "application/x-ndjson", Format::Ndjson, None),
    AnswerFormat {
        name: "csv",
        media_type: "text/csv",
        content_type: "text/csv; charset=utf-8; header=present",
        format: Format::Csv,
        file_ending: Some("csv"),
    },
    answer_format("geojson", "application/geo+json", Format::GeoJson, Some("geojson")),
    answer_format("arrow", "application/vnd.apache.arrow.stream", Format::Arrow, Some("arrows")),
    answer_format("parquet", "application/vnd.apache.parquet", Format::Parquet, Some("parquet")),
];

/// The names of formats.
pub(crate) const FORMATS: &[&str] = &["json", "ndjson", "csv", "geojson", "arrow", "parquet"];

/// Chooses a format.
///
/// # Errors
/// An unknown format, or an `Accept` that no format satisfies.
pub(crate) fn choose_format(request: Option<&str>, headers: &HeaderMap) -> Result<AnswerFormat, Problem> {
    if let Some(name) = request {
        let found = ANSWER_FORMATS.into_iter().find(|answer_format| answer_format.name == name);
        return found.ok_or_else(|| unknown_value("format", name, FORMATS.iter().copied()).into());
    }
    negotiate(headers, &ANSWER_FORMATS.map(|answer_format| answer_format.media_type))
        .map(|chosen| ANSWER_FORMATS[chosen])
}

/// Returns which of these media types the client prefers; the first if it states no preference.
///
/// # Errors
/// An `Accept` that none of them fits.
pub(crate) fn negotiate(headers: &HeaderMap, types: &[&str]) -> Result<usize, Problem> {
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

/// Returns the types of an `Accept` with their qualities alone: other parameters, such as a charset, select nothing.
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
        choose_format(None, &headers).map(|answer_format| answer_format.name)
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
        assert_eq!(choose_format(Some("parquet"), &headers).map(|answer_format| answer_format.name), Ok("parquet"));
        assert_eq!(choose_format(None, &HeaderMap::new()).map(|answer_format| answer_format.name), Ok("json"));
    }

    #[test]
    fn what_nothing_fits_is_told_what_there_is() {
        for accept in ["image/png", "text/html", "application/json;q=0"] {
            let problem = chosen(accept).expect_err(accept);
            assert!(problem.detail.contains("application/geo+json"), "{}", problem.detail);
        }
    }
}
