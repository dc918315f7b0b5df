//! The answer to a question for hot spots: the engine counts, the statistics are computed on a thread of their own.

use arrow::array::RecordBatch;
use lake_model::{Kind, Result, ResultExt};
use tokio_util::sync::CancellationToken;

use super::compute::compute;
use super::request::HotspotsRequest;
use super::rows::to_record_batch;
use super::study_area::count_study_area;
use crate::context::QueryContext;

/// The answer to a question for hot spots.
#[derive(Debug)]
pub struct HotspotsAnswer {
    /// A row a cell: `cell`, `count`, `disk_cells`, `z`, `p`, `p_adjusted`, `significance`, and the columns of the trend.
    pub batch: RecordBatch,
    /// Whether the limit left out cells.
    pub truncated: bool,
    /// Incidents of the question without a usable place, which take no part.
    pub unlocated: i64,
    /// The months of the trends, as `2024-01..2024-07`; `None` if the window contains no complete month, or no trend is
    /// requested.
    pub months: Option<String>,
}

/// Returns the cells of the study area with their statistics, the hottest first, up to the limit. The computation holds
/// `permit` until it ends, even if this future is dropped before.
///
/// # Errors
/// If the tables cannot be read, or the study area has too many cells.
pub async fn answer_hotspots(
    context: &QueryContext,
    request: &HotspotsRequest,
    permit: impl Send + 'static,
) -> Result<HotspotsAnswer> {
    let area = count_study_area(context, request).await?;
    // The work ends soon after this future is dropped; it holds the permit until then.
    let stop = CancellationToken::new();
    let _stop_on_drop = stop.clone().drop_guard();
    let request = request.clone();
    let work = move || {
        let _permit = permit;
        let result = compute(&area, &request, &stop)?;
        let kept = result.cells.len().min(request.limit);
        Ok(HotspotsAnswer {
            batch: to_record_batch(&result.cells[..kept], request.trend)?,
            truncated: kept < result.cells.len(),
            unlocated: area.unlocated,
            months: result.months.map(|months| months.to_string()),
        })
    };
    tokio::task::spawn_blocking(work).await.or_err(Kind::Internal, || "computing hot spots")?
}
