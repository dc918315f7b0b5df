//! Commits over a store that reports wrong outcomes.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::{Arc, Mutex};

use arrow::datatypes::{DataType, Field, Schema};
use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;
use lake_model::Kind;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    ObjectStoreExt as _, PutMode, PutMultipartOptions, PutOptions, PutPayload, PutResult, RenameOptions, Result,
};

use crate::delta::log_file::{LogFile, checksum_path};
use crate::{Commit, CommitOutcome, Lake, Location, Table, TableLayout, WrittenFile};

/// The wrong reply to a creation.
#[derive(Clone, Copy, Debug)]
enum FaultyReply {
    /// Done, and then "it exists".
    DoneButExists,
    /// Done, and the reply is lost.
    DoneButLost,
    /// Not done, and "it exists": S3's conflict of two at once.
    NotDoneButExists,
    /// Not done, and an error.
    NotDone,
}

const FAULTY_REPLIES: [FaultyReply; 4] =
    [FaultyReply::DoneButExists, FaultyReply::DoneButLost, FaultyReply::NotDoneButExists, FaultyReply::NotDone];

/// A store in memory that replies wrongly about the next log entries, and may overwrite where it should create.
#[derive(Debug, Default)]
struct FaultyStore {
    inner: InMemory,
    replies: Mutex<VecDeque<FaultyReply>>,
    overwrites: bool,
}

impl std::fmt::Display for FaultyStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("FaultyStore")
    }
}

#[async_trait]
impl ObjectStore for FaultyStore {
    async fn put_opts(&self, location: &Path, payload: PutPayload, mut opts: PutOptions) -> Result<PutResult> {
        if self.overwrites {
            opts.mode = PutMode::Overwrite;
        }
        let reply = match LogFile::from_path(location) {
            Some(LogFile::Entry) => self.replies.lock().unwrap().pop_front(),
            _ => None,
        };
        let exists = || Error::AlreadyExists { path: location.to_string(), source: "a faulty reply".into() };
        let lost = || Error::Generic { store: "FaultyStore", source: "the reply is lost".into() };
        match reply {
            None => self.inner.put_opts(location, payload, opts).await,
            Some(FaultyReply::DoneButExists) => self.inner.put_opts(location, payload, opts).await.and(Err(exists())),
            Some(FaultyReply::DoneButLost) => self.inner.put_opts(location, payload, opts).await.and(Err(lost())),
            Some(FaultyReply::NotDoneButExists) => Err(exists()),
            Some(FaultyReply::NotDone) => Err(lost()),
        }
    }

    async fn put_multipart_opts(&self, location: &Path, opts: PutMultipartOptions) -> Result<Box<dyn MultipartUpload>> {
        self.inner.put_multipart_opts(location, opts).await
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.inner.get_opts(location, options).await
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        self.inner.get_ranges(location, ranges).await
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        self.inner.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.inner.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.inner.copy_opts(from, to, options).await
    }

    async fn rename_opts(&self, from: &Path, to: &Path, options: RenameOptions) -> Result<()> {
        self.inner.rename_opts(from, to, options).await
    }
}

fn layout(columns: &[&str]) -> TableLayout {
    let fields: Vec<Field> = columns.iter().map(|name| Field::new(*name, DataType::Int64, true)).collect();
    TableLayout { schema: Arc::new(Schema::new(fields)), partition_columns: Vec::new() }
}

fn location(store: &Arc<FaultyStore>) -> Location {
    let url = "memory:///".parse().expect("a URL");
    Location::in_store(Arc::clone(store) as _, url, Path::from("lake")).expect("a place")
}

/// Returns a path of the lake as its store has it.
fn in_store(path: &Path) -> Path {
    Path::from(format!("lake/{path}"))
}

async fn table(store: &Arc<FaultyStore>) -> Table {
    let table = Table::new(&location(store), "numbers").expect("a table");
    table.create_or_extend(&layout(&["n"])).await.expect("made");
    table
}

