//! An object store that fails on demand: it counts the operations that pass through it and does something to one.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::{self, BoxStream, StreamExt as _};
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, GetResultPayload, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    PutMode, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result, UploadPart,
};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

/// Returns each operation with the number of its kind before it.
pub(crate) fn numbered(ops: &[Op]) -> Vec<(Op, usize)> {
    let mut seen = BTreeMap::new();
    let number = |op: &Op| {
        let seen = seen.entry(*op).or_insert(0);
        *seen += 1;
        (*op, *seen - 1)
    };
    ops.iter().map(number).collect()
}

/// The operations of a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Op {
    Put,
    Create,
    BeginUpload,
    Part,
    Complete,
    Get,
    Head,
    GetRanges,
    List,
    ListFolders,
    Delete,
    Copy,
}

/// The fault of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Fault {
    /// An error; nothing was done.
    Error,
    /// It was done, and the reply was lost.
    LostReply,
    /// It was done, then tried again by the client, which found its own object.
    DoneThenExists,
    /// Nothing was done, and the reply is that the object exists.
    NothingThenExists,
    /// Half of what was read arrives, then an error.
    Torn,
    /// Others go first.
    Delay,
    /// An error, and everything after it as well, until the process is started again.
    Down,
    /// It was done, the reply was lost, and everything after it fails, until the process is started again.
    DoneThenDown,
}

impl Fault {
    /// Every one.
    pub(crate) const ALL: [Self; 8] = [
        Self::Error,
        Self::LostReply,
        Self::DoneThenExists,
        Self::NothingThenExists,
        Self::Torn,
        Self::Delay,
        Self::Down,
        Self::DoneThenDown,
    ];

    /// Returns whether this can happen to such an operation.
    pub(crate) fn fits(self, op: Op) -> bool {
        match self {
            Self::Error | Self::Delay | Self::Down => true,
            Self::LostReply | Self::DoneThenDown => {
                matches!(op, Op::Put | Op::Create | Op::BeginUpload | Op::Part | Op::Complete | Op::Delete | Op::Copy)
            }
            Self::DoneThenExists | Self::NothingThenExists => op == Op::Create,
            Self::Torn => matches!(op, Op::Get | Op::List),
        }
    }
}

impl Op {
    /// Returns whether it changes what is in the store.
    pub(crate) fn writes(self) -> bool {
        !matches!(self, Self::Get | Self::Head | Self::GetRanges | Self::List | Self::ListFolders)
    }
}

/// Which operation is hit, and what has passed.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    hit: Option<(Op, usize, Fault)>,
    passed: Mutex<BTreeMap<Op, usize>>,
    down: AtomicBool,
    ops: Mutex<Vec<Op>>,
    done: Mutex<BTreeSet<(Op, Fault)>>,
    jitter: Option<Mutex<StdRng>>,
    first: Mutex<Option<First>>,
}

/// Work that goes first, before an operation by its number.
struct First(usize, Box<dyn FnOnce() + Send>);

impl std::fmt::Debug for First {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "First({})", self.0)
    }
}

impl Plan {
    /// Runs other work to its end before the operation of this number, from 0, without a fault.
    pub(crate) fn behind(number: usize, work: impl FnOnce() + Send + 'static) -> Arc<Self> {
        Arc::new(Self { first: Mutex::new(Some(First(number, Box::new(work)))), ..Self::default() })
    }

    /// Counts the operations, without a fault.
    pub(crate) fn count() -> Arc<Self> {
        Arc::default()
    }

    /// Injects a fault into the `nth` operation of its kind, from 0.
    pub(crate) fn hit(op: Op, nth: usize, fault: Fault) -> Arc<Self> {
        assert!(fault.fits(op), "{fault:?} cannot happen to {op:?}");
        Arc::new(Self { hit: Some((op, nth, fault)), ..Self::default() })
    }

