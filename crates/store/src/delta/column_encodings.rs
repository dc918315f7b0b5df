//! How the columns of a data file are encoded. Every reader of Parquet knows these encodings.

use arrow::datatypes::{DataType, Field, Schema};
use lake_model::{Kind, Result, ResultExt};
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::schema::types::ColumnPath;

/// Text columns whose values hardly repeat. Neighbours often share a prefix.
const DISTINCT_TEXTS: [&str; 3] = ["id", "_key", "_portal_id"];

/// Text columns whose values neither repeat nor share a prefix.
const RANDOM_TEXTS: [&str; 1] = ["_hash"];

/// Returns the properties of files with these columns: times and numbers that hardly repeat are stored as differences,
/// all other columns as dictionaries.
pub(crate) fn writer_properties(schema: &Schema) -> Result<WriterProperties> {
    let level = ZstdLevel::try_new(1).or_err(Kind::Internal, || "the compression level")?;
    let mut properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(level))
        .set_max_row_group_row_count(Some(128 * 1024))
        .set_statistics_enabled(EnabledStatistics::Page)
        .set_created_by(concat!("hotspots-lake ", env!("CARGO_PKG_VERSION")).to_owned());
    for field in schema.fields() {
        if let Some(encoding) = encoding_without_dictionary(field) {
            let path = ColumnPath::from(field.name().as_str());
            properties = properties.set_column_dictionary_enabled(path.clone(), false);
            properties = properties.set_column_encoding(path, encoding);
        }
    }
    Ok(properties.build())
}

/// Returns the encoding of a column for which a dictionary is a loss; none for the others.
fn encoding_without_dictionary(field: &Field) -> Option<Encoding> {
    let name = field.name().as_str();
    match field.data_type() {
        DataType::Timestamp(..) => Some(Encoding::DELTA_BINARY_PACKED),
        DataType::Int64 if name == "_row" => Some(Encoding::DELTA_BINARY_PACKED),
        DataType::Utf8 if DISTINCT_TEXTS.contains(&name) => Some(Encoding::DELTA_BYTE_ARRAY),
        DataType::Utf8 if RANDOM_TEXTS.contains(&name) => Some(Encoding::PLAIN),
        _ => None,
    }
}
