//! Judging a page: from its rows, their entries in the key index and the raw rows, to the rows that land and the
//! changes they cause. It reads and writes nothing, and the same input always has the same judgement.

use std::collections::HashMap;

use lake_portal::Reject;

use crate::index::key_state::KeyState;
use crate::index::known_versions::KnownVersions;
use crate::landing::ledger::{Ledger, Verdict};
use crate::landing::page_report::PageReport;
use crate::landing::raw_batch::{MarkerRow, Tombstone};
use crate::landing::raw_lookup::{PendingLookups, RawLookup};

/// A usable row of a page.
#[derive(Clone, Debug)]
pub(crate) struct UsableRow<'p> {
    pub(crate) key: &'p str,
    /// The portal's `:id`, if there is one.
    pub(crate) portal_id: Option<&'p str>,
    /// The version of the key that the row is.
    pub(crate) state: KeyState,
    /// The hash that another version of the program gave to its content, where that is another one.
    pub(crate) earlier_hash: Option<[u8; 16]>,
}

/// A row of a page that cannot be used.
#[derive(Clone, Debug)]
pub(crate) struct RejectedRow<'p> {
    pub(crate) reject: &'p Reject,
    /// The identity under which the lake stores it.
    pub(crate) identity: String,
    /// A hash of its content.
    pub(crate) content: [u8; 16],
}

/// The rows of a page.
#[derive(Clone, Debug, Default)]
pub(crate) struct PageRows<'p> {
    /// In the order of the page.
    pub(crate) usable: Vec<UsableRow<'p>>,
    pub(crate) rejected: Vec<RejectedRow<'p>>,
    /// All rows of the page, usable or not.
    pub(crate) published: u64,
    /// The latest `:updated_at` that can be true, microseconds since 1970 UTC.
    pub(crate) latest_stamp: i64,
    /// The `:updated_at` of the landing cursor. Rows from it on are as new as anything that has landed.
    pub(crate) cursor_stamp: Option<i64>,
}

/// The rows that land from a page, and the changes they cause.
#[derive(Debug, Default)]
pub(crate) struct Judgement<'p> {
    /// The places in the page of the usable rows that land, ascending.
    pub(crate) rows: Vec<u64>,
    /// The rows without declared columns that land after them.
    pub(crate) markers: Vec<MarkerRow>,
    pub(crate) ledger: Ledger,
    pub(crate) report: PageReport,
    /// What must be read from the raw rows before the judgement is final.
    pub(crate) pending: PendingLookups,
    /// A key that two rows of the page have.
    pub(crate) doubled_key: Option<&'p str>,
}

/// Judges the rows of a page, in their order.
pub(crate) fn judge_page<'p>(page: &PageRows<'p>, known: &KnownVersions<'_>, lookup: &RawLookup) -> Judgement<'p> {
    let mut judge = Judge {
        page,
        known,
        lookup,
        judgement: Judgement::default(),
        holders: HashMap::new(),
        ids_by_key: HashMap::with_capacity(page.usable.len()),
        reusable: Vec::new(),
    };
    judge.judgement.report.published = page.published;
    for (place, row) in page.usable.iter().enumerate() {
        judge.judge_usable(place, row);
    }
    judge.close_rejects();
    for row in &page.rejected {
        judge.judge_rejected(row);
    }
    judge.judgement
}

struct Judge<'a, 'p> {
    page: &'a PageRows<'p>,
    known: &'a KnownVersions<'a>,
    lookup: &'a RawLookup,
    judgement: Judgement<'p>,
    /// The row that gave a key its version, as of the rows before.
    holders: HashMap<&'p str, Option<&'p str>>,
    /// The id of the last row with a key.
    ids_by_key: HashMap<&'p str, Option<&'p str>>,
    /// Ids of rows that land nothing and were rejects before.
    reusable: Vec<&'p str>,
}

