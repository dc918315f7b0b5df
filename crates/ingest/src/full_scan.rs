//! A full scan: all of a source read once, to find the keys that are gone from it.
//!
//! A row that a publisher removes leaves no trace in any page. Only a full scan that is complete, and during which
//! nothing changed, proves that a key is gone: as many rows were served as the portal counts, before and after, and its
//! newest row was the same. The keys that a scan has seen are stored on disk, so that its memory is bounded.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::Array as _;
use lake_model::{Cursor, Error, Kind, Result, ResultExt as _};
use lake_portal::{Decoder, Extent, Page, Scan, ScanOptions, SodaClient, is_later, parse_stamp};
use tokio_util::sync::CancellationToken;

use crate::columns::{text_column, time_column};
use crate::landing::Landing;
use crate::landing::page_report::PageReport;
use crate::landing::raw_batch::Tombstone;
use crate::reject_identity::{choose_identity, possible_identities};

/// Tombstones that land as one batch.
const MAX_TOMBSTONES_PER_BATCH: usize = 50_000;
/// Keys that are named as examples.
const MAX_EXAMPLES: usize = 10;

/// Some keys of a kind: how many, and the first few by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeySample {
    /// How many.
    pub count: u64,
    /// The first few.
    pub examples: Vec<String>,
}

impl KeySample {
    fn add(&mut self, key: &str) {
        self.count += 1;
        if self.examples.len() < MAX_EXAMPLES {
            self.examples.push(key.to_owned());
        }
    }
}

/// The keys that a full scan has seen.
#[derive(Clone, Debug, Default)]
pub struct FullScan {
    /// Distinct rows.
    pub rows: u64,
    /// Keys that two live rows have.
    pub doubled: KeySample,
    /// Keys that the lake does not have.
    pub missing: KeySample,
    /// Rows that the lake has in a newer version.
    pub older: u64,
    /// Keys that the source has in versions older than the lake's only: a newer row with the key, or a newer version
    /// of the row, is gone from it.
    pub outdated: KeySample,
    /// Keys that the lake has and the source no longer has.
    pub gone: KeySample,
    /// Rejects that the source no longer has.
    pub gone_rejects: u64,
    /// Live keys and open rejects of the lake.
    pub live: u64,
    /// The last batch when the scan ended; it does not cover what landed later.
    through_batch: i64,
    /// The source's newest row, microseconds since 1970 UTC, if it is older than what has landed, and the replica that
    /// answered does not declare a later update.
    confirmed_until: Option<i64>,
    /// How many of those that are gone are newer than that, or of no known time: a replica that lags would lack just
    /// these, and its own headers cannot prove that it does not lag.
    unconfirmed: u64,
}

/// Whether a full scan proves that the keys it did not see are gone.
#[derive(Clone, Debug)]
pub enum FullScanOutcome {
    /// It was complete, and nothing changed meanwhile.
    Complete(FullScan),
    /// It proves nothing: why.
    Inconclusive(String),
}

/// The outcome of the keys that are gone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeletionReport {
    /// Tombstones that landed, rejects that were closed among them.
    pub landed: u64,
    /// How many of them are of keys that the source has in older versions: those are still to be read.
    pub outdated: u64,
    /// Why none did, or not all, although keys are gone.
    pub withheld: Option<String>,
}

fn seen_entry(kind: u8, text: &str) -> Vec<u8> {
    [&[kind], text.as_bytes()].concat()
}

/// The part of a resource that may be deleted without `--allow-deletes`.
const MAX_UNATTENDED_DELETE_PERCENT: u64 = 5;

impl Landing {
    /// Reads a source from its beginning to its end. With `land` its rows land on the way; `on_page` is called for each
    /// page.
    ///
    /// # Errors
    /// If the portal or the store does not answer.
    pub async fn run_full_scan(
        &mut self,
        soda: &SodaClient,
        options: ScanOptions,
        land: bool,
        stop: &CancellationToken,
        mut on_page: impl FnMut(PageReport) + Send,
    ) -> Result<FullScanOutcome> {
        soda.watch_replicas();
        let stopped = || Ok(FullScanOutcome::Inconclusive("it was stopped".to_owned()));
        let Some(before) = stop.run_until_cancelled(soda.fetch_extent()).await.transpose()? else { return stopped() };
        let decoder = Arc::new(Decoder::new(&self.resource));
        tokio::task::block_in_place(|| self.index.clear_seen())?;
        let mut full = FullScan::default();
        let head = self.mark.cursor.clone();
        // Newer rows came meanwhile: the scan has failed, and need not read them.
        let options = ScanOptions { until: before.newest.clone(), ..options };
        let mut scan = Scan::begin(soda.clone(), decoder, options);
        loop {
            let page = tokio::select! {
                biased;
                () = stop.cancelled() => return stopped(),
                page = scan.next() => page,
            };
            let Some(page) = page else { break };
            let mut page = page?;
            let ahead = |head: &Cursor| page.cursor.as_ref().is_some_and(|c| is_later(&c.updated_at, &head.updated_at));
            if head.as_ref().is_some_and(|head| !ahead(head)) {
                // Rows that were read before do not move the cursor.
                page.cursor = None;
            }
            let landed = if land {
                self.land(&page).await?
            } else {
                PageReport { published: page.published as u64, ..PageReport::default() }
            };
            tokio::task::block_in_place(|| self.record_page(&mut full, &page))?;
            on_page(landed);
        }
        let Some(after) = stop.run_until_cancelled(soda.fetch_extent()).await.transpose()? else { return stopped() };
        if let Some(reason) = self.inconclusive_reason(&mut full, &before, &after, soda) {
            return Ok(FullScanOutcome::Inconclusive(reason));
        }
        full.through_batch = self.mark.batch;
        tokio::task::block_in_place(|| self.find_gone(&mut full))?;
        Ok(FullScanOutcome::Complete(full))
    }

