//! A base map that the page draws under the cells, where one is configured.

use std::str::FromStr;

use lake_model::Error;
use url::Url;

/// The address of raster tiles: an HTTP address with `{z}`, `{x}` and `{y}` in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BaseMap {
    template: String,
    origin: String,
}

impl BaseMap {
    /// Returns the address, as it was configured.
    pub fn template(&self) -> &str {
        &self.template
    }

    /// Returns the origin that the page must be allowed to request: scheme, host and port.
    pub(crate) fn origin(&self) -> &str {
        &self.origin
    }
}

impl FromStr for BaseMap {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let wrong = || {
            let example = "https://tiles.example.org/{z}/{x}/{y}.png";
            Error::invalid(format!(
                "`{text}` is not a URL of map tiles: expected one with {{z}}, {{x}} and {{y}}, such as {example}"
            ))
        };
        let url = Url::parse(text).map_err(|_| wrong())?;
        let http = matches!(url.scheme(), "http" | "https") && url.has_host();
        // Where it goes, it must not end an attribute or a policy.
        let plain = !text.contains(['"', '<', '>', ';', ',', ' ', '\'']);
        if !http || !plain || !["{z}", "{x}", "{y}"].iter().all(|place| text.contains(place)) {
            return Err(wrong());
        }
        Ok(Self { template: text.to_owned(), origin: url.origin().ascii_serialization() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_of_tiles_has_a_host_and_places_for_the_tile() {
        let map: BaseMap = "https://tiles.example.org:8443/a/{z}/{x}/{y}.png?key=1".parse().expect("a base map");
        assert_eq!(map.origin(), "https://tiles.example.org:8443");
        for wrong in [
            "",
            "tiles.example.org/{z}/{x}/{y}.png",
            "file:///{z}/{x}/{y}.png",
            "https://tiles.example.org/{z}/{x}.png",
            "https://tiles.example.org/{z}/{x}/{y}.png\"><script>",
            "https://tiles.example.org/{z}/{x}/{y}.png; script-src *",
        ] {
            let error = wrong.parse::<BaseMap>().expect_err(wrong);
            assert!(error.message().contains("such as https://"), "{error}");
        }
    }
}
