//! A portal that a test can start, fill with published rows, and run the program against.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::mpsc;
use std::thread::{self, JoinHandle};

use lake_soda_sim::{Column, Portal, SodaType};
use tokio::sync::oneshot;

use crate::{Row, Source};

/// How many rows share one `:updated_at`, so that a page ends among equals.
const TIED: usize = 700;

/// From one stamp to the next, in milliseconds.
const STEP_MS: i64 = 1000;

/// A portal served on a thread and runtime of its own; stopped when dropped.
pub struct PortalThread {
    url: String,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl PortalThread {
    /// Serves the portal on a free port; the test keeps its clone to edit rows and queue faults.
    ///
    /// # Panics
    /// When it cannot be served.
    #[must_use]
    pub fn start(portal: &Portal) -> Self {
        let portal = portal.clone();
        let (say, said) = mpsc::channel();
        let (stop, stopped) = oneshot::channel();
        let thread = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_multi_thread()
                .worker_threads(1)
                .enable_all()
                .build()
                .expect("a runtime can be made");
            runtime.block_on(async move {
                let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
                let serving = portal.serve(any).await.expect("a free port can be listened on");
                say.send(serving.url()).expect("the test waits for the address");
                // Whether asked or left alone, the portal ends.
                drop(stopped.await);
                serving.stop().await;
            });
        });
        let url = said.recv().expect("the portal reports its address");
        Self { url, stop: Some(stop), thread: Some(thread) }
    }

    /// Returns its base URL, for `--portal`.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Stops serving and waits until that is done, as a portal that is down.
    pub fn stop(mut self) {
        self.end();
    }

    fn end(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

impl Drop for PortalThread {
    fn drop(&mut self) {
        self.end();
    }
}

/// Makes the dataset of a source known to the portal; one that is known keeps its rows and gets
/// the columns it lacks.
///
/// # Panics
/// When a column has a type no portal has.
pub fn declare(portal: &Portal, source: &Source) {
    let id = &source.dataset_id;
    let mut columns = portal.columns(id);
    let known = !columns.is_empty();
    for (name, kind) in &source.columns {
        if columns.iter().all(|column| column.name != *name) {
            let kind = SodaType::from_metadata_name(kind);
            columns.push(Column::new(name, kind.expect("a column has a type that portals have")));
        }
    }
    if known {
        portal.set_columns(id, columns);
    } else {
        portal.add_dataset(id, &source.name, columns);
    }
}

/// Inserts rows with many ties: each 700 share a stamp, the next 700 have one a second later.
/// Returns the first stamp not used.
pub fn insert_rows(portal: &Portal, dataset: &str, rows: &[Row], at_ms: i64) -> i64 {
    let mut stamp = at_ms;
    for tied in rows.chunks(TIED) {
        portal.insert(dataset, tied.to_vec(), stamp);
        stamp += STEP_MS;
    }
    stamp
}

/// Declares a source's dataset and adds its rows to the existing ones, with many ties on `:updated_at`. Returns the
/// first unused stamp.
///
/// # Panics
/// When a column has a type no portal has.
pub fn load_into(portal: &Portal, source: &Source, at_ms: i64) -> i64 {
    declare(portal, source);
    insert_rows(portal, &source.dataset_id, &source.rows, at_ms)
}

/// Publishes a source as a full reload does: its rows replace those with the same key, new ones come, others go, and
/// all are stamped again. Returns the first unused stamp.
///
/// # Panics
/// When a row of the source has no key.
pub fn republish(portal: &Portal, source: &Source, at_ms: i64) -> i64 {
    declare(portal, source);
    let dataset = &source.dataset_id;
    let key = |row: &Row| row.get(&source.roles.key).map(ToString::to_string);
    let mut published: BTreeMap<String, &Row> = BTreeMap::new();
    for row in &source.rows {
        published.insert(key(row).expect("a row of a full reload has its key"), row);
    }
    let stays = |row: &Row| key(row).is_some_and(|key| published.contains_key(&key));
    portal.delete_where(dataset, |row| !stays(row));
    let there: BTreeSet<String> = portal.rows(dataset).iter().filter_map(key).collect();
    portal.restamp(dataset, at_ms, |row| {
        if let Some(&now) = key(row).and_then(|key| published.get(&key)) {
            row.clone_from(now);
        }
    });
    let new: Vec<Row> =
        source.rows.iter().filter(|row| key(row).is_none_or(|key| !there.contains(&key))).cloned().collect();
    insert_rows(portal, dataset, &new, at_ms + STEP_MS)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use lake_soda_sim::Portal;
    use serde_json::{Value, json};

    use super::{PortalThread, load_into, republish};
    use crate::{Place, Roles, Row, Source};

    fn source(ids: std::ops::Range<u32>, kind: &str) -> Source {
        let row = |id: u32| json!({"id": id.to_string(), "kind": kind}).as_object().cloned();
        Source {
            name: "made up".to_owned(),
            dataset_id: "abcd-1234".to_owned(),
            rows: ids.map(|id| row(id).expect("a row is an object")).collect(),
            columns: vec![("id".into(), "number".into()), ("kind".into(), "text".into())],
            roles: Roles::new("id", "at", Place::point(&["point"]), "kind", None),
        }
    }

    async fn served(url: &str) -> Vec<Row> {
        let page = format!("{url}/resource/abcd-1234.json?$select=:*,*&$order=:updated_at,:id&$limit=5000");
        let body = reqwest::get(page).await.unwrap().text().await.unwrap();
        serde_json::from_str(&body).unwrap_or_else(|error| panic!("{error}: {body}"))
    }

    fn texts(rows: &[Row], field: &str) -> BTreeSet<String> {
        rows.iter().filter_map(|row| row.get(field).and_then(Value::as_str)).map(Into::into).collect()
    }

    #[tokio::test]
    async fn a_loaded_source_is_served_whole_with_ties_on_its_stamps() {
        let portal = Portal::new();
        let next = load_into(&portal, &source(0..1500, "a"), 1_600_000_000_000);
        assert_eq!(next, 1_600_000_003_000);
        let thread = PortalThread::start(&portal);
        let rows = served(thread.url()).await;
        assert_eq!(rows.len(), 1500);
        assert_eq!(texts(&rows, "id").len(), 1500);
        assert_eq!(texts(&rows, ":updated_at").len(), 3);
        thread.stop();
    }

    #[tokio::test]
    async fn a_republished_source_corrects_adds_and_removes() {
        let portal = Portal::new();
        let next = load_into(&portal, &source(0..10, "a"), 1_600_000_000_000);
        republish(&portal, &source(5..12, "b"), next);
        let thread = PortalThread::start(&portal);
        let rows = served(thread.url()).await;
        assert_eq!(texts(&rows, "id"), (5..12).map(|id| id.to_string()).collect());
        assert_eq!(texts(&rows, "kind"), ["b".to_owned()].into());
        assert_eq!(rows.len(), 7);
    }

    #[test]
    fn a_test_without_a_runtime_can_start_a_portal_and_take_it_down() {
        let thread = PortalThread::start(&Portal::new());
        let address = thread.url().trim_start_matches("http://").to_owned();
        assert!(std::net::TcpStream::connect(&address).is_ok());
        thread.stop();
        assert!(std::net::TcpStream::connect(&address).is_err());
    }
}
