//! Resource files that several tests use.

/// Returns a resource file whose rows may be anywhere on Earth, with the columns `call`, `received`, `kind`, `lat` and `lon`.
pub fn world_resource(name: &str, title: &str, city: &str) -> String {
    format!(
        r#"
name = "{name}"
title = "{title}"
portal = "https://data.example.org"
dataset = "anyw-0001"
city = "{city}"
zone = "UTC"
cadence = "1h"
key = ["call"]

[roles]
occurred_at = "received"
category = "kind"
latitude = "lat"
longitude = "lon"

[bounds]
west = -180.0
south = -90.0
east = 180.0
north = 90.0

[columns]
call = "text"
received = "timestamp"
kind = "text"
lat = "number"
lon = "number"
"#
    )
}
