//! A pass: the whole of a source read once, to know which keys are gone from it.
//!
//! A row that a publisher removes leaves no trace in any page. That a key is gone is proven only by a pass that is
//! complete and during which nothing changed: as many rows were served as the portal counts, before and after, and
//! its newest row was the same. What a pass has seen lies on disk, so that its memory is bounded.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::Array as _;
use lake_model::{Cursor, Error, Kind, Result, ResultExt as _};
use lake_portal::{Decoder, Extent, Page, Scan, ScanOptions, Soda, is_later, parse_stamp};
use tokio_util::sync::CancellationToken;

use crate::columns::{texts, times};
use crate::landing::{Landed, Landing, Tombstone};
use crate::reject_identity;

/// Tombstones that land as one batch.
const TOMBSTONES_A_BATCH: usize = 50_000;
/// Keys that are named as examples.
const EXAMPLES: usize = 10;

/// Some keys of a kind: how many, and the first few by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Keys {
    /// How many.
    pub count: u64,
    /// The first few.
    pub examples: Vec<String>,
}

impl Keys {
    fn add(&mut self, key: &str) {
        self.count += 1;
        if self.examples.len() < EXAMPLES {
            self.examples.push(key.to_owned());
        }
    }
}

/// What a pass has seen.
#[derive(Clone, Debug, Default)]
pub struct Pass {
    /// Distinct rows.
    pub rows: u64,
    /// Keys that two live rows have.
    pub doubled: Keys,
    /// Keys that the lake does not have.
    pub missing: Keys,
    /// Rows that the lake has in a newer version.
    pub older: u64,
    /// Keys that the source has in versions older than the lake's only: a newer row with the key, or a newer version
    /// of the row, is gone from it.
    pub outdated: Keys,
    /// Keys that the lake has and the source no longer has.
    pub gone: Keys,
    /// Rejects that the source no longer has.
    pub gone_rejects: u64,
    /// Live keys and open rejects of the lake.
    pub live: u64,
    /// The last batch when the pass ended: what lands later is not for it to judge.
    through: i64,
    /// The source's newest row, microseconds since 1970 UTC, where it is older than what has landed, and the replica
    /// that answered does not say that it was brought up to date later.
    behind: Option<i64>,
    /// How many of those that are gone are newer than that, or of no known time: a replica that lags would leave out
    /// just these, and nothing that it says of itself proves that it does not.
    unproven: u64,
}

/// Whether a pass proves that what it did not see is gone.
#[derive(Clone, Debug)]
pub enum Proof {
    /// It was complete, and nothing changed meanwhile.
    Complete(Pass),
    /// It proves nothing: why.
    Inconclusive(String),
}

/// What became of the keys that are gone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Buried {
    /// Tombstones that landed, rejects that were closed among them.
    pub landed: u64,
    /// How many of them are of keys that the source has in older versions: those are still to be read.
    pub outdated: u64,
    /// Why none did, or not all, although keys are gone.
    pub withheld: Option<String>,
}

fn entry(kind: u8, text: &str) -> Vec<u8> {
    [&[kind], text.as_bytes()].concat()
}

/// The most of a resource that goes without being told so, as a fraction.
const MOST_UNASKED: u64 = 20;

