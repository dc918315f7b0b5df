//! The geometry column and the metadata that make a Parquet answer GeoParquet (<https://geoparquet.org/releases/v1.1.0>).

use std::sync::Arc;

use arrow::array::{ArrayRef, BinaryBuilder, RecordBatch};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use lake_model::{Kind, Result, ResultExt};
use parquet::file::metadata::KeyValue;
use serde_json::json;

use crate::geometry::clip::Point;
use crate::output::row_geometry::RowGeometries;

/// The name of the column.
const COLUMN: &str = "geometry";
/// Little-endian, and the types of geometries, in WKB.
const LITTLE_ENDIAN: u8 = 1;
const POINT: u32 = 1;
const POLYGON: u32 = 3;
const MULTI_POLYGON: u32 = 6;

/// The geometry of an answer whose rows have a place.
#[derive(Debug)]
pub(crate) struct GeometryColumn {
    schema: SchemaRef,
    kinds: &'static [&'static str],
}

impl GeometryColumn {
    /// Returns the geometry of rows of this schema; `None` where they have no cell and no point, or a column of that name.
    pub(crate) fn new(schema: &SchemaRef) -> Option<Self> {
        if schema.column_with_name(COLUMN).is_some() {
            return None;
        }
        let kinds: &[&str] = match RowGeometries::from_batch(&RecordBatch::new_empty(Arc::clone(schema))) {
            RowGeometries::Cell(_) => &["Polygon", "MultiPolygon"],
            RowGeometries::Point(..) => &["Point"],
            RowGeometries::None => return None,
        };
        let own = Arc::new(Field::new(COLUMN, DataType::Binary, true));
        let fields: Vec<_> = schema.fields().iter().cloned().chain([own]).collect();
        Some(Self { schema: Arc::new(Schema::new_with_metadata(fields, schema.metadata().clone())), kinds })
    }

    /// Returns the schema with the column.
    pub(crate) fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// Returns the batch with the column.
    ///
    /// # Errors
    /// If the batch has another schema.
    pub(crate) fn add_to(&self, batch: &RecordBatch) -> Result<RecordBatch> {
        let rows = RowGeometries::from_batch(batch);
        let mut geometries = BinaryBuilder::new();
        for row in 0..batch.num_rows() {
            geometries.append_option(rows.outline(row).map(|rings| wkb(&rings)));
        }
        let geometries: ArrayRef = Arc::new(geometries.finish());
        let columns = batch.columns().iter().cloned().chain([geometries]).collect();
        RecordBatch::try_new(Arc::clone(&self.schema), columns).or_err(Kind::Internal, || "geometries of the answer")
    }

    /// Returns the metadata of the file. Without a `crs`, coordinates are longitude and latitude (OGC:CRS84).
    pub(crate) fn metadata(&self) -> KeyValue {
        let column = json!({"encoding": "WKB", "geometry_types": self.kinds, "orientation": "counterclockwise"});
        let geo = json!({"version": "1.1.0", "primary_column": COLUMN, "columns": {COLUMN: column}});
        KeyValue::new("geo".to_owned(), geo.to_string())
    }
}

/// Returns well-known binary: a point, a polygon of one ring, or several of those.
fn wkb(rings: &[Vec<Point>]) -> Vec<u8> {
    let mut bytes = Vec::new();
    match rings {
        [ring] if ring.len() == 1 => {
            begin(&mut bytes, POINT);
            write_points(&mut bytes, ring);
        }
        [ring] => write_polygon(&mut bytes, ring),
        rings => {
            begin(&mut bytes, MULTI_POLYGON);
            write_count(&mut bytes, rings.len());
            rings.iter().for_each(|ring| write_polygon(&mut bytes, ring));
        }
    }
    bytes
}

fn begin(bytes: &mut Vec<u8>, kind: u32) {
    bytes.push(LITTLE_ENDIAN);
    bytes.extend_from_slice(&kind.to_le_bytes());
}

fn write_polygon(bytes: &mut Vec<u8>, ring: &[Point]) {
    begin(bytes, POLYGON);
    write_count(bytes, 1);
    let is_closed = ring.first() == ring.last();
    write_count(bytes, ring.len() + usize::from(!is_closed));
    write_points(bytes, ring);
    if !is_closed {
        write_points(bytes, &ring[..1]);
    }
}

fn write_count(bytes: &mut Vec<u8>, count: usize) {
    bytes.extend_from_slice(&u32::try_from(count).unwrap_or(u32::MAX).to_le_bytes());
}

fn write_points(bytes: &mut Vec<u8>, points: &[Point]) {
    for (longitude, latitude) in points {
        bytes.extend_from_slice(&longitude.to_le_bytes());
        bytes.extend_from_slice(&latitude.to_le_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn geometries_are_well_known_binary() {
        let point = [&[1_u8, 1, 0, 0, 0][..], &(-122.5_f64).to_le_bytes(), &37.75_f64.to_le_bytes()].concat();
        assert_eq!(wkb(&[vec![(-122.5, 37.75)]]), point);
        let ring = vec![(0.0, 0.0), (1.0, 0.0), (0.0, 1.0)];
        let triangle = wkb(std::slice::from_ref(&ring));
        assert_eq!(triangle[..13], [1, 3, 0, 0, 0, 1, 0, 0, 0, 4, 0, 0, 0]);
        assert_eq!((triangle.len(), &triangle[13..29]), (13 + 4 * 16, &triangle[13 + 3 * 16..]), "the ring is closed");
        let two = wkb(&[ring.clone(), ring]);
        assert_eq!(two, [&[1_u8, 6, 0, 0, 0, 2, 0, 0, 0][..], &triangle, &triangle].concat());
    }
}
