//! A scan: page after page in `(:updated_at, :id)` order, the next one fetched while this one lands.

use std::sync::Arc;

use lake_model::{Cursor, Error, Kind, Result, one_line};
use tokio::sync::mpsc;

use crate::decode::decoder::Decoder;
use crate::decode::page::Page;
use crate::soda::client::{PageRequest, SodaClient};
use crate::soda::stamps::parse_stamp;

/// How to scan.
#[derive(Clone, Debug)]
pub struct ScanOptions {
    /// Rows a page.
    pub page_size: usize,
    /// Pages at most.
    pub max_pages: Option<usize>,
    /// The position at which to continue; from the beginning if none.
    pub after: Option<Cursor>,
    /// The columns to request of each row, as SoQL; all if none. `:id` and `:updated_at` must be among them.
    pub select: Option<String>,
    /// Which rows, as SoQL; all if none.
    pub within: Option<String>,
    /// The scan ends with the page that reaches beyond this `:updated_at`. Without it, the scan of a source that
    /// changes faster than it is read does not end.
    pub until: Option<String>,
}

impl ScanOptions {
    /// Returns a scan of everything from the beginning.
    pub fn whole(page_size: usize) -> Self {
        Self { page_size, max_pages: None, after: None, select: None, within: None, until: None }
    }
}