    /// Lets others go first at each operation, at some more than at others, without a fault.
    pub(crate) fn jitter(seed: u64) -> Arc<Self> {
        Arc::new(Self { jitter: Some(Mutex::new(StdRng::seed_from_u64(seed))), ..Self::default() })
    }

    /// Returns the operations that passed, in order.
    pub(crate) fn ops(&self) -> Vec<Op> {
        self.ops.lock().unwrap().clone()
    }

    /// Returns the operation that was hit, if one was.
    pub(crate) fn done(&self) -> Option<(Op, Fault)> {
        self.done.lock().unwrap().first().copied()
    }

    async fn pass(&self, op: Op) -> Result<Option<Fault>> {
        let before = {
            let mut passed = self.passed.lock().unwrap();
            let passed = passed.entry(op).or_insert(0);
            *passed += 1;
            *passed - 1
        };
        let number = {
            let mut ops = self.ops.lock().unwrap();
            ops.push(op);
            ops.len() - 1
        };
        let first = self.first.lock().unwrap().take_if(|First(of, _)| *of == number);
        if let Some(First(_, work)) = first {
            // On a thread of its own: it has a runtime of its own.
            let (done, ended) = tokio::sync::oneshot::channel();
            std::thread::spawn(move || {
                work();
                done.send(()).unwrap();
            });
            ended.await.expect("what went first ended");
        }
        let others = self.jitter.as_ref().map_or(0, |random| random.lock().unwrap().random_range(0..8));
        for _ in 0..others {
            tokio::task::yield_now().await;
        }
        if self.down.load(Ordering::SeqCst) {
            return Err(failure("the store is down"));
        }
        let fault = self.hit.filter(|(hit, nth, _)| *hit == op && *nth == before).map(|(_, _, fault)| fault);
        let Some(fault) = fault else { return Ok(None) };
        self.done.lock().unwrap().insert((op, fault));
        match fault {
            Fault::Error => Err(failure("it did not answer")),
            Fault::Down => {
                self.down.store(true, Ordering::SeqCst);
                Err(failure("it went down"))
            }
            Fault::Delay => {
                for _ in 0..100 {
                    tokio::task::yield_now().await;
                }
                Ok(None)
            }
            other => Ok(Some(other)),
        }
    }

    /// Returns the reply to an operation that was done.
    fn after<T>(&self, fault: Option<Fault>, path: &Path, done: T) -> Result<T> {
        match fault {
            Some(Fault::LostReply) => Err(failure("the reply was lost")),
            Some(Fault::DoneThenDown) => {
                self.down.store(true, Ordering::SeqCst);
                Err(failure("the reply was lost and the store went down"))
            }
            Some(Fault::DoneThenExists) => Err(exists(path)),
            _ => Ok(done),
        }
    }
}

fn failure(what: &'static str) -> Error {
    Error::Generic { store: "faulty", source: what.into() }
}

fn exists(path: &Path) -> Error {
    Error::AlreadyExists { path: path.to_string(), source: "412".into() }
}

/// A store behind a plan.
#[derive(Debug)]
pub(crate) struct FaultStore {
    inner: Arc<dyn ObjectStore>,
    plan: Arc<Plan>,
}

impl FaultStore {
    pub(crate) fn over(inner: Arc<dyn ObjectStore>, plan: &Arc<Plan>) -> Arc<dyn ObjectStore> {
        Arc::new(Self { inner, plan: Arc::clone(plan) })
    }
}

impl std::fmt::Display for FaultStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("FaultStore")
    }
}

/// Returns half of the items, then an error.
fn torn<T: Send + 'static>(items: Vec<Result<T>>) -> BoxStream<'static, Result<T>> {
    let half = items.len() / 2;
    let first: Vec<Result<T>> = items.into_iter().take(half).collect();
    stream::iter(first).chain(stream::once(async { Err(failure("it broke off")) })).boxed()
}