impl Landing {
    /// Reads a source from its beginning to its end. With `land` its rows land on the way; `on_page` hears of them.
    ///
    /// # Errors
    /// If the portal or the store does not answer.
    pub async fn pass(
        &mut self,
        soda: &Soda,
        scan: ScanOptions,
        land: bool,
        stop: &CancellationToken,
        mut on_page: impl FnMut(Landed) + Send,
    ) -> Result<Proof> {
        soda.watch();
        let stopped = || Ok(Proof::Inconclusive("it was stopped".to_owned()));
        let Some(before) = stop.run_until_cancelled(soda.extent()).await.transpose()? else { return stopped() };
        let decoder = Arc::new(Decoder::new(&self.resource));
        tokio::task::block_in_place(|| self.index.clear_seen())?;
        let mut pass = Pass::default();
        let head = self.mark.cursor.clone();
        // What is newer than the newest came meanwhile: the pass has failed, and need not follow it.
        let scan = ScanOptions { until: before.newest.clone(), ..scan };
        let mut scan = Scan::begin(soda.clone(), decoder, scan);
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
                // What was read before does not move the cursor.
                page.cursor = None;
            }
            let landed = if land {
                self.land(&page).await?
            } else {
                Landed { published: page.published as u64, ..Landed::default() }
            };
            tokio::task::block_in_place(|| self.see(&mut pass, &page))?;
            on_page(landed);
        }
        let Some(after) = stop.run_until_cancelled(soda.extent()).await.transpose()? else { return stopped() };
        if let Some(reason) = self.doubt(&mut pass, &before, &after, soda) {
            return Ok(Proof::Inconclusive(reason));
        }
        pass.through = self.mark.batch;
        tokio::task::block_in_place(|| self.find_gone(&mut pass))?;
        Ok(Proof::Complete(pass))
    }

    /// Why a pass proves nothing, if it does not.
    fn doubt(&self, pass: &mut Pass, before: &Extent, after: &Extent, soda: &Soda) -> Option<String> {
        if before != after {
            return Some("the source changed meanwhile".to_owned());
        }
        if pass.rows != before.rows {
            return Some(format!("{} rows were served and the portal counts {}", pass.rows, before.rows));
        }
        if soda.replicas_differ() {
            return Some(
                "answers were of different states of the source; a replica that lags may be among them".to_owned(),
            );
        }
        // Whoever is behind what has landed already may lack rows for no other reason.
        let behind = match (&before.newest_true, &self.mark.cursor) {
            (Some(newest), Some(cursor)) => is_later(&cursor.updated_at, newest),
            (None, Some(_)) => true,
            _ => false,
        };
        let cursor_s = self.mark.cursor.as_ref().and_then(|c| parse_stamp(&c.updated_at));
        let cursor_s = cursor_s.and_then(|micros| u64::try_from(micros.div_euclid(1_000_000)).ok());
        let lags = soda.modified_s().zip(cursor_s).is_some_and(|(modified, cursor)| modified < cursor);
        if behind && (pass.older > 0 || lags) {
            return Some(
                "the portal is behind what has landed already; a replica that lags may have answered".to_owned(),
            );
        }
        // Of a dataset's own time nothing follows: the replica may lack what changed it.
        let proves = |(replica, cursor): (u64, u64)| replica > cursor;
        if behind && !soda.replica_modified_s().zip(cursor_s).is_some_and(proves) {
            pass.behind = Some(before.newest_true.as_deref().and_then(parse_stamp).unwrap_or(i64::MIN));
        }
        None
    }

    fn see(&mut self, pass: &mut Pass, page: &Page) -> Result<()> {
        let (keys, ids) = (texts(&page.batch, "_key")?, texts(&page.batch, "_portal_id")?);
        let updated = times(&page.batch, "_updated_at")?;
        let mut new: HashMap<Vec<u8>, Vec<u8>> = HashMap::new();
        for row in 0..page.batch.num_rows() {
            let (key, id) = (keys.value(row), ids.value(row));
            match self.index.get(key)?.filter(|state| !state.deleted) {
                None => pass.missing.add(key),
                Some(state) => {
                    let served = updated.is_valid(row).then(|| updated.value(row));
                    let current = state.without_future(page.latest_stamp).updated_at;
                    let is_older = matches!((served, current), (Some(a), Some(b)) if a < b);
                    pass.older += u64::from(is_older);
                    let older = entry(b'o', key);
                    // A scan serves the newest row of a key last.
                    let known = || Ok::<_, Error>(new.contains_key(&older) || self.index.seen(&older)?.is_some());
                    if is_older || pass.older > 0 && known()? {
                        new.insert(older, vec![u8::from(is_older)]);
                    }
                }
            }
            let known = entry(b'k', key);
            let holder = match new.get(&known) {
                Some(holder) => Some(holder.clone()),
                None => self.index.seen(&known)?,
            };
            match holder {
                None => {
                    new.insert(known, id.as_bytes().to_vec());
                    pass.rows += 1;
                }
                // The same row, served again.
                Some(holder) if holder == id.as_bytes() => {}
                Some(_) => {
                    let other = entry(b'd', &format!("{id} {key}"));
                    if !new.contains_key(&other) && self.index.seen(&other)?.is_none() {
                        new.insert(other, Vec::new());
                        pass.rows += 1;
                        pass.doubled.add(key);
                    }
                }
            }
        }
        for row in &page.rejects {
            let identity = reject_identity::identity_of(&self.index, row)?;
            let known = entry(b'r', &identity);
            if !new.contains_key(&known) && self.index.seen(&known)?.is_none() {
                new.insert(known, Vec::new());
                pass.rows += 1;
            }
        }
        self.index.see(&new)
    }

    fn find_gone(&self, pass: &mut Pass) -> Result<()> {
        for tombstone in self.gone() {
            if let Some(tombstone) = tombstone? {
                pass.unproven += u64::from(!self.is_proven(pass, &tombstone)?);
                match tombstone {
                    Tombstone::Key(key) => pass.gone.add(&key),
                    Tombstone::Reject(_) => pass.gone_rejects += 1,
                }
            }
            pass.live += 1;
        }
        for key in self.outdated() {
            pass.outdated.add(&key?);
        }
        Ok(())
    }

    /// Whether it is proven that something is gone which the pass has not seen. Of a reject no time is known.
    fn is_proven(&self, pass: &Pass, gone: &Tombstone) -> Result<bool> {
        let Some(newest) = pass.behind else { return Ok(true) };
        let Tombstone::Key(key) = gone else { return Ok(false) };
        let updated_at = self.index.get(key)?.and_then(|state| state.updated_at);
        Ok(updated_at.is_some_and(|updated_at| updated_at <= newest))
    }

    /// The keys that the pass has seen in versions older than the lake's only.
    fn outdated(&self) -> impl Iterator<Item = Result<String>> + use<> {
        self.index.seen.prefix(b"o").filter_map(|entry| {
            let (entry, older) = match entry.into_inner().or_err(Kind::Unavailable, || "what a pass has seen") {
                Ok(entry) => entry,
                Err(error) => return Some(Err(error)),
            };
            (older.as_ref() == [1]).then(|| Ok(String::from_utf8_lossy(&entry[1..]).into_owned()))
        })
    }

    /// Every live key and open reject: a tombstone where the pass has not seen it.
    fn gone(&self) -> impl Iterator<Item = Result<Option<Tombstone>>> + use<> {
        let seen = self.index.seen.clone();
        let unseen = move |kind: u8, text: String, tombstone: fn(String) -> Tombstone| -> Result<Option<Tombstone>> {
            let seen = seen.contains_key(entry(kind, &text)).or_err(Kind::Unavailable, || "what a pass has seen")?;
            Ok((!seen).then(|| tombstone(text)))
        };
        let of_rejects = unseen.clone();
        let keys = self.index.live_keys().map(move |key| unseen(b'k', key?, Tombstone::Key));
        let rejects = self.index.open_reject_identities().map(move |id| of_rejects(b'r', id?, Tombstone::Reject));
        keys.chain(rejects)
    }

    /// Lands tombstones for what a complete pass did not see: never all of a resource, and above 5 % of it only
    /// where that is `allowed`.
    ///
    /// # Errors
    /// If the store does not answer, or another writer landed since the pass.
    pub async fn bury(&mut self, pass: &Pass, allowed: bool) -> Result<Buried> {
        let gone = pass.gone.count + pass.gone_rejects + pass.outdated.count;
        if gone == 0 {
            return Ok(Buried::default());
        }
        if pass.rows == 0 {
            let withheld = "the portal serves no row at all, which proves nothing; if the dataset was retired, its \
                            records go with `hotspots-lake forget` or with the lake";
            return Ok(Buried { withheld: Some(withheld.to_owned()), ..Buried::default() });
        }
        let withheld = (pass.unproven > 0 && !allowed).then(|| {
            format!(
                "{} of the {gone} rows that are gone are newer than the portal's newest row, as if a replica that lags \
                 had answered; if they were removed, add --allow-deletes, or try again when newer rows are published",
                pass.unproven
            )
        });
        if gone * MOST_UNASKED > pass.live && !allowed {
            let withheld =
                format!("{gone} of {} rows are gone, more than 5 %; if that is right, add --allow-deletes", pass.live);
            return Ok(Buried { withheld: Some(withheld), ..Buried::default() });
        }
        let mut buried = Buried { outdated: pass.outdated.count, withheld, ..Buried::default() };
        let mut through = pass.through;
        let mut chunk = Vec::new();
        let outdated = self.outdated().map(|key| Ok(Some(Tombstone::Key(key?))));
        let mut gone = self.gone().chain(outdated);
        loop {
            let next = tokio::task::block_in_place(|| gone.next());
            let ended = next.is_none();
            if let Some(tombstone) = next.transpose()?.flatten()
                && (allowed || self.is_proven(pass, &tombstone)?)
            {
                chunk.push(tombstone);
            }
            if chunk.len() >= TOMBSTONES_A_BATCH || ended && !chunk.is_empty() {
                buried.landed += chunk.len() as u64;
                through = self.land_tombstones(&std::mem::take(&mut chunk), through).await?;
            }
            if ended {
                return Ok(buried);
            }
        }
    }
}
