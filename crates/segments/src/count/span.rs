//! The rows that answer a question, each counted once: whole intervals of rollups inside the window, and finer rows at its
//! edges.

use std::ops::Range;

use crate::calendar::Hour;
use crate::levels::SegmentOfResource;
use crate::request::{CountRequest, Instant};
use crate::segment::Segment;

/// Runs of a segment, of the first and last of which not all rows may count.
#[derive(Clone, Debug)]
pub(super) struct Span<'a> {
    pub(super) segment: &'a Segment,
    pub(super) resource: usize,
    pub(super) runs: Range<usize>,
    /// The rows that count.
    pub(super) within: Range<usize>,
}

impl Span<'_> {
    pub(super) fn rows(&self) -> usize {
        let first = |run: usize| self.segment.first_rows[run] as usize;
        first(self.runs.end).min(self.within.end).saturating_sub(first(self.runs.start).max(self.within.start))
    }
}

/// Returns the spans that a question counts.
pub(super) fn select_spans<'a>(request: &CountRequest, segments: &'a [SegmentOfResource]) -> Vec<Span<'a>> {
    let interval = request.longest_interval();
    let window = (request.from.map_or(Hour::MIN, |from| from.hour), request.to.map_or(Hour::MAX, |to| to.next_hour()));
    let mut spans = Vec::new();
    for SegmentOfResource { resource, levels } in segments {
        let levels: Vec<&Segment> = levels.levels_up_to(interval).collect();
        if request.dated != Some(false) {
            select_dated(&levels, window, &mut |segment, runs| {
                spans.push(Span { segment, resource: *resource, runs, within: rows_within(request, segment) });
            });
        }
        let coarsest = levels.first().filter(|_| request.counts_undated());
        spans.extend(coarsest.map(|segment| {
            let runs = segment.dated_runs()..segment.starts.len();
            Span { segment, resource: *resource, runs, within: 0..segment.rows() }
        }));
    }
    spans.retain(|span| !span.runs.is_empty());
    spans
}

/// Returns the rows of a segment between the instants of the window, which may be within an hour.
fn rows_within(request: &CountRequest, segment: &Segment) -> Range<usize> {
    let Some(points) = &segment.points else { return 0..segment.rows() };
    let first_row_at = |instant: Instant| {
        let run = segment.starts.partition_point(|start| *start < instant.hour);
        let first = segment.first_rows[run] as usize;
        match segment.starts.get(run) {
            Some(start) if *start == instant.hour => {
                let of_run = &points.micros[first..segment.first_rows[run + 1] as usize];
                first + of_run.partition_point(|micros| *micros < instant.micros)
            }
            _ => first,
        }
    };
    request.from.map_or(0, first_row_at)..request.to.map_or(segment.rows(), first_row_at)
}

fn select_dated<'a>(
    levels: &[&'a Segment],
    (from, to): (Hour, Hour),
    found: &mut impl FnMut(&'a Segment, Range<usize>),
) {
    let Some((segment, finer)) = levels.split_first() else { return };
    if from >= to {
        return;
    }
    let starts = &segment.starts[..segment.dated_runs()];
    let first = starts.partition_point(|start| *start < from);
    let mut last = starts.partition_point(|start| *start < to);
    if finer.is_empty() {
        // The finest level: the window consists of whole hours, and so do its intervals.
        found(segment, first..last.max(first));
        return;
    }
    if to != Hour::MAX && last > first && segment.interval.end(starts[last - 1]) > to {
        last -= 1;
    }
    if last <= first {
        select_dated(finer, (from, to), found);
        return;
    }
    // An open side has nothing outside the runs that are there.
    if from != Hour::MIN {
        select_dated(finer, (from, starts[first]), found);
    }
    found(segment, first..last);
    if to != Hour::MAX {
        select_dated(finer, (segment.interval.end(starts[last - 1]), to), found);
    }
}

/// Divides spans into parts with about as many rows each.
pub(super) fn divide_spans(spans: Vec<Span<'_>>, parts: usize) -> Vec<Vec<Span<'_>>> {
    let rows: usize = spans.iter().map(Span::rows).sum();
    let share = rows.div_ceil(parts).max(1);
    let mut divided = vec![Vec::new()];
    let mut room = share;
    for mut span in spans {
        while span.rows() > room && span.runs.len() > 1 {
            let first_rows = &span.segment.first_rows[span.runs.clone()];
            let limit = (first_rows[0] as usize).max(span.within.start) + room;
            let runs = first_rows.partition_point(|row| (*row as usize) < limit).clamp(1, span.runs.len() - 1);
            let middle = span.runs.start + runs;
            let head = Span { runs: span.runs.start..middle, ..span.clone() };
            span.runs.start = middle;
            divided.last_mut().into_iter().for_each(|part| part.push(head.clone()));
            divided.push(Vec::new());
            room = share;
        }
        room = room.saturating_sub(span.rows());
        if !span.runs.is_empty() {
            divided.last_mut().into_iter().for_each(|part| part.push(span.clone()));
        }
    }
    divided
}