    /// Returns why a scan proves nothing, if it does not.
    fn inconclusive_reason(
        &self,
        scan: &mut FullScan,
        before: &Extent,
        after: &Extent,
        soda: &SodaClient,
    ) -> Option<String> {
        if before != after {
            return Some("the source changed meanwhile".to_owned());
        }
        if scan.rows != before.rows {
            return Some(format!("{} rows were served and the portal counts {}", scan.rows, before.rows));
        }
        if soda.replicas_differ() {
            return Some(
                "answers were of different states of the source; a replica that lags may be among them".to_owned(),
            );
        }
        // If the replica is older than our cursor, missing rows prove nothing.
        let behind = match (&before.newest_true, &self.mark.cursor) {
            (Some(newest), Some(cursor)) => is_later(&cursor.updated_at, newest),
            (None, Some(_)) => true,
            _ => false,
        };
        let cursor_s = self.mark.cursor.as_ref().and_then(|c| parse_stamp(&c.updated_at));
        let cursor_s = cursor_s.and_then(|micros| u64::try_from(micros.div_euclid(1_000_000)).ok());
        let lags = soda.modified_s().zip(cursor_s).is_some_and(|(modified, cursor)| modified < cursor);
        if behind && (scan.older > 0 || lags) {
            return Some(
                "the portal is behind the rows that have landed; a replica that lags may have answered".to_owned(),
            );
        }
        // Of a dataset's own time nothing follows: the replica may lack what changed it.
        let proves = |(replica, cursor): (u64, u64)| replica > cursor;
        if behind && !soda.replica_modified_s().zip(cursor_s).is_some_and(proves) {
            scan.confirmed_until = Some(before.newest_true.as_deref().and_then(parse_stamp).unwrap_or(i64::MIN));
        }
        None
    }

    fn record_page(&mut self, scan: &mut FullScan, page: &Page) -> Result<()> {
        let (keys, ids) = (text_column(&page.batch, "_key")?, text_column(&page.batch, "_portal_id")?);
        let updated = time_column(&page.batch, "_updated_at")?;
        let mut new: HashMap<Vec<u8>, Vec<u8>> = HashMap::new();
        for row in 0..page.batch.num_rows() {
            let (key, id) = (keys.value(row), ids.value(row));
            match self.index.get(key)?.filter(|state| !state.deleted) {
                None => scan.missing.add(key),
                Some(state) => {
                    let served = updated.is_valid(row).then(|| updated.value(row));
                    let current = state.without_future(page.latest_stamp).updated_at;
                    let is_older = matches!((served, current), (Some(a), Some(b)) if a < b);
                    scan.older += u64::from(is_older);
                    let older = seen_entry(b'o', key);
                    // A scan serves the newest row of a key last.
                    let known = || Ok::<_, Error>(new.contains_key(&older) || self.index.read_seen(&older)?.is_some());
                    if is_older || scan.older > 0 && known()? {
                        new.insert(older, vec![u8::from(is_older)]);
                    }
                }
            }
            let known = seen_entry(b'k', key);
            let holder = match new.get(&known) {
                Some(holder) => Some(holder.clone()),
                None => self.index.read_seen(&known)?,
            };
            match holder {
                None => {
                    new.insert(known, id.as_bytes().to_vec());
                    scan.rows += 1;
                }
                // The same row, served again.
                Some(holder) if holder == id.as_bytes() => {}
                Some(_) => {
                    let other = seen_entry(b'd', &format!("{id} {key}"));
                    if !new.contains_key(&other) && self.index.read_seen(&other)?.is_none() {
                        new.insert(other, Vec::new());
                        scan.rows += 1;
                        scan.doubled.add(key);
                    }
                }
            }
        }
        for row in &page.rejects {
            let possible = possible_identities(row);
            let landed = self.index.read_known([], possible.iter().map(String::as_str))?;
            let known = seen_entry(b'r', &choose_identity(&landed, &possible));
            if !new.contains_key(&known) && self.index.read_seen(&known)?.is_none() {
                new.insert(known, Vec::new());
                scan.rows += 1;
            }
        }
        self.index.record_seen(&new)
    }

