//! Primary and foreign keys: the lake declares none, and answers with empty tables of the columns that clients expect.

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};

const TEXT: DataType = DataType::Utf8;

fn schema(columns: &[(&str, DataType, bool)]) -> SchemaRef {
    let fields = columns.iter().map(|(name, kind, nullable)| Field::new(*name, kind.clone(), *nullable));
    Schema::new(fields.collect::<Vec<_>>()).into()
}

/// Returns the primary keys of a table: no rows.
pub(super) fn primary() -> RecordBatch {
    RecordBatch::new_empty(schema(&[
        ("catalog_name", TEXT, true),
        ("db_schema_name", TEXT, true),
        ("table_name", TEXT, false),
        ("column_name", TEXT, false),
        ("key_name", TEXT, true),
        ("key_sequence", DataType::Int32, false),
    ]))
}

/// Returns the foreign keys from or to a table: no rows.
pub(super) fn foreign() -> RecordBatch {
    RecordBatch::new_empty(schema(&[
        ("pk_catalog_name", TEXT, true),
        ("pk_db_schema_name", TEXT, true),
        ("pk_table_name", TEXT, false),
        ("pk_column_name", TEXT, false),
        ("fk_catalog_name", TEXT, true),
        ("fk_db_schema_name", TEXT, true),
        ("fk_table_name", TEXT, false),
        ("fk_column_name", TEXT, false),
        ("key_sequence", DataType::Int32, false),
        ("fk_key_name", TEXT, true),
        ("pk_key_name", TEXT, true),
        ("update_rule", DataType::UInt8, false),
        ("delete_rule", DataType::UInt8, false),
    ]))
}
