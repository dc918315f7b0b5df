//! The files of the map, which the build script made of `web/`, and its page with the base map of one server.

use axum::body::Bytes;
use axum::http::HeaderValue;

use crate::base_map::BaseMap;

mod built {
    include!(concat!(env!("OUT_DIR"), "/web.rs"));
}

/// The page's own name among the files.
const INDEX: &str = "index.html";
/// Where the address of a base map goes in the page.
const NO_BASE_MAP: &str = "<meta name=\"base-map\" content=\"\"";
/// The page of the map, as one server sends it.
#[derive(Debug)]
pub(crate) struct MapPage {
    pub(crate) text: Bytes,
    pub(crate) etag: HeaderValue,
    /// The value of `Content-Security-Policy`.
    pub(crate) policy: HeaderValue,
}

impl MapPage {
    /// Returns the page with this base map; `None` if the program was built without the map.
    pub(crate) fn new(base_map: Option<&BaseMap>) -> Option<Self> {
        let (bytes, _) = find_file(INDEX)?;
        let text = String::from_utf8_lossy(bytes);
        let text = match base_map {
            None => text.into_owned(),
            Some(map) => {
                let with = NO_BASE_MAP.replace("\"\"", &format!("\"{}\"", map.template()));
                text.replace(NO_BASE_MAP, &with)
            }
        };
        let etag = HeaderValue::try_from(format!("\"{}\"", &blake3::hash(text.as_bytes()).to_hex()[..32])).ok()?;
        let policy = HeaderValue::try_from(policy(base_map.map(BaseMap::origin))).ok()?;
        Some(Self { text: Bytes::from(text), etag, policy })
    }
}

/// Returns a file of the map as it is, and compressed with Brotli.
pub(crate) fn find_file(name: &str) -> Option<(&'static [u8], &'static [u8])> {
    built::FILES.iter().find(|(known, ..)| *known == name).map(|(_, plain, packed)| (*plain, *packed))
}

/// Returns the content security policy of the page: its own host, and tiles from the base map's. Workers of the map may
/// be made of `blob:`.
fn policy(tiles: Option<&str>) -> String {
    let tiles = tiles.map(|origin| format!(" {origin}")).unwrap_or_default();
    format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:{tiles}; \
         connect-src 'self'{tiles}; worker-src 'self' blob:; font-src 'self'; base-uri 'none'; form-action 'none'; \
         frame-ancestors 'self'"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_may_ask_its_own_host_and_the_base_map_and_nobody_else() {
        assert!(!policy(None).contains("http") && !policy(None).contains("unsafe"));
        let with = policy(Some("https://tiles.example.org"));
        assert_eq!(with.matches("https://tiles.example.org").count(), 2, "{with}");
    }
}
