//! Commits over a store that lies about what it did.

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

use crate::log_file::LogFile;
use crate::{Commit, Committed, Lake, Layout, Location, Table, Written};

/// What is said of a creation instead of the truth.
#[derive(Clone, Copy, Debug)]
enum Lie {
    /// Done, and then "it exists".
    DoneButExists,
    /// Done, and the reply is lost.
    DoneButLost,
    /// Not done, and "it exists": S3's conflict of two at once.
    NotDoneButExists,
    /// Not done, and an error.
    NotDone,
}

const LIES: [Lie; 4] = [Lie::DoneButExists, Lie::DoneButLost, Lie::NotDoneButExists, Lie::NotDone];

/// A store in memory that lies about the next log entries, and may overwrite where it should create.
#[derive(Debug, Default)]
struct Liar {
    inner: InMemory,
    lies: Mutex<VecDeque<Lie>>,
    overwrites: bool,
}

impl std::fmt::Display for Liar {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Liar")
    }
}

#[async_trait]
impl ObjectStore for Liar {
    async fn put_opts(&self, location: &Path, payload: PutPayload, mut opts: PutOptions) -> Result<PutResult> {
        if self.overwrites {
            opts.mode = PutMode::Overwrite;
        }
        let lie = match LogFile::of(location) {
            Some(LogFile::Entry) => self.lies.lock().unwrap().pop_front(),
            _ => None,
        };
        let exists = || Error::AlreadyExists { path: location.to_string(), source: "a lie".into() };
        let lost = || Error::Generic { store: "Liar", source: "the reply is lost".into() };
        match lie {
            None => self.inner.put_opts(location, payload, opts).await,
            Some(Lie::DoneButExists) => self.inner.put_opts(location, payload, opts).await.and(Err(exists())),
            Some(Lie::DoneButLost) => self.inner.put_opts(location, payload, opts).await.and(Err(lost())),
            Some(Lie::NotDoneButExists) => Err(exists()),
            Some(Lie::NotDone) => Err(lost()),
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

fn layout(columns: &[&str]) -> Layout {
    let fields: Vec<Field> = columns.iter().map(|name| Field::new(*name, DataType::Int64, true)).collect();
    Layout { schema: Arc::new(Schema::new(fields)), partition_columns: Vec::new() }
}

fn place(store: &Arc<Liar>) -> Location {
    let url = "memory:///".parse().expect("a URL");
    Location::in_store(Arc::clone(store) as _, url, Path::from("lake")).expect("a place")
}

async fn table(store: &Arc<Liar>) -> Table {
    let table = Table::at(&place(store), "numbers").expect("a table");
    table.ensure(&layout(&["n"])).await.expect("made");
    table
}

async fn file(table: &Table) -> Written {
    let snapshot = table.snapshot().await.expect("a version");
    let mut writer = table.writer(&snapshot, std::collections::HashMap::new()).expect("a writer");
    let column = Arc::new(arrow::array::Int64Array::from(vec![7])) as _;
    let rows = arrow::array::RecordBatch::try_new(Arc::clone(writer.schema()), vec![column]).expect("a row");
    writer.write(&rows).await.expect("written");
    writer.finish().await.expect("finished")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_happens_once_whatever_the_store_says_of_it() {
    for first in LIES {
        for second in LIES {
            for transaction in [None, Some(("app".to_owned(), 1))] {
                let store = Arc::new(Liar::default());
                let table = table(&store).await;
                let adds = vec![file(&table).await];
                store.lies.lock().unwrap().extend([first, second]);
                let commit = Commit { operation: "TEST", adds, transaction, ..Commit::default() };
                let committed = table.commit(&commit).await;
                let case = format!("{first:?}, {second:?}, {:?}", commit.transaction);
                assert_eq!(committed.expect(&case), Committed::Version(1), "{case}");
                let snapshot = table.snapshot().await.expect("a version");
                assert_eq!((snapshot.version, snapshot.files.len()), (1, 1), "{case}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_is_made_and_gains_columns_whatever_the_store_says_of_it() {
    for lie in LIES {
        let store = Arc::new(Liar::default());
        store.lies.lock().unwrap().push_back(lie);
        let table = table(&store).await;
        store.lies.lock().unwrap().push_back(lie);
        table.ensure(&layout(&["n", "m"])).await.expect("gained");
        let snapshot = table.snapshot().await.expect("a version");
        assert_eq!((snapshot.version, snapshot.schema.fields().len()), (1, 2), "{lie:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_stays_away_is_not_waited_for_without_end() {
    let store = Arc::new(Liar::default());
    let table = table(&store).await;
    let adds = vec![file(&table).await];
    store.lies.lock().unwrap().extend([Lie::NotDone; 1_000]);
    let error = table.commit(&Commit { adds: adds.clone(), ..Commit::default() }).await.expect_err("no store");
    assert_eq!(error.kind(), Kind::Unavailable, "{error}");
    store.lies.lock().unwrap().clear();
    store.lies.lock().unwrap().extend([Lie::NotDoneButExists; 1_000]);
    let error = table.commit(&Commit { adds, ..Commit::default() }).await.expect_err("never first");
    assert_eq!(error.kind(), Kind::Conflict, "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_gone_before_its_commit_is_a_conflict() {
    let store = Arc::new(Liar::default());
    let table = table(&store).await;
    let written = file(&table).await;
    store.delete(&table.folder().clone().join(written.path.as_str())).await.expect("removed");
    let commit = Commit { adds: vec![written.clone()], ..Commit::default() };
    let error = table.commit(&commit).await.expect_err("its file is gone");
    assert_eq!(error.kind(), Kind::Conflict, "{error}");
    assert!(error.to_string().contains(&written.path), "{error}");
    assert_eq!(table.snapshot().await.expect("a version").version, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_overwrites_what_it_should_create_holds_no_lake() {
    let store = Arc::new(Liar { overwrites: true, ..Liar::default() });
    let error = Lake::create(place(&store)).await.expect_err("refused");
    assert_eq!(error.kind(), Kind::Invalid, "{error}");
    assert!(error.to_string().contains("If-None-Match"), "{error}");
    Lake::create(place(&Arc::new(Liar::default()))).await.expect("a lake");
}