/// Pages as they come.
#[derive(Debug)]
pub struct Scan {
    pages: mpsc::Receiver<Result<Page>>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Scan {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// The most rows one request may ask for when a tie of `:updated_at` has to fit into one page.
const MAX_TIED_ROWS: usize = 3_200_000;

/// Returns a text as a SoQL literal.
pub(crate) fn soql_literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// Returns whether one `:updated_at` is after another, however they are written.
pub fn is_later(one: &str, other: &str) -> bool {
    match (parse_stamp(one), parse_stamp(other)) {
        (Some(one), Some(other)) => one > other,
        _ => one > other,
    }
}

/// Returns whether changes cannot come after a cursor: it is after `latest_stamp`, the portal's present, or is not a
/// time.
pub fn is_stuck_cursor(cursor: &Cursor, latest_stamp: i64) -> bool {
    parse_stamp(&cursor.updated_at).is_none_or(|at| at > latest_stamp)
}

/// Describes the fault of a cursor that [`is_stuck_cursor`], and its remedy.
pub fn describe_stuck_cursor(resource: &str, cursor: &Cursor) -> String {
    let stamp = one_line(&cursor.updated_at, MAX_SHOWN_CHARS);
    format!(
        "the next run of {resource} would continue after `:updated_at` {stamp}, which is in the future: changes until \
         then are not read; `hotspots-lake audit --resource {resource} --repair` reads all of it again"
    )
}

/// The most characters of a stamp that are shown.
const MAX_SHOWN_CHARS: usize = 60;

/// Returns what comes after the cursor: the rows above it in the total order.
fn filter_after(cursor: &Cursor) -> String {
    let at = soql_literal(&cursor.updated_at);
    format!(":updated_at > {at} OR (:updated_at = {at} AND :id > {})", soql_literal(&cursor.id))
}

impl Scan {
    /// Begins a scan; pages come from [`Scan::next`] until it returns `None`.
    pub fn begin(soda: SodaClient, decoder: Arc<Decoder>, options: ScanOptions) -> Self {
        let (sender, pages) = mpsc::channel(1);
        let task = tokio::spawn(async move {
            let mut walker = PageWalker {
                soda,
                decoder,
                limit: options.page_size,
                began_after: options.after.clone(),
                cursor: options.after,
                select: options.select,
                within: options.within,
                by_id: true,
                is_held: false,
                has_warned: false,
                has_ended: false,
            };
            let mut left = options.max_pages.unwrap_or(usize::MAX);
            // A page is fetched when the one before has been taken to land: two are in memory, not three.
            while left > 0
                && let Ok(place) = sender.reserve().await
            {
                left -= 1;
                match walker.next().await {
                    Ok(None) => break,
                    Ok(Some(page)) => {
                        let beyond = page.last.as_ref().zip(options.until.as_ref());
                        if beyond.is_some_and(|(cursor, until)| is_later(&cursor.updated_at, until)) {
                            left = 0;
                        }
                        place.send(Ok(page))
                    }
                    Err(error) => {
                        place.send(Err(error));
                        break;
                    }
                }
            }
        });
        Self { pages, task }
    }

    /// Returns the next page; `None` when the portal has no more.
    pub async fn next(&mut self) -> Option<Result<Page>> {
        self.pages.recv().await
    }
}

struct PageWalker {
    soda: SodaClient,
    decoder: Arc<Decoder>,
    limit: usize,
    /// Where the run before ended.
    began_after: Option<Cursor>,
    cursor: Option<Cursor>,
    select: Option<String>,
    within: Option<String>,
    /// Whether the portal compares `:id`.
    by_id: bool,
    /// Whether the next run has to begin where this one did: rows came out of order, and some may be left out.
    is_held: bool,
    /// Whether it was logged that system fields are wrong.
    has_warned: bool,
    /// Whether the page before was the last one.
    has_ended: bool,
}

impl PageWalker {
    async fn page(&self, above: Option<&str>, limit: usize) -> Result<Page> {
        let both;
        let filter = match (self.within.as_deref(), above) {
            (Some(within), Some(above)) => {
                both = format!("({within}) AND ({above})");
                Some(both.as_str())
            }
            (within, above) => above.or(within),
        };
        self.soda.fetch_page(&self.decoder, &PageRequest { select: self.select.as_deref(), filter, limit }).await
    }

    /// Returns the next page. A page is the last one only when it is empty: a short page may be a portal's own lower
    /// limit.
    async fn next(&mut self) -> Result<Option<Page>> {
        if self.has_ended {
            return Ok(None);
        }
        if self.by_id {
            let filter = self.cursor.as_ref().map(filter_after);
            match self.page(filter.as_deref(), self.limit).await {
                Ok(page) => return self.advance(page),
                Err(error) if self.cursor.is_some() && refuses_id(&error) => {
                    tracing::info!(
                        resource = self.decoder.resource().name,
                        "the portal does not compare :id, paging by :updated_at"
                    );
                    self.by_id = false;
                }
                Err(error) => return Err(error),
            }
        }
        self.next_by_time().await
    }

    fn advance(&mut self, mut page: Page) -> Result<Option<Page>> {
        if page.published == 0 {
            self.check_beginning()?;
            return Ok(None);
        }
        self.check_stamps(&mut page)?;
        let Some(last) = page.last.clone() else {
            // Rows without system fields at the end: the next page cannot be requested.
            if self.cursor.is_some() && page.published < self.limit {
                self.has_ended = true;
                return Ok(Some(page));
            }
            return Err(Error::new(
                Kind::Unavailable,
                "the portal's rows lack `:id` and `:updated_at`; it does not answer `$select=:*,*` as SODA does",
            ));
        };
        if self.cursor.as_ref() == Some(&last) {
            return Err(Error::new(Kind::Unavailable, "the portal served the same page again; it ignores `$where`"));
        }
        self.cursor = Some(last);
        Ok(Some(page))
    }

    /// Checks the cursor: a scan that begins in the future finds nothing, whatever has changed.
    fn check_beginning(&self) -> Result<()> {
        match &self.began_after {
            Some(cursor) if is_stuck_cursor(cursor, self.soda.latest_stamp()) => {
                Err(Error::new(Kind::Data, describe_stuck_cursor(&self.decoder.resource().name, cursor)))
            }
            _ => Ok(()),
        }
    }

    /// Refuses a page that may leave rows out, and logs once what is wrong with system fields.
    fn check_stamps(&mut self, page: &mut Page) -> Result<()> {
        let (resource, faults) = (&self.decoder.resource().name, &page.stamps);
        if faults.unsorted {
            let text = "the portal does not serve rows in the order of `:updated_at`, as `$order` asks";
            if page.published >= self.limit {
                return Err(Error::new(
                    Kind::Unavailable,
                    format!("{text}; after a full page, rows could be left out"),
                ));
            }
            if !self.is_held {
                tracing::warn!("{resource}: {text}; they land, and the next run reads them again");
            }
            self.is_held = true;
        }
        if self.is_held {
            page.cursor = None;
        }
        if self.has_warned || faults.future + faults.unusable == 0 {
            return Ok(());
        }
        self.has_warned = true;
        let shown = |example: &Option<String>| one_line(example.as_deref().unwrap_or("none"), MAX_SHOWN_CHARS);
        if faults.future > 0 {
            let (rows, example) = (faults.future, shown(&faults.future_example));
            tracing::warn!(
                "{resource}: `:updated_at` of {rows} rows is in the future, such as {example}: they land, count as undated \
                 versions, and are read again by every run until the portal corrects them"
            );
        }
        if faults.unusable > 0 {
            let (rows, example) = (faults.unusable, shown(&faults.unusable_example));
            tracing::warn!(
                "{resource}: {rows} rows have no `:id`, or an `:updated_at` that is not a time ({example}): they land, but \
                 whether they change is seen by `ingest --full` only"
            );
        }
        Ok(())
    }

    /// Fetches the next page without comparing `:id`: from the last `:updated_at` inclusively. Rows seen before land
    /// nothing. If a tie fills a complete page, it is read again with a larger page, until the row after it is
    /// included.
    async fn next_by_time(&mut self) -> Result<Option<Page>> {
        let Some(cursor) = self.cursor.clone() else {
            let page = self.page(None, self.limit).await?;
            return self.advance(page);
        };
        let filter = format!(":updated_at >= {}", soql_literal(&cursor.updated_at));
        let mut limit = self.limit;
        loop {
            let mut page = self.page(Some(&filter), limit).await?;
            self.check_stamps(&mut page)?;
            let moved = page.last.as_ref().is_some_and(|c| c.updated_at != cursor.updated_at);
            if moved {
                self.cursor.clone_from(&page.last);
                return Ok(Some(page));
            }
            if page.published < limit {
                // The tie is complete and nothing follows. Its rows beyond the cursor are new to this scan.
                if page.last.is_none() || page.last == self.cursor {
                    self.check_beginning()?;
                    return Ok(None);
                }
                self.cursor.clone_from(&page.last);
                return Ok(Some(page));
            }
            limit *= 2;
            if limit > MAX_TIED_ROWS {
                return Err(Error::new(
                    Kind::Exhausted,
                    format!(
                        "more than {MAX_TIED_ROWS} rows share :updated_at {} and the portal does not compare :id",
                        cursor.updated_at
                    ),
                ));
            }
        }
    }
}

fn refuses_id(error: &Error) -> bool {
    error.kind() == Kind::Invalid && (error.message().contains(":id") || error.message().contains("type-mismatch"))
}
