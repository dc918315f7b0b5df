//! The portal: datasets, settings, faults and a log, behind locks so that tests and the server
//! can share it.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::{Mutex, MutexGuard, RwLock, RwLockReadGuard, RwLockWriteGuard};
use serde_json::{Map, Value};

use crate::dataset::Dataset;
use crate::fault::Fault;
use crate::ids;
use crate::log::Request;
use crate::render;
use crate::types::Column;

/// A callback run after a data page; see [`Portal::on_page`].
type Hook = Box<dyn FnMut(u64, &Portal) + Send>;

/// A portal. Clones share one state.
#[derive(Clone)]
pub struct Portal(Arc<State>);

struct State {
    datasets: RwLock<BTreeMap<String, Dataset>>,
    settings: Mutex<Settings>,
    faults: Mutex<VecDeque<Fault>>,
    log: Mutex<Vec<Request>>,
    hook: Mutex<Option<Hook>>,
    pages: AtomicU64,
    serial: AtomicU64,
}

/// The settings of a portal.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    pub(crate) token: Option<String>,
    pub(crate) max_limit: u64,
    pub(crate) gzip: bool,
    pub(crate) tells_modified: bool,
    pub(crate) clock_ms: Option<i64>,
}

impl Default for Portal {
    fn default() -> Portal {
        Portal::new()
    }
}

impl Portal {
    /// Creates a portal without datasets.
    pub fn new() -> Portal {
        Portal(Arc::new(State {
            datasets: RwLock::default(),
            settings: Mutex::new(Settings {
                token: None,
                max_limit: 50_000,
                gzip: true,
                tells_modified: true,
                clock_ms: None,
            }),
            faults: Mutex::default(),
            log: Mutex::default(),
            hook: Mutex::default(),
            pages: AtomicU64::new(0),
            serial: AtomicU64::new(0),
        }))
    }

    /// Adds an empty dataset, in place of any with that id.
    pub fn add_dataset(&self, id: &str, name: &str, columns: Vec<Column>) {
        self.write().insert(id.to_owned(), Dataset::new(id, name, columns));
    }

    /// Takes a dataset away, as a portal retires one.
    pub fn remove_dataset(&self, id: &str) -> bool {
        self.write().remove(id).is_some()
    }

    /// Publishes other columns: values of columns that are gone are gone, new ones are null.
    pub fn set_columns(&self, dataset: &str, columns: Vec<Column>) {
        self.edit(dataset, |data| data.set_columns(columns));
    }

    /// Returns the columns of a dataset, in order; empty for an unknown one.
    pub fn columns(&self, dataset: &str) -> Vec<Column> {
        self.read().get(dataset).map(|data| data.columns.clone()).unwrap_or_default()
    }

    /// Inserts rows as published, without system fields, and returns their `:id`s in order.
    ///
    /// `at_ms` becomes `:created_at` and `:updated_at`, in milliseconds since 1970 UTC. Nulls are
    /// dropped; a key no column has becomes a column of the type its value looks like. Rows of an
    /// unknown dataset are dropped and give no ids.
    pub fn insert(&self, dataset: &str, rows: Vec<Map<String, Value>>, at_ms: i64) -> Vec<String> {
        self.edit(dataset, |data| rows.into_iter().map(|row| ids::string(data.insert(row, at_ms))).collect())
            .unwrap_or_default()
    }

    /// Inserts rows that are rendered already: text, where computed regions begin, stamp.
    pub(crate) fn insert_rendered(&self, dataset: &str, rows: impl Iterator<Item = (Box<str>, usize, i64)>) {
        self.edit(dataset, |data| data.insert_rendered(rows));
    }

    /// Changes the row with that `:id`; `false` if there is none.
    pub fn update(&self, dataset: &str, row_id: &str, patch: impl FnOnce(&mut Map<String, Value>), at_ms: i64) -> bool {
        let mut patch = Some(patch);
        self.edit(dataset, |data| {
            let Some(key) = data.key_of(row_id) else {
                return false;
            };
            data.patch(&[key], at_ms, |row| {
                if let Some(patch) = patch.take() {
                    patch(row);
                }
            }) == 1
        })
        .unwrap_or(false)
    }

    /// Changes the rows for which the predicate holds, and returns how many. The predicate and the patch see published
    /// fields, without system fields.
    pub fn update_where(
        &self,
        dataset: &str,
        pred: impl Fn(&Map<String, Value>) -> bool,
        patch: impl Fn(&mut Map<String, Value>),
        at_ms: i64,
    ) -> usize {
        self.edit(dataset, |data| {
            let keys = data.keys_where(pred);
            data.patch(&keys, at_ms, patch)
        })
        .unwrap_or(0)
    }

    /// Deletes the rows for which the predicate holds, without a trace, and returns how many.
    pub fn delete_where(&self, dataset: &str, pred: impl Fn(&Map<String, Value>) -> bool) -> usize {
        self.edit(dataset, |data| {
            let keys = data.keys_where(pred);
            data.remove(&keys);
            keys.len()
        })
        .unwrap_or(0)
    }