impl<'p> Judge<'_, 'p> {
    fn judge_usable(&mut self, place: usize, row: &UsableRow<'p>) {
        self.note_doubled(row);
        let stamp = self.page.latest_stamp;
        let verdict = self.judgement.ledger.judge(self.known, row.key, &row.state, row.earlier_hash, stamp);
        if let Some(id) = row.portal_id
            && self.is_behind(row.state.updated_at)
            && self.judgement.ledger.is_open_reject(self.known, id)
            && self.judgement.pending.is_superseded(self.lookup, id, row.state.updated_at)
        {
            self.judgement.report.stale += 1;
            return;
        }
        let verdict = self.break_tie(verdict, row);
        let report = &mut self.judgement.report;
        match verdict {
            Verdict::New => report.new += 1,
            Verdict::Changed | Verdict::Tied => report.changed += 1,
            Verdict::Stale => report.stale += 1,
            Verdict::Unchanged => report.unchanged += 1,
        }
        if matches!(verdict, Verdict::Stale | Verdict::Unchanged) {
            // The former reject can be used now, although its content is the same.
            let reusable = row.portal_id.filter(|id| self.judgement.ledger.is_open_reject(self.known, id));
            self.reusable.extend(reusable);
            return;
        }
        self.holders.insert(row.key, row.portal_id);
        let number = row_number(self.judgement.rows.len());
        self.judgement.ledger.enter(self.known, row.key, row.state);
        if let Some(id) = row.portal_id {
            self.judgement.ledger.close_reject(self.known, number, id);
        }
        self.judgement.rows.push(place as u64);
    }

    /// Notes a row that was served twice: it has the same id both times; without ids, each is a row of its own.
    fn note_doubled(&mut self, row: &UsableRow<'p>) {
        let id = row.portal_id;
        if self.ids_by_key.insert(row.key, id).is_some_and(|other| id.is_none() || other != id) {
            self.judgement.report.doubled += 1;
            self.judgement.doubled_key.get_or_insert(row.key);
        }
    }

    /// Returns whether a row comes out of order, so that it may be older than the landed version.
    fn is_behind(&self, updated_at: Option<i64>) -> bool {
        updated_at.is_some() && (self.page.cursor_stamp.is_none() || updated_at < self.page.cursor_stamp)
    }

    /// Decides between two rows with one key and one time: the one with the greater id counts.
    fn break_tie(&mut self, verdict: Verdict, row: &UsableRow<'p>) -> Verdict {
        let (Verdict::Tied, Some(id)) = (verdict, row.portal_id) else { return verdict };
        let within_page = self.holders.get(row.key).copied().flatten();
        let holder = within_page.or_else(|| self.judgement.pending.find_holder(self.lookup, row.key));
        if holder.is_some_and(|holder| id < holder) { Verdict::Stale } else { Verdict::Changed }
    }

    fn close_rejects(&mut self) {
        for id in std::mem::take(&mut self.reusable) {
            let number = self.next_marker_number();
            self.judgement.ledger.close_reject(self.known, number, id);
            self.judgement.markers.push(MarkerRow::tombstone(Tombstone::Reject(id.to_owned())));
        }
    }

    fn judge_rejected(&mut self, row: &RejectedRow<'p>) {
        let is_known = self.judgement.ledger.has_reject(self.known, &row.identity, row.content);
        if !is_known
            && row.reject.portal_id.is_some()
            && self.is_behind(row.reject.updated_at)
            && self.judgement.pending.is_superseded(self.lookup, &row.identity, row.reject.updated_at)
        {
            self.judgement.report.stale += 1;
            return;
        }
        self.judgement.report.rejected += 1;
        if !is_known {
            let number = self.next_marker_number();
            self.judgement.ledger.enter_reject(number, &row.identity, row.content);
            self.judgement.markers.push(MarkerRow::reject(row.reject).with_identity(&row.identity));
        }
    }

    fn next_marker_number(&self) -> i64 {
        row_number(self.judgement.rows.len() + self.judgement.markers.len())
    }
}

