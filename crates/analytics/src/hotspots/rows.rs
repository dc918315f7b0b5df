//! Cells with their statistics as rows of an answer.

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema};
use lake_model::{Kind, Result, ResultExt};

use super::compute::CellStatistics;
use super::mann_kendall::Trend;

/// Converts these cells to rows, with or without their trend.
///
/// # Errors
/// Never, as the columns are those of the schema.
pub(super) fn to_record_batch(cells: &[CellStatistics], with_trend: bool) -> Result<RecordBatch> {
    let real = |value: fn(&CellStatistics) -> Option<f64>| -> ArrayRef {
        Arc::new(cells.iter().map(value).collect::<Float64Array>())
    };
    let text = |value: fn(&CellStatistics) -> Option<&'static str>| -> ArrayRef {
        Arc::new(cells.iter().map(value).collect::<StringArray>())
    };
    let whole = |value: fn(&CellStatistics) -> i64| -> ArrayRef {
        Arc::new(cells.iter().map(value).map(Some).collect::<Int64Array>())
    };
    let mut columns = vec![
        ("cell", whole(|cell| cell.cell)),
        ("count", whole(|cell| cell.count)),
        ("disk_cells", whole(|cell| i64::from(cell.disk_cells))),
        ("z", real(|cell| cell.z)),
        ("p", real(|cell| cell.p)),
        ("p_adjusted", real(|cell| cell.p_adjusted)),
        ("significance", text(|cell| cell.significance)),
    ];
    if with_trend {
        columns.extend([
            ("trend_tau", real(|cell| cell.trend.map(|Trend { tau, .. }| tau))),
            ("trend_z", real(|cell| cell.trend.map(|Trend { z, .. }| z))),
            ("trend_p", real(|cell| cell.trend.map(|Trend { p, .. }| p))),
            ("trend_slope", real(|cell| cell.trend.map(|Trend { slope, .. }| slope))),
            ("trend", text(CellStatistics::direction)),
        ]);
    }
    let field = |(name, values): &(&str, ArrayRef)| {
        Field::new(*name, values.data_type().clone(), values.data_type() != &DataType::Int64)
    };
    let schema = Arc::new(Schema::new(columns.iter().map(field).collect::<Vec<_>>()));
    let columns = columns.into_iter().map(|(_, values)| values).collect();
    RecordBatch::try_new(schema, columns).or_err(Kind::Internal, || "the rows of hot spots")
}