    fn find_gone(&self, scan: &mut FullScan) -> Result<()> {
        for tombstone in self.list_gone() {
            if let Some(tombstone) = tombstone? {
                scan.unconfirmed += u64::from(!self.is_confirmed(scan, &tombstone)?);
                match tombstone {
                    Tombstone::Key(key) => scan.gone.add(&key),
                    Tombstone::Reject(_) => scan.gone_rejects += 1,
                }
            }
            scan.live += 1;
        }
        for key in self.list_outdated() {
            scan.outdated.add(&key?);
        }
        Ok(())
    }

    /// Returns whether the scan proves that something which it has not seen is gone. A reject has no time.
    fn is_confirmed(&self, scan: &FullScan, gone: &Tombstone) -> Result<bool> {
        let Some(newest) = scan.confirmed_until else { return Ok(true) };
        let Tombstone::Key(key) = gone else { return Ok(false) };
        let updated_at = self.index.get(key)?.and_then(|state| state.updated_at);
        Ok(updated_at.is_some_and(|updated_at| updated_at <= newest))
    }

    /// Returns the keys that the scan has seen in versions older than the lake's only.
    fn list_outdated(&self) -> impl Iterator<Item = Result<String>> + use<> {
        self.index.seen.prefix(b"o").filter_map(|entry| {
            let (entry, older) = match entry.into_inner().or_err(Kind::Unavailable, || "what a full scan has seen") {
                Ok(entry) => entry,
                Err(error) => return Some(Err(error)),
            };
            (older.as_ref() == [1]).then(|| Ok(String::from_utf8_lossy(&entry[1..]).into_owned()))
        })
    }

    /// Returns every live key and open reject: a tombstone where the scan has not seen it.
    fn list_gone(&self) -> impl Iterator<Item = Result<Option<Tombstone>>> + use<> {
        let seen = self.index.seen.clone();
        let unseen = move |kind: u8, text: String, tombstone: fn(String) -> Tombstone| -> Result<Option<Tombstone>> {
            let seen =
                seen.contains_key(seen_entry(kind, &text)).or_err(Kind::Unavailable, || "what a full scan has seen")?;
            Ok((!seen).then(|| tombstone(text)))
        };
        let of_rejects = unseen.clone();
        let keys = self.index.live_keys().map(move |key| unseen(b'k', key?, Tombstone::Key));
        let rejects = self.index.open_reject_identities().map(move |id| of_rejects(b'r', id?, Tombstone::Reject));
        keys.chain(rejects)
    }

    /// Lands tombstones for the keys that a complete scan did not see: never all of a resource, and above 5 % of it
    /// only if that is `allowed`.
    ///
    /// # Errors
    /// If the store does not answer, or another writer landed since the scan.
    pub async fn apply_deletions(&mut self, scan: &FullScan, allowed: bool) -> Result<DeletionReport> {
        let gone = scan.gone.count + scan.gone_rejects + scan.outdated.count;
        if gone == 0 {
            return Ok(DeletionReport::default());
        }
        if scan.rows == 0 {
            let withheld = "the portal serves no row at all, which proves nothing; if the dataset was retired, its \
                            records go with `hotspots-lake forget` or with the lake";
            return Ok(DeletionReport { withheld: Some(withheld.to_owned()), ..DeletionReport::default() });
        }
        let withheld = (scan.unconfirmed > 0 && !allowed).then(|| {
            format!(
                "{} of the {gone} rows that are gone are newer than the portal's newest row, as if a replica that lags \
                 had answered; if they were removed, add --allow-deletes, or try again when newer rows are published",
                scan.unconfirmed
            )
        });
        if gone * 100 > scan.live * MAX_UNATTENDED_DELETE_PERCENT && !allowed {
            let withheld = format!(
                "{gone} of {} rows are gone, more than {MAX_UNATTENDED_DELETE_PERCENT} %; if that is right, add --allow-deletes",
                scan.live
            );
            return Ok(DeletionReport { withheld: Some(withheld), ..DeletionReport::default() });
        }
        let mut deletions = DeletionReport { outdated: scan.outdated.count, withheld, ..DeletionReport::default() };
        let mut through = scan.through_batch;
        let mut chunk = Vec::new();
        let outdated = self.list_outdated().map(|key| Ok(Some(Tombstone::Key(key?))));
        let mut gone = self.list_gone().chain(outdated);
        loop {
            let next = tokio::task::block_in_place(|| gone.next());
            let ended = next.is_none();
            if let Some(tombstone) = next.transpose()?.flatten()
                && (allowed || self.is_confirmed(scan, &tombstone)?)
            {
                chunk.push(tombstone);
            }
            if chunk.len() >= MAX_TOMBSTONES_PER_BATCH || ended && !chunk.is_empty() {
                deletions.landed += chunk.len() as u64;
                through = self.land_tombstones(&std::mem::take(&mut chunk), through).await?;
            }
            if ended {
                return Ok(deletions);
            }
        }
    }
}