#[async_trait]
impl ObjectStore for FaultStore {
    async fn put_opts(&self, location: &Path, payload: PutPayload, opts: PutOptions) -> Result<PutResult> {
        let op = if opts.mode == PutMode::Create { Op::Create } else { Op::Put };
        let fault = self.plan.pass(op).await?;
        if fault == Some(Fault::NothingThenExists) {
            return Err(exists(location));
        }
        let done = self.inner.put_opts(location, payload, opts).await?;
        self.plan.after(fault, location, done)
    }

    async fn put_multipart_opts(&self, location: &Path, opts: PutMultipartOptions) -> Result<Box<dyn MultipartUpload>> {
        let fault = self.plan.pass(Op::BeginUpload).await?;
        let inner = self.inner.put_multipart_opts(location, opts).await?;
        let inner = self.plan.after(fault, location, inner)?;
        Ok(Box::new(FaultUpload { inner, plan: Arc::clone(&self.plan), location: location.clone() }))
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        let op = if options.head { Op::Head } else { Op::Get };
        let fault = self.plan.pass(op).await?;
        let mut found = self.inner.get_opts(location, options).await?;
        if fault == Some(Fault::Torn) {
            let (meta, range, attributes) = (found.meta.clone(), found.range.clone(), found.attributes.clone());
            let bytes = found.bytes().await?;
            let half: Vec<Result<Bytes>> = vec![Ok(bytes.slice(..bytes.len() / 2)), Ok(bytes.slice(bytes.len() / 2..))];
            found = GetResult { payload: GetResultPayload::Stream(torn(half)), meta, range, attributes };
        }
        Ok(found)
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        self.plan.pass(Op::GetRanges).await?;
        self.inner.get_ranges(location, ranges).await
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        let (inner, plan) = (Arc::clone(&self.inner), Arc::clone(&self.plan));
        let one = move |location: Result<Path>| {
            let (inner, plan) = (Arc::clone(&inner), Arc::clone(&plan));
            async move {
                let location = location?;
                let fault = plan.pass(Op::Delete).await?;
                object_store::ObjectStoreExt::delete(&inner, &location).await?;
                plan.after(fault, &location.clone(), location)
            }
        };
        locations.then(one).boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.listed(self.inner.list(prefix))
    }

    fn list_with_offset(&self, prefix: Option<&Path>, offset: &Path) -> BoxStream<'static, Result<ObjectMeta>> {
        self.listed(self.inner.list_with_offset(prefix, offset))
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.plan.pass(Op::ListFolders).await?;
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        let fault = self.plan.pass(Op::Copy).await?;
        self.inner.copy_opts(from, to, options).await?;
        self.plan.after(fault, to, ())
    }
}

impl FaultStore {
    fn listed(&self, inner: BoxStream<'static, Result<ObjectMeta>>) -> BoxStream<'static, Result<ObjectMeta>> {
        let plan = Arc::clone(&self.plan);
        let begun = async move {
            match plan.pass(Op::List).await {
                Err(error) => stream::once(async { Err(error) }).boxed(),
                Ok(Some(Fault::Torn)) => torn(inner.collect().await),
                Ok(_) => inner,
            }
        };
        stream::once(begun).flatten().boxed()
    }
}

#[derive(Debug)]
struct FaultUpload {
    inner: Box<dyn MultipartUpload>,
    plan: Arc<Plan>,
    location: Path,
}

#[async_trait]
impl MultipartUpload for FaultUpload {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        let (part, plan, location) = (self.inner.put_part(data), Arc::clone(&self.plan), self.location.clone());
        Box::pin(async move {
            let fault = plan.pass(Op::Part).await?;
            part.await?;
            plan.after(fault, &location, ())
        })
    }

    async fn complete(&mut self) -> Result<PutResult> {
        let fault = self.plan.pass(Op::Complete).await?;
        let done = self.inner.complete().await?;
        self.plan.after(fault, &self.location, done)
    }

    async fn abort(&mut self) -> Result<()> {
        self.inner.abort().await
    }
}
