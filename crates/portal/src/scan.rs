//! A scan: page after page in `(:updated_at, :id)` order, the next one fetched while this one lands.

use std::sync::Arc;

use lake_model::{Error, Kind, Result, parse_wall_clock};
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

use crate::decode::{Decoder, Page};
use crate::soda::Soda;

/// The last row seen, in the portal's total order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor {
    /// Its `:updated_at`, as published.
    pub updated_at: String,
    /// Its `:id`.
    pub id: String,
}

/// How to scan.
#[derive(Clone, Debug)]
pub struct ScanOptions {
    /// Rows a page.
    pub page_size: usize,
    /// Pages at most.
    pub max_pages: Option<usize>,
    /// Where to go on; from the beginning if none.
    pub after: Option<Cursor>,
    /// What to ask of each row, as SoQL; all of it if none. `:id` and `:updated_at` must be among it.
    pub select: Option<String>,
    /// Which rows, as SoQL; all if none.
    pub within: Option<String>,
    /// The scan ends with the page that reaches beyond this `:updated_at`. Without it, a source that changes faster
    /// than it is read is followed for as long as it does.
    pub until: Option<String>,
}

impl ScanOptions {
    /// A scan of everything from the beginning.
    pub fn whole(page_size: usize) -> Self {
        Self { page_size, max_pages: None, after: None, select: None, within: None, until: None }
    }
}

/// What one page is asked for.
#[derive(Clone, Copy, Debug)]
pub struct PageRequest<'a> {
    /// What of each row, as SoQL; all of it if none.
    pub select: Option<&'a str>,
    /// Which rows, as SoQL; all if none.
    pub filter: Option<&'a str>,
    /// How many rows at most.
    pub limit: usize,
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
const MOST_TIED: usize = 3_200_000;

/// A text as a SoQL literal.
pub(crate) fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// Whether one `:updated_at` lies after another, however they are written.
pub fn is_later(one: &str, other: &str) -> bool {
    match (parse_wall_clock(one), parse_wall_clock(other)) {
        (Some(one), Some(other)) => one > other,
        _ => one > other,
    }
}

/// What comes after the cursor: the rows above it in the total order.
fn above(cursor: &Cursor) -> String {
    let at = quoted(&cursor.updated_at);
    format!(":updated_at > {at} OR (:updated_at = {at} AND :id > {})", quoted(&cursor.id))
}

impl Scan {
    /// Begins a scan; pages come from [`Scan::next`] until it returns `None`.
    pub fn begin(soda: Soda, decoder: Arc<Decoder>, options: ScanOptions) -> Self {
        let (sender, pages) = mpsc::channel(1);
        let task = tokio::spawn(async move {
            let mut walk = Walk {
                soda,
                decoder,
                limit: options.page_size,
                cursor: options.after,
                select: options.select,
                within: options.within,
                by_id: true,
            };
            let mut left = options.max_pages.unwrap_or(usize::MAX);
            // A page is fetched when the one before has been taken to land: two are in memory, not three.
            while left > 0
                && let Ok(place) = sender.reserve().await
            {
                left -= 1;
                match walk.next().await {
                    Ok(None) => break,
                    Ok(Some(page)) => {
                        let beyond = page.cursor.as_ref().zip(options.until.as_ref());
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

    /// The next page; `None` when the portal has no more.
    pub async fn next(&mut self) -> Option<Result<Page>> {
        self.pages.recv().await
    }
}

struct Walk {
    soda: Soda,
    decoder: Arc<Decoder>,
    limit: usize,
    cursor: Option<Cursor>,
    select: Option<String>,
    within: Option<String>,
    /// Whether the portal compares `:id`.
    by_id: bool,
}

impl Walk {
    async fn page(&self, above: Option<&str>, limit: usize) -> Result<Page> {
        let both;
        let filter = match (self.within.as_deref(), above) {
            (Some(within), Some(above)) => {
                both = format!("({within}) AND ({above})");
                Some(both.as_str())
            }
            (within, above) => above.or(within),
        };
        self.soda.page(&self.decoder, &PageRequest { select: self.select.as_deref(), filter, limit }).await
    }

    /// A page is the last one only when it is empty: a short page may be a portal's own lower limit.
    async fn next(&mut self) -> Result<Option<Page>> {
        if self.by_id {
            let filter = self.cursor.as_ref().map(above);
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

    fn advance(&mut self, page: Page) -> Result<Option<Page>> {
        if page.published == 0 {
            return Ok(None);
        }
        let Some(cursor) = page.cursor.clone() else {
            return Err(Error::new(
                Kind::Unavailable,
                "the portal's rows lack `:id` and `:updated_at`; it does not answer `$select=:*,*` as SODA does",
            ));
        };
        if self.cursor.as_ref() == Some(&cursor) {
            return Err(Error::new(Kind::Unavailable, "the portal served the same page again; it ignores `$where`"));
        }
        self.cursor = Some(cursor);
        Ok(Some(page))
    }

    /// Without comparing `:id`: from the last `:updated_at` inclusively. Rows seen before land nothing. A tie that
    /// fills a whole page is read again with a larger page until what follows it comes into sight.
    async fn next_by_time(&mut self) -> Result<Option<Page>> {
        let Some(cursor) = self.cursor.clone() else {
            let page = self.page(None, self.limit).await?;
            return self.advance(page);
        };
        let filter = format!(":updated_at >= {}", quoted(&cursor.updated_at));
        let mut limit = self.limit;
        loop {
            let page = self.page(Some(&filter), limit).await?;
            let moved = page.cursor.as_ref().is_some_and(|c| c.updated_at != cursor.updated_at);
            if moved {
                self.cursor.clone_from(&page.cursor);
                return Ok(Some(page));
            }
            if page.published < limit {
                // The tie is whole and nothing follows. Its rows beyond the cursor are new to this scan.
                if page.cursor.is_none() || page.cursor == self.cursor {
                    return Ok(None);
                }
                self.cursor.clone_from(&page.cursor);
                return Ok(Some(page));
            }
            limit *= 2;
            if limit > MOST_TIED {
                return Err(Error::new(
                    Kind::Exhausted,
                    format!(
                        "more than {MOST_TIED} rows share :updated_at {} and the portal does not compare :id",
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
