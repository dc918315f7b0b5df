//! The fingerprint of a resource's definition: a checksum of the parts that decide how rows are counted. A lake stores
//! it with its counts; counts of another fingerprint are recounted.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Serialize;

use crate::{Bounds, ColumnType, Resource, Roles};

/// The version of the canonical form, which is part of the fingerprint.
const VERSION: u32 = 1;

/// The canonical form: JSON with the members in the order given here, columns by name, and no white space. The names of
/// members are those of resource files; they stay when a field of Rust gets another name.
#[derive(Serialize)]
struct Canonical<'a> {
    key: &'a [String],
    roles: CanonicalRoles<'a>,
    bounds: CanonicalBounds,
    columns: BTreeMap<&'a str, CanonicalColumn>,
}

#[derive(Serialize)]
struct CanonicalRoles<'a> {
    occurred_at: &'a str,
    closed_at: Option<&'a str>,
    category: Option<&'a str>,
    subcategory: Option<&'a str>,
    status: Option<&'a str>,
    district: Option<&'a str>,
    neighborhood: Option<&'a str>,
    latitude: Option<&'a str>,
    longitude: Option<&'a str>,
    point: Option<&'a str>,
}

#[derive(Serialize)]
struct CanonicalBounds {
    west: f64,
    south: f64,
    east: f64,
    north: f64,
    earliest: i64,
    latest: i64,
}

#[derive(Serialize)]
struct CanonicalColumn {
    #[serde(rename = "type")]
    kind: ColumnType,
    volatile: bool,
}

impl Resource {
    /// Returns the fingerprint of the key, roles, bounds and types of columns: `v1:` and the BLAKE3 hash of the
    /// canonical JSON, in hexadecimal.
    pub fn fingerprint(&self) -> String {
        let roles = &self.roles;
        let Bounds { west, south, east, north, earliest, latest } = self.bounds;
        let canonical = Canonical {
            key: &self.key,
            roles: CanonicalRoles {
                occurred_at: &roles.occurred_at,
                closed_at: roles.closed_at.as_deref(),
                category: roles.category.as_deref(),
                subcategory: roles.subcategory.as_deref(),
                status: roles.status.as_deref(),
                district: roles.district.as_deref(),
                neighborhood: roles.neighborhood.as_deref(),
                latitude: roles.latitude.as_deref(),
                longitude: roles.longitude.as_deref(),
                point: roles.point.as_deref(),
            },
            bounds: CanonicalBounds { west, south, east, north, earliest, latest },
            columns: self
                .columns
                .iter()
                .map(|column| (column.name.as_str(), CanonicalColumn { kind: column.kind, volatile: column.volatile }))
                .collect(),
        };
        // Texts, finite numbers and booleans are always JSON.
        let json = serde_json::to_vec(&canonical).unwrap_or_default();
        format!("v{VERSION}:{}", blake3::hash(&json).to_hex())
    }

    /// Returns whether a stored fingerprint is that of this definition, in the form of this version or of 0.1.0.
    pub fn has_fingerprint(&self, stored: &str) -> bool {
        stored == self.fingerprint() || stored == self.legacy_fingerprint()
    }

    /// Returns the fingerprint as version 0.1.0 computed it: FNV-1a over the debug output of its types, which is
    /// written out here, so that it does not follow the names in the code.
    fn legacy_fingerprint(&self) -> String {
        let Roles { occurred_at, closed_at, category, subcategory, status, district, neighborhood, .. } = &self.roles;
        let Roles { latitude, longitude, point, .. } = &self.roles;
        let Bounds { west, south, east, north, earliest, latest } = self.bounds;
        let mut text = format!(
            "({:?}, Roles {{ occurred_at: {occurred_at:?}, closed_at: {closed_at:?}, category: {category:?}, \
             subcategory: {subcategory:?}, status: {status:?}, district: {district:?}, neighborhood: {neighborhood:?}, \
             latitude: {latitude:?}, longitude: {longitude:?}, point: {point:?} }}, Bounds {{ west: {west:?}, \
             south: {south:?}, east: {east:?}, north: {north:?}, earliest: {earliest:?}, latest: {latest:?} }}, {{",
            self.key
        );
        let columns: BTreeMap<_, _> = self.columns.iter().map(|c| (&c.name, (c.kind, c.volatile))).collect();
        for (at, (name, (kind, volatile))) in columns.into_iter().enumerate() {
            let kind = match kind {
                ColumnType::Text => "Text",
                ColumnType::Integer => "Integer",
                ColumnType::Number => "Number",
                ColumnType::Boolean => "Boolean",
                ColumnType::Timestamp => "Timestamp",
                ColumnType::Point => "Point",
            };
            let separator = if at == 0 { "" } else { ", " };
            // Writing to a text does not fail.
            let _ = write!(text, "{separator}{name:?}: ({kind}, {volatile})");
        }
        text.push_str("})");
        let fnv = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        format!("{:016x}", text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, fnv))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Catalog;

