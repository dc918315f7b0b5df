//! The files that hold the counts or the incidents of a question.

use lake_query::{LakeSnapshot, SegmentFile};
use lake_store::DataFile;

use crate::filters::Filters;

/// A file of counts or incidents, and the resource that it is of.
pub(super) struct FileOfResource {
    pub(super) resource: String,
    pub(super) file: SegmentFile,
}

/// Returns the files of the compacted counts and of the signed counts of later batches that may pass the filters. `None`
/// if some rows of a file count and others do not.
pub(super) fn counted_files(snapshot: &LakeSnapshot, filters: &Filters) -> Option<Vec<FileOfResource>> {
    let lake = &snapshot.lake;
    let mut files = Vec::new();
    for file in snapshot.counts.files.iter().filter(|file| may_have_years(file, filters)) {
        let resource = file.partition_value("resource")?;
        if filters.resources.contains(resource) {
            files.push(FileOfResource {
                resource: resource.to_owned(),
                file: SegmentFile::of_counts(&lake.counts, file),
            });
        }
    }
    for file in snapshot.fast_counts.files.iter() {
        let name = file.partition_value("resource")?;
        // The counts of a resource without a raw table are not pending.
        let Some(resource) = snapshot.resources.get(name) else { continue };
        if !filters.resources.contains(name) || !resource.is_pending() {
            continue;
        }
        let (first, last) = file.number_range("batch")?;
        if last <= resource.watermark() {
            continue;
        }
        if first <= resource.watermark() {
            return None;
        }
        files.push(FileOfResource { resource: name.to_owned(), file: SegmentFile::of_counts(&lake.fast_counts, file) });
    }
    Some(files)
}

/// Returns the files of the compacted incidents that may pass the filters.
pub(super) fn incident_files(snapshot: &LakeSnapshot, filters: &Filters) -> Option<Vec<FileOfResource>> {
    let files = snapshot.incidents.files.iter().filter(|file| may_have_years(file, filters));
    let files = files.map(|file| {
        let resource = file.partition_value("resource")?.to_owned();
        Some(FileOfResource { resource, file: SegmentFile::of_incidents(&snapshot.lake.incidents, file) })
    });
    let files: Option<Vec<FileOfResource>> = files.collect();
    Some(files?.into_iter().filter(|file| filters.resources.contains(&file.resource)).collect())
}

/// Returns whether a partition may have incidents of the window. Those without a time have no year, and no window contains
/// them.
fn may_have_years(file: &DataFile, filters: &Filters) -> bool {
    let (first, last) = filters.years();
    if first.is_none() && last.is_none() {
        return true;
    }
    let Some(year) = file.partition_value("year").and_then(|year| year.parse::<i32>().ok()) else { return false };
    first.is_none_or(|first| year >= first) && last.is_none_or(|last| year <= last)
}