/// Returns a row's number within its batch.
pub(crate) fn row_number(row: usize) -> i64 {
    i64::try_from(row).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::index::key_state::Dimensions;

    const NOW: i64 = 1_000;

    fn dimensions(cell: i64) -> Dimensions {
        Dimensions { hour: Some(0), cell: Some(cell), labels: [1, 0, 0, 0] }
    }

    /// Returns a version with this content at this time, in the cell of that number.
    fn version(content: u8, updated_at: i64) -> KeyState {
        let dimensions = dimensions(content.into());
        KeyState { hash: [content; 16], updated_at: Some(updated_at), deleted: false, dimensions }
    }

    fn row<'p>(key: &'p str, id: &'p str, state: KeyState) -> UsableRow<'p> {
        UsableRow { key, portal_id: Some(id), state, earlier_hash: None }
    }

    fn page(usable: Vec<UsableRow<'_>>) -> PageRows<'_> {
        let published = usable.len() as u64;
        PageRows { usable, rejected: Vec::new(), published, latest_stamp: NOW, cursor_stamp: Some(0) }
    }

    fn known<'a>(keys: &[(&'a str, KeyState)], rejects: &[(&str, u8)]) -> KnownVersions<'a> {
        let rejects = rejects.iter().map(|(identity, content)| ((*identity).to_owned(), [*content; 16]));
        KnownVersions { keys: keys.iter().copied().collect(), rejects: rejects.collect() }
    }

    fn reject(id: Option<&str>, original: &str, updated_at: Option<i64>) -> Reject {
        let (portal_id, original) = (id.map(str::to_owned), original.to_owned());
        Reject { row: 0, portal_id, reason: "no key".to_owned(), original, updated_at }
    }

    /// Returns the counts that a judgement changes: number of the cell, and by how much.
    fn counts(judgement: &Judgement<'_>) -> Vec<(i64, i64)> {
        judgement.ledger.counts.iter().map(|(dimensions, n)| (dimensions.cell.unwrap_or_default(), *n)).collect()
    }

    #[test]
    fn each_version_of_a_key_lands_or_not_as_the_known_one_says() {
        let deleted = KeyState { deleted: true, ..version(1, 5) };
        let future = version(1, NOW + 1);
        let undated = KeyState { updated_at: None, ..version(2, 0) };
        type Case<'a> = (&'a str, Option<KeyState>, KeyState, PageReport, &'a [(i64, i64)]);
        let of = |change: fn(&mut PageReport)| {
            let mut report = PageReport { published: 1, ..PageReport::default() };
            change(&mut report);
            report
        };
        let cases: [Case<'_>; 9] = [
            ("new", None, version(1, 5), of(|r| r.new = 1), &[(1, 1)]),
            ("the same", Some(version(1, 5)), version(1, 5), of(|r| r.unchanged = 1), &[]),
            ("the same, stamped again", Some(version(1, 5)), version(1, 6), of(|r| r.unchanged = 1), &[]),
            ("changed", Some(version(1, 5)), version(2, 6), of(|r| r.changed = 1), &[(1, -1), (2, 1)]),
            ("older", Some(version(1, 5)), version(2, 4), of(|r| r.stale = 1), &[]),
            ("without a time", Some(version(1, 5)), undated, of(|r| r.changed = 1), &[(1, -1), (2, 1)]),
            ("back after its deletion", Some(deleted), version(2, 4), of(|r| r.new = 1), &[(2, 1)]),
            (
                "changed after a stamp of the future",
                Some(future),
                version(2, 4),
                of(|r| r.changed = 1),
                &[(1, -1), (2, 1)],
            ),
            ("as new as anything", Some(version(1, 5)), version(2, 7), of(|r| r.changed = 1), &[(1, -1), (2, 1)]),
        ];
        for (case, current, next, report, expected) in cases {
            let current: Vec<(&str, KeyState)> = current.map(|state| ("a", state)).into_iter().collect();
            let page = page(vec![row("a", "1", next)]);
            let judgement = judge_page(&page, &known(&current, &[]), &RawLookup::default());
            assert_eq!(judgement.report, report, "{case}");
            assert_eq!(counts(&judgement), expected, "{case}");
            assert_eq!(judgement.rows.len(), usize::from(!expected.is_empty()), "{case}");
            assert!(judgement.pending.is_empty() && judgement.markers.is_empty(), "{case}");
        }
    }

    #[test]
    fn content_with_the_hash_of_an_earlier_release_is_unchanged() {
        let mut usable = row("a", "1", version(2, 6));
        usable.earlier_hash = Some([1; 16]);
        let page = page(vec![usable]);
        let judgement = judge_page(&page, &known(&[("a", version(1, 5))], &[]), &RawLookup::default());
        assert_eq!((judgement.report.unchanged, judgement.rows.len()), (1, 0));
    }

    #[test]
    fn a_row_superseded_within_its_page_leaves_no_count() {
        let page = page(vec![row("a", "1", version(1, 5)), row("b", "2", version(9, 5)), row("a", "1", version(2, 6))]);
        let judgement = judge_page(&page, &KnownVersions::default(), &RawLookup::default());
        assert_eq!(counts(&judgement), [(2, 1), (9, 1)]);
        assert_eq!(judgement.rows, [0, 1, 2]);
        assert_eq!((judgement.report.new, judgement.report.changed, judgement.report.doubled), (2, 1, 0));
    }

    #[test]
    fn of_two_rows_with_one_key_and_time_the_greater_id_counts() {
        for (first, second, cell) in [("1", "2", 2), ("2", "1", 1)] {
            let page = page(vec![row("a", first, version(1, 5)), row("a", second, version(2, 5))]);
            let judgement = judge_page(&page, &KnownVersions::default(), &RawLookup::default());
            assert_eq!(counts(&judgement), [(cell, 1)], "{first}, {second}");
            assert_eq!((judgement.report.doubled, judgement.doubled_key), (1, Some("a")));
            assert!(judgement.pending.is_empty());
        }
    }

    #[test]
    fn a_tie_with_a_landed_row_is_decided_by_the_raw_rows() {
        let page = page(vec![row("a", "3", version(2, 5))]);
        let known = known(&[("a", version(1, 5))], &[]);
        assert!(!judge_page(&page, &known, &RawLookup::default()).pending.is_empty());
        for (holder, changed, stale) in [("2", 1, 0), ("3", 1, 0), ("4", 0, 1)] {
            let holder_by_key = HashMap::from([("a".to_owned(), holder.to_owned())]);
            let judgement = judge_page(&page, &known, &RawLookup { holder_by_key, ..RawLookup::default() });
            assert_eq!((judgement.report.changed, judgement.report.stale), (changed, stale), "held by {holder}");
            assert!(judgement.pending.is_empty());
        }
    }

    #[test]
    fn a_reject_lands_once_and_again_when_it_says_something_else() {
        let original = reject(Some("7"), "{}", Some(5));
        for (content, markers) in [(1, 0), (2, 1)] {
            let rejected = vec![RejectedRow { reject: &original, identity: "7".to_owned(), content: [content; 16] }];
            let page = PageRows { rejected, published: 1, latest_stamp: NOW, ..PageRows::default() };
            let page = PageRows { cursor_stamp: Some(0), ..page };
            let judgement = judge_page(&page, &known(&[], &[("7", 1)]), &RawLookup::default());
            assert_eq!(judgement.report.rejected, 1);
            assert_eq!((judgement.markers.len(), judgement.ledger.rejects.len()), (markers, markers), "{content}");
        }
    }

    #[test]
    fn a_reject_that_becomes_usable_is_closed_whether_or_not_it_is_new() {
        let rejects = [("7", 1)];
        // It has another key now, or the key that it would have had: either way the reject is gone.
        for (keys, rows, markers) in [(vec![], 1, 0), (vec![("a", version(1, 5))], 0, 1)] {
            let page = page(vec![row("a", "7", version(1, 5))]);
            let judgement = judge_page(&page, &known(&keys, &rejects), &RawLookup::default());
            assert_eq!((judgement.rows.len(), judgement.markers.len()), (rows, markers));
            let [change] = judgement.ledger.rejects.as_slice() else { panic!("one change") };
            assert!(change.closed && change.identity == "7" && change.row == 0, "{change:?}");
        }
    }

    #[test]
    fn a_row_out_of_order_is_stale_where_a_newer_reject_of_it_landed() {
        let page = PageRows { cursor_stamp: Some(50), ..page(vec![row("a", "7", version(1, 5))]) };
        let known = known(&[], &[("7", 1)]);
        assert!(!judge_page(&page, &known, &RawLookup::default()).pending.is_empty());
        for (newest, stale) in [(6, 1), (5, 0), (4, 0)] {
            let newest_by_id = HashMap::from([("7".to_owned(), newest)]);
            let judgement = judge_page(&page, &known, &RawLookup { newest_by_id, ..RawLookup::default() });
            assert_eq!((judgement.report.stale, judgement.report.new), (stale, 1 - stale), "newest {newest}");
        }
    }

    #[test]
    fn a_reject_out_of_order_is_stale_where_a_newer_version_landed() {
        let original = reject(Some("7"), "{}", Some(5));
        let rejected = vec![RejectedRow { reject: &original, identity: "7".to_owned(), content: [1; 16] }];
        let page = PageRows { rejected, published: 1, latest_stamp: NOW, ..PageRows::default() };
        for (newest, stale) in [(6, 1), (5, 0)] {
            let newest_by_id = HashMap::from([("7".to_owned(), newest)]);
            let lookup = RawLookup { newest_by_id, ..RawLookup::default() };
            let judgement = judge_page(&page, &KnownVersions::default(), &lookup);
            assert_eq!((judgement.report.stale, judgement.report.rejected), (stale, 1 - stale), "newest {newest}");
        }
    }
}