    /// Publishes all rows of the dataset again: every row is patched and gets the new `:updated_at`.
    pub fn restamp(&self, dataset: &str, at_ms: i64, patch: impl Fn(&mut Map<String, Value>)) {
        self.edit(dataset, |data| {
            let keys = data.all_keys();
            data.patch(&keys, at_ms, patch)
        });
    }

    /// Returns the rows with their system fields, by `:updated_at` and `:id`.
    pub fn rows(&self, dataset: &str) -> Vec<Map<String, Value>> {
        let datasets = self.read();
        let Some(data) = datasets.get(dataset) else {
            return Vec::new();
        };
        let texts = data.texts();
        data.rows
            .iter()
            .map(|(key, row)| {
                let mut fields = render::system_fields(*key, row);
                fields.extend(render::fields(texts.text(row)));
                fields
            })
            .collect()
    }

    /// Returns the number of rows in a dataset.
    pub fn row_count(&self, dataset: &str) -> usize {
        self.read().get(dataset).map_or(0, |data| data.rows.len())
    }

    /// Sets the only valid token. Any other is then rejected with 403; a request without a token is accepted.
    pub fn set_token(&self, token: Option<&str>) {
        self.lock_settings().token = token.map(str::to_owned);
    }

    /// Sets the greatest `$limit`, 50,000 by default.
    pub fn set_max_limit(&self, rows: u64) {
        self.lock_settings().max_limit = rows;
    }

    /// Sets whether answers are compressed for clients that accept it; they are by default.
    pub fn set_gzip(&self, gzip: bool) {
        self.lock_settings().gzip = gzip;
    }

    /// Sets whether answers declare when the dataset was modified; they do by default.
    pub fn set_tells_modified(&self, tells: bool) {
        self.lock_settings().tells_modified = tells;
    }

    /// Sets the portal's current time, in milliseconds since 1970 UTC, as in its `Date` header. By default, it is the
    /// later of the machine's clock and the newest stamp that was published.
    pub fn set_clock(&self, at_ms: i64) {
        self.lock_settings().clock_ms = Some(at_ms);
    }

    /// Returns the second of the `Date` header.
    pub(crate) fn now_s(&self) -> i64 {
        let published = || self.read().values().map(|data| data.modified_ms).max().unwrap_or(0);
        let set = self.settings().clock_ms;
        set.unwrap_or_else(|| chrono::Utc::now().timestamp_millis().max(published())).div_euclid(1_000)
    }

    /// Makes a dataset refuse `<`, `>`, `<=` and `>=` on `:id` with a type mismatch.
    pub fn refuse_id_comparison(&self, dataset: &str, refuse: bool) {
        self.edit(dataset, |data| data.refuse_id_comparison = refuse);
    }

    /// Queues faults; every data request consumes one.
    pub fn push_faults(&self, faults: impl IntoIterator<Item = Fault>) {
        self.0.faults.lock().extend(faults);
    }

    /// Returns the number of queued faults that have not been consumed.
    pub fn faults_left(&self) -> usize {
        self.0.faults.lock().len()
    }

    /// Returns the requests so far.
    pub fn requests(&self) -> Vec<Request> {
        self.0.log.lock().clone()
    }

    /// Forgets the requests so far.
    pub fn clear_requests(&self) {
        self.0.log.lock().clear();
    }

    /// Runs a callback after every data page that was answered with 200, with the number of the
    /// page counted from 1 since this call. The page is complete when it runs, so what it edits
    /// is seen from the next page on. It must not call `on_page` itself.
    pub fn on_page(&self, hook: impl FnMut(u64, &Portal) + Send + 'static) {
        let mut slot = self.0.hook.lock();
        self.0.pages.store(0, Ordering::Relaxed);
        *slot = Some(Box::new(hook));
    }

    pub(crate) fn read(&self) -> RwLockReadGuard<'_, BTreeMap<String, Dataset>> {
        self.0.datasets.read()
    }

    fn write(&self) -> RwLockWriteGuard<'_, BTreeMap<String, Dataset>> {
        self.0.datasets.write()
    }

    fn edit<T>(&self, dataset: &str, change: impl FnOnce(&mut Dataset) -> T) -> Option<T> {
        self.write().get_mut(dataset).map(change)
    }

    fn lock_settings(&self) -> MutexGuard<'_, Settings> {
        self.0.settings.lock()
    }

    pub(crate) fn settings(&self) -> Settings {
        self.lock_settings().clone()
    }

    pub(crate) fn next_fault(&self) -> Fault {
        self.0.faults.lock().pop_front().unwrap_or(Fault::None)
    }

    pub(crate) fn next_serial(&self) -> u64 {
        self.0.serial.fetch_add(1, Ordering::Relaxed)
    }

    pub(crate) fn record(&self, request: Request) {
        self.0.log.lock().push(request);
    }

    pub(crate) fn page_served(&self) {
        let mut slot = self.0.hook.lock();
        let number = self.0.pages.fetch_add(1, Ordering::Relaxed) + 1;
        if let Some(hook) = slot.as_mut() {
            hook(number, self);
        }
    }
}