async fn file(table: &Table) -> WrittenFile {
    let snapshot = table.snapshot().await.expect("a version");
    let mut writer = table.writer(&snapshot, std::collections::HashMap::new()).expect("a writer");
    let column = Arc::new(arrow::array::Int64Array::from(vec![7])) as _;
    let rows = arrow::array::RecordBatch::try_new(Arc::clone(writer.schema()), vec![column]).expect("a row");
    writer.write(&rows).await.expect("written");
    writer.finish().await.expect("finished")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_happens_once_whatever_the_store_says_of_it() {
    for first in FAULTY_REPLIES {
        for second in FAULTY_REPLIES {
            for transaction in [None, Some(("app".to_owned(), 1))] {
                let store = Arc::new(FaultyStore::default());
                let table = table(&store).await;
                let adds = vec![file(&table).await];
                store.replies.lock().unwrap().extend([first, second]);
                let commit = Commit { operation: "TEST", adds, transaction, ..Commit::default() };
                let committed = table.commit(&commit).await;
                let case = format!("{first:?}, {second:?}, {:?}", commit.transaction);
                assert_eq!(committed.expect(&case), CommitOutcome::Version(1), "{case}");
                let snapshot = table.snapshot().await.expect("a version");
                assert_eq!((snapshot.version, snapshot.files.len()), (1, 1), "{case}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_is_made_and_gains_columns_whatever_the_store_says_of_it() {
    for reply in FAULTY_REPLIES {
        let store = Arc::new(FaultyStore::default());
        store.replies.lock().unwrap().push_back(reply);
        let table = table(&store).await;
        store.replies.lock().unwrap().push_back(reply);
        table.create_or_extend(&layout(&["n", "m"])).await.expect("gained");
        let snapshot = table.snapshot().await.expect("a version");
        assert_eq!((snapshot.version, snapshot.schema.fields().len()), (1, 2), "{reply:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_stays_away_is_not_waited_for_without_end() {
    let store = Arc::new(FaultyStore::default());
    let table = table(&store).await;
    let adds = vec![file(&table).await];
    store.replies.lock().unwrap().extend([FaultyReply::NotDone; 1_000]);
    let error = table.commit(&Commit { adds: adds.clone(), ..Commit::default() }).await.expect_err("no store");
    assert_eq!(error.kind(), Kind::Unavailable, "{error}");
    store.replies.lock().unwrap().clear();
    store.replies.lock().unwrap().extend([FaultyReply::NotDoneButExists; 1_000]);
    let error = table.commit(&Commit { adds, ..Commit::default() }).await.expect_err("never first");
    assert_eq!(error.kind(), Kind::Conflict, "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_gone_before_its_commit_is_a_conflict() {
    let store = Arc::new(FaultyStore::default());
    let table = table(&store).await;
    let written = file(&table).await;
    store.delete(&in_store(&table.folder().clone().join(written.path.as_str()))).await.expect("removed");
    let commit = Commit { adds: vec![written.clone()], ..Commit::default() };
    let error = table.commit(&commit).await.expect_err("its file is gone");
    assert_eq!(error.kind(), Kind::Conflict, "{error}");
    assert!(error.to_string().contains(&written.path), "{error}");
    assert_eq!(table.snapshot().await.expect("a version").version, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_overwrites_what_it_should_create_holds_no_lake() {
    let store = Arc::new(FaultyStore { overwrites: true, ..FaultyStore::default() });
    let error = Lake::create(location(&store)).await.expect_err("refused");
    assert_eq!(error.kind(), Kind::Invalid, "{error}");
    assert!(error.to_string().contains("If-None-Match"), "{error}");
    Lake::create(location(&Arc::new(FaultyStore::default()))).await.expect("a lake");
}

/// Returns a table in a location that counts as a local disk.
async fn local_table(store: &Arc<FaultyStore>) -> Table {
    let mut location = location(store);
    location.directory = Some("/lake".into());
    let table = Table::new(&location, "numbers").expect("a table");
    table.create_or_extend(&layout(&["n"])).await.expect("made");
    table
}

async fn is_there(table: &Table, path: &str) -> bool {
    table.contains_object(path).await.expect("an answer")
}

/// Ends when the file is gone.
async fn wait_until_removed(table: &Table, path: &str) {
    while is_there(table, path).await {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_no_commit_can_name_any_more_goes() {
    let store = Arc::new(FaultyStore::default());
    let table = local_table(&store).await;
    let written = file(&table).await;
    let path = written.path.clone();
    assert!(is_there(&table, &path).await);
    drop(written);
    wait_until_removed(&table, &path).await;

    let commit = Commit { adds: vec![file(&table).await], ..Commit::default() };
    let path = commit.adds[0].path.clone();
    store.replies.lock().unwrap().extend([FaultyReply::NotDone; 1_000]);
    table.commit(&commit).await.expect_err("no room");
    store.replies.lock().unwrap().clear();
    drop(commit);
    wait_until_removed(&table, &path).await;

    let once = |written| Commit { adds: vec![written], transaction: Some(("app".to_owned(), 1)), ..Commit::default() };
    let (first, second) = (once(file(&table).await), once(file(&table).await));
    let (stays, path) = (first.adds[0].path.clone(), second.adds[0].path.clone());
    assert_eq!(table.commit(&first).await.expect("committed"), CommitOutcome::Version(1));
    assert_eq!(table.commit(&second).await.expect("known"), CommitOutcome::AlreadyCommitted);
    drop((first, second));
    wait_until_removed(&table, &path).await;
    assert!(is_there(&table, &stays).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_a_commit_may_name_stays() {
    for first in FAULTY_REPLIES {
        let store = Arc::new(FaultyStore::default());
        let table = local_table(&store).await;
        let commit = Commit { adds: vec![file(&table).await], ..Commit::default() };
        let path = commit.adds[0].path.clone();
        store.replies.lock().unwrap().push_back(first);
        table.commit(&commit).await.expect("committed");
        drop(commit);
        crate::wait_for_cleanup().await;
        assert!(is_there(&table, &path).await, "{first:?}");
    }
    // A remote store may still execute earlier requests.
    let store = Arc::new(FaultyStore::default());
    let table = table(&store).await;
    let commit = Commit { adds: vec![file(&table).await], ..Commit::default() };
    let path = commit.adds[0].path.clone();
    store.replies.lock().unwrap().extend([FaultyReply::NotDone; 1_000]);
    table.commit(&commit).await.expect_err("no answer");
    drop(commit);
    crate::wait_for_cleanup().await;
    assert!(is_there(&table, &path).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_checkpoint_is_whole_in_its_own_place_only() {
    let store = Arc::new(FaultyStore::default());
    let table = table(&store).await;
    for _ in 0..2 {
        table.commit(&Commit { adds: vec![file(&table).await], ..Commit::default() }).await.expect("committed");
    }
    table.write_checkpoint(1).await.expect("a checkpoint");
    table.write_checkpoint(2).await.expect("a checkpoint");
    let fresh = || Table::new(&location(&store), "numbers").expect("a table");
    fresh().snapshot().await.expect("whole");
    let at = |version: u64| table.folder().clone().join("_delta_log").join(format!("{version:020}.checkpoint.parquet"));
    for (from, to) in [(at(1), at(2)), (checksum_path(&at(1)), checksum_path(&at(2)))] {
        store.copy(&in_store(&from), &in_store(&to)).await.expect("copied");
    }
    let error = fresh().snapshot().await.expect_err("another checkpoint");
    assert_eq!(error.kind(), Kind::Data, "{error}");
    assert!(error.to_string().contains("2.checkpoint.parquet"), "{error}");
}
