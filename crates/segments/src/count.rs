//! Counting: the spans of rows that answer a question, and the sum of each group over them.

mod accumulator;
pub(crate) mod error;
mod level_plan;
mod span;

use std::sync::atomic::AtomicBool;

use rayon::iter::{IntoParallelRefIterator as _, ParallelIterator as _};

use self::error::CountError;
use crate::levels::SegmentOfResource;
use crate::request::CountRequest;
use accumulator::{Accumulator, DenseSums, SparseSums};
use level_plan::LevelPlan;
use span::{Span, divide_spans, select_spans};

/// Fewer rows are counted sooner than another thread is woken.
const MIN_ROWS_OF_THREAD: usize = 100_000;
/// More groups are summed in a table of those that occur.
const MAX_DENSE_GROUPS: usize = 1 << 23;
/// So few groups are always summed in an array.
const MIN_SPARSE_GROUPS: usize = 1 << 16;
/// An array is faster than a table if there are at most so many groups for each row.
const DENSE_GROUPS_PER_ROW: usize = 16;

/// The groups whose counts are not zero, in their order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CountedGroups {
    /// The number of groups of each key.
    sizes: Vec<usize>,
    /// The number of each group and its count.
    rows: Vec<(usize, i64)>,
    /// Whether there are more groups than were asked for.
    pub truncated: bool,
}

impl CountedGroups {
    /// Returns the counts.
    pub fn counts(&self) -> impl ExactSizeIterator<Item = i64> + '_ {
        self.rows.iter().map(|(_, count)| *count)
    }

    /// Returns the group of a key in each row.
    pub fn groups_of(&self, key: usize) -> impl ExactSizeIterator<Item = usize> + '_ {
        let stride: usize = self.sizes[key + 1..].iter().product();
        let size = self.sizes[key];
        self.rows.iter().map(move |(group, _)| group / stride % size)
    }
}

/// Counts the groups of a request, the first `limit` of them. Without keys there is one group, even if its count is zero.
///
/// # Errors
/// If more than `max_groups` would have to be held at once, `stop` is set meanwhile, or exact times or places are needed
/// and not known.
pub fn count_groups(
    request: &CountRequest,
    segments: &[SegmentOfResource],
    limit: usize,
    max_groups: usize,
    stop: &AtomicBool,
) -> Result<CountedGroups, CountError> {
    if request.needs_points() && !segments.iter().all(|segment| segment.levels.has_points()) {
        return Err(CountError::NoPoints);
    }
    let sizes: Vec<usize> = request.keys.iter().map(crate::request::GroupKey::groups).collect();
    let groups = sizes.iter().try_fold(1_usize, |product, size| product.checked_mul(*size));
    let groups = groups.ok_or(CountError::TooManyGroups)?;
    let spans = select_spans(request, segments);
    let rows: usize = spans.iter().map(Span::rows).sum();
    let threads = (rows / MIN_ROWS_OF_THREAD).clamp(1, rayon::current_num_threads());
    let dense =
        groups <= MAX_DENSE_GROUPS.min(max_groups) && groups <= MIN_SPARSE_GROUPS.max(DENSE_GROUPS_PER_ROW * rows);
    let mut found = match dense {
        true => {
            let threads = threads.min(MAX_DENSE_GROUPS / groups.max(1));
            sum_spans(request, &sizes, spans, (threads, stop), || DenseSums::new(groups))?.into_rows()
        }
        false => {
            let max_groups_of_part = max_groups / threads.max(1);
            sum_spans(request, &sizes, spans, (threads, stop), || SparseSums::new(max_groups_of_part))?.into_rows()
        }
    };
    if sizes.is_empty() && found.is_empty() {
        found.push((0, 0));
    }
    let truncated = found.len() > limit;
    if truncated && !dense {
        // Cheaper than sorting all of them.
        found.select_nth_unstable(limit);
    }
    found.truncate(limit);
    if !dense {
        found.sort_unstable();
    }
    Ok(CountedGroups { sizes, rows: found, truncated })
}

/// Returns the sums over all spans, made by this many threads.
fn sum_spans<A: Accumulator>(
    request: &CountRequest,
    sizes: &[usize],
    spans: Vec<Span<'_>>,
    (threads, stop): (usize, &AtomicBool),
    new: impl Fn() -> A + Sync,
) -> Result<A, CountError> {
    let sum = |spans: &Vec<Span<'_>>| {
        let mut sums = new();
        for span in spans {
            if let Some(plan) = LevelPlan::new(request, sizes, span.segment, span.resource, stop) {
                plan.sum_span(span, &mut sums)?;
            }
        }
        Ok(sums)
    };
    if threads <= 1 {
        return sum(&spans);
    }
    let parts = divide_spans(spans, threads);
    let sums: Vec<A> = parts.par_iter().map(sum).collect::<Result<_, _>>()?;
    let mut sums = sums.into_iter();
    let first = sums.next().unwrap_or_else(&new);
    sums.try_fold(first, Accumulator::merge)
}
