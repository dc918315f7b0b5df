//! A file of counts or incidents as a segment.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema};
use lake_model::{Kind, Result, ResultExt};
use lake_segments::{Segment, SegmentBuilder, SharedDictionaries};
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt as _};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder};

/// Rows that are decoded at once.
const BATCH_ROWS: usize = 65_536;

/// What a segment is made of; `count` is in counts only, and the point in incidents only.
const COLUMNS: [&str; 9] =
    ["occurred_at", "cell", "category", "subcategory", "district", "neighborhood", "count", "latitude", "longitude"];

/// Reads a file of counts, or of incidents with their points.
///
/// # Errors
/// If the store does not answer, or the file is damaged or holds other columns.
pub(super) async fn read_segment(
    store: &dyn ObjectStore,
    path: Path,
    has_points: bool,
    dictionaries: Arc<SharedDictionaries>,
) -> Result<Segment> {
    let found = store.get(&path).await.or_err(Kind::Unavailable, || format!("reading {path}"))?;
    let bytes = found.bytes().await.or_err(Kind::Unavailable, || format!("reading {path}"))?;
    let decode = move || {
        let metadata = ArrowReaderMetadata::load(&bytes, ArrowReaderOptions::new())?;
        // Labels are dictionaries in the file already; their codes are a segment's with one lookup a value.
        let fields = metadata.schema().fields().iter().map(|field| match field.data_type() {
            DataType::Utf8 if COLUMNS.contains(&field.name().as_str()) => {
                let texts = DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
                Arc::new(Field::new(field.name(), texts, field.is_nullable()))
            }
            _ => Arc::clone(field),
        });
        let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
        let options = ArrowReaderOptions::new().with_schema(schema);
        let reader = ParquetRecordBatchReaderBuilder::try_new_with_options(bytes, options)?;
        let columns = ProjectionMask::columns(reader.parquet_schema(), COLUMNS);
        let reader = reader.with_projection(columns).with_batch_size(BATCH_ROWS).build()?;
        let mut builder = match has_points {
            true => SegmentBuilder::with_points(dictionaries),
            false => SegmentBuilder::new(dictionaries),
        };
        for batch in reader {
            builder.add(&batch?)?;
        }
        Ok::<_, Box<dyn std::error::Error + Send + Sync>>(builder.finish()?)
    };
    let decoded = tokio::task::spawn_blocking(decode).await.or_err(Kind::Internal, || format!("decoding {path}"))?;
    decoded.map_err(|error| lake_model::Error::new(Kind::Data, format!("decoding {path}: {error}")))
}