    const CALLS: &str = r#"
name = "calls"
title = "Calls"
portal = "https://example.org"
dataset = "abcd-1234"
city = "Somewhere"
zone = "America/Chicago"
cadence = "1h"
key = ["id"]
[roles]
occurred_at = "at"
category = "kind"
latitude = "lat"
longitude = "lon"
[bounds]
west = -1.0
south = -0.5
east = 1.25
north = 0.5
[columns]
lon = "number"
id = "text"
at = "timestamp"
kind = "text"
lat = "number"
"#;

    fn calls(text: &str) -> Resource {
        Resource::parse("calls.toml", text).expect("a resource")
    }

    #[test]
    fn a_fingerprint_covers_what_counting_depends_on() {
        let calls_fingerprint = calls(CALLS).fingerprint();
        assert!(calls_fingerprint.starts_with("v1:") && calls_fingerprint.len() == 67, "{calls_fingerprint}");
        for same in [
            ("1h", "2h"),
            ("\"Calls\"", "\"All calls\""),
            ("lon = \"number\"\nid = \"text\"", "id = \"text\"\nlon = \"number\""),
        ] {
            assert_eq!(calls(&CALLS.replace(same.0, same.1)).fingerprint(), calls_fingerprint, "{same:?}");
        }
        for other in [
            ("key = [\"id\"]", "key = [\"id\", \"kind\"]"),
            ("west = -1.0", "west = -2.0"),
            ("category = \"kind\"", "subcategory = \"kind\""),
            ("id = \"text\"", "id = \"integer\""),
            ("key = [\"id\"]", "key = [\"id\"]\nvolatile = [\"kind\"]"),
        ] {
            let changed = calls(&CALLS.replace(other.0, other.1));
            assert_ne!(changed.fingerprint(), calls_fingerprint, "{other:?}");
            assert!(!changed.has_fingerprint(&calls(CALLS).legacy_fingerprint()), "{other:?}");
        }
    }

    #[test]
    fn a_fingerprint_is_the_hash_of_its_canonical_form() {
        let json = "{\"key\":[\"id\"],\"roles\":{\"occurred_at\":\"at\",\"closed_at\":null,\"category\":\"kind\",\
                    \"subcategory\":null,\"status\":null,\"district\":null,\"neighborhood\":null,\"latitude\":\"lat\",\
                    \"longitude\":\"lon\",\"point\":null},\"bounds\":{\"west\":-1.0,\"south\":-0.5,\"east\":1.25,\
                    \"north\":0.5,\"earliest\":EARLIEST,\"latest\":LATEST},\"columns\":{\"at\":{\"type\":\"timestamp\",\
                    \"volatile\":false},\"id\":{\"type\":\"text\",\"volatile\":false},\"kind\":{\"type\":\"text\",\
                    \"volatile\":false},\"lat\":{\"type\":\"number\",\"volatile\":false},\"lon\":{\"type\":\"number\",\
                    \"volatile\":false}}}";
        let resource = calls(CALLS);
        let json = json.replace("EARLIEST", &resource.bounds.earliest.to_string());
        let json = json.replace("LATEST", &resource.bounds.latest.to_string());
        assert_eq!(resource.fingerprint(), format!("v1:{}", blake3::hash(json.as_bytes()).to_hex()));
    }

    #[test]
    fn fingerprints_of_version_0_1_0_are_recognised() {
        // The fingerprint that 0.1.0 stored in the lake of tests/golden/0.1.0.
        let cases = Catalog::built_in().expect("the catalog").get("311-cases").expect("a resource");
        assert!(cases.has_fingerprint("4cac164fe3762e1d"), "{}", cases.legacy_fingerprint());
        assert!(!cases.has_fingerprint("4cac164fe3762e1e"));
        assert!(!cases.has_fingerprint(""));
    }
}
