//! The lake's tables: their columns and partitions.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Fields, Schema, SchemaRef, TimeUnit};
use lake_model::{ColumnType, RawColumn, Resource};

/// A table's columns, partition columns among them, and which those are.
#[derive(Clone, Debug)]
pub struct TableLayout {
    /// All columns.
    pub schema: SchemaRef,
    /// The partition columns.
    pub partition_columns: Vec<String>,
}

fn time() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, None)
}

fn fields(columns: &[(&str, DataType)]) -> Vec<Field> {
    columns.iter().map(|(name, kind)| Field::new(*name, kind.clone(), true)).collect()
}

fn layout(columns: Vec<Field>, partition_columns: &[&str]) -> TableLayout {
    TableLayout {
        schema: Arc::new(Schema::new(columns)),
        partition_columns: partition_columns.iter().map(|&c| c.to_owned()).collect(),
    }
}

/// Returns the columns of an incident, without its resource and year: those that the projection of a raw row yields.
pub fn incident_fields() -> Vec<Field> {
    fields(&[
        ("id", DataType::Utf8),
        ("occurred_at", time()),
        ("closed_at", time()),
        ("category", DataType::Utf8),
        ("subcategory", DataType::Utf8),
        ("status", DataType::Utf8),
        ("district", DataType::Utf8),
        ("neighborhood", DataType::Utf8),
        ("latitude", DataType::Float64),
        ("longitude", DataType::Float64),
        ("cell", DataType::Int64),
    ])
}

fn resource_and_year() -> Vec<Field> {
    fields(&[("resource", DataType::Utf8), ("year", DataType::Int32)])
}

/// Returns the layout of `incidents`: a key's current version.
pub fn incidents_layout() -> TableLayout {
    let mut columns = incident_fields();
    columns.extend(fields(&[("updated_at", time())]));
    columns.extend(resource_and_year());
    layout(columns, &["resource", "year"])
}

/// The dimensions that are counted, in addition to the resource: hour of occurrence, finest cell and the labels.
pub const COUNTED_DIMENSIONS: [&str; 6] =
    ["occurred_at", "cell", "category", "subcategory", "district", "neighborhood"];

fn counted_fields() -> Vec<Field> {
    fields(&[
        ("occurred_at", time()),
        ("cell", DataType::Int64),
        ("category", DataType::Utf8),
        ("subcategory", DataType::Utf8),
        ("district", DataType::Utf8),
        ("neighborhood", DataType::Utf8),
        ("count", DataType::Int64),
    ])
}

/// Returns the layout of `counts`: the compacted counts, finest cell and hour.
pub fn counts_layout() -> TableLayout {
    let mut columns = counted_fields();
    columns.extend(resource_and_year());
    layout(columns, &["resource", "year"])
}

/// Returns the layout of `fast_counts`: the signed counts of each batch.
pub fn fast_counts_layout() -> TableLayout {
    let mut columns = counted_fields();
    columns.extend(fields(&[("batch", DataType::Int64), ("resource", DataType::Utf8)]));
    layout(columns, &["resource"])
}

/// Returns the layout of `rejects`: rows that could not be used, as published.
pub fn rejects_layout() -> TableLayout {
    let columns = [
        ("batch", DataType::Int64),
        ("row", DataType::Int64),
        ("landed_at", time()),
        ("identity", DataType::Utf8),
        ("state", DataType::Utf8),
        ("reason", DataType::Utf8),
        ("original", DataType::Utf8),
        ("resource", DataType::Utf8),
    ];
    layout(fields(&columns), &["resource"])
}

/// Returns the layout of `boundaries`: the outlines of neighborhoods and districts, one set per partition. `geometry`
/// is a GeoJSON MultiPolygon; all coordinates are degrees.
pub fn boundaries_layout() -> TableLayout {
    let columns = [
        ("city", DataType::Utf8),
        ("dimension", DataType::Utf8),
        ("label", DataType::Utf8),
        ("name", DataType::Utf8),
        ("geometry", DataType::Utf8),
        ("west", DataType::Float64),
        ("south", DataType::Float64),
        ("east", DataType::Float64),
        ("north", DataType::Float64),
        ("_landed_at", time()),
        ("resource", DataType::Utf8),
    ];
    layout(fields(&columns), &["resource"])
}

/// Returns the layout of `raw/<resource>`: every landed version of every row.
pub fn raw_layout(resource: &Resource) -> TableLayout {
    let declared = resource.columns.iter().map(|column| (column.name.as_str(), column.kind));
    let added = RawColumn::all().map(|column| (column.name(), column.kind()));
    let columns = declared.chain(added).map(|(name, kind)| Field::new(name, data_type(kind), true)).collect();
    layout(columns, &[RawColumn::LandedMonth.name()])
}

fn data_type(kind: ColumnType) -> DataType {
    match kind {
        ColumnType::Text => DataType::Utf8,
        ColumnType::Integer => DataType::Int64,
        ColumnType::Number => DataType::Float64,
        ColumnType::Boolean => DataType::Boolean,
        ColumnType::Timestamp => time(),
        ColumnType::Point => {
            DataType::Struct(Fields::from(fields(&[("longitude", DataType::Float64), ("latitude", DataType::Float64)])))
        }
    }
}
