//! A local object store whose acknowledged writes survive a power cut.
//!
//! `object_store`'s local store never syncs. Here every object is written to a temporary file, synced, and only
//! then published under its name; then the directory that holds the name is synced. A name that is visible
//! therefore always has its bytes.

use std::collections::BTreeSet;
use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt as _;
use std::path::{Path as FsPath, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;
use futures::{StreamExt as _, TryFutureExt as _, TryStreamExt as _};
use lake_model::failpoint;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{
    CopyMode, CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    ObjectStoreExt as _, PutMode, PutMultipartOptions, PutOptions, PutPayload, PutResult, RenameOptions,
    RenameTargetMode, Result, UploadPart,
};

/// A step that was carried out on the file system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DiskStep {
    /// A directory was made.
    MakeDirectory(PathBuf),
    /// A file was made, empty.
    CreateFile(PathBuf),
    /// Bytes were written into a file.
    Write {
        /// The file.
        file: PathBuf,
        /// Where in the file.
        offset: u64,
        /// The bytes.
        bytes: Bytes,
    },
    /// A file's data was synced.
    SyncFile(PathBuf),
    /// A file got a second name.
    Link(PathBuf, PathBuf),
    /// A file's name became another, which may have been another file's.
    Rename(PathBuf, PathBuf),
    /// A name was removed.
    Remove(PathBuf),
    /// The names in a directory were synced.
    SyncDirectory(PathBuf),
}

/// A function that is called after every step.
pub type StepObserver = Arc<dyn Fn(DiskStep) + Send + Sync>;

/// The file system: each step is carried out and reported in one expression, so that none is reported that was not
/// carried out.
#[derive(Clone, Default)]
struct Disk {
    observer: Option<StepObserver>,
    /// Directories whose names this process has synced.
    durable: Arc<Mutex<BTreeSet<PathBuf>>>,
}

impl std::fmt::Debug for Disk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Disk").finish_non_exhaustive()
    }
}

impl Disk {
    fn notify(&self, step: impl FnOnce() -> DiskStep) {
        if let Some(observer) = &self.observer {
            observer(step());
        }
    }

    fn create(&self, path: &FsPath) -> std::io::Result<File> {
        let file = OpenOptions::new().write(true).create_new(true).open(path);
        file.inspect(|_| self.notify(|| DiskStep::CreateFile(path.to_owned())))
    }

    fn write(&self, file: &File, path: &FsPath, offset: u64, bytes: &Bytes) -> std::io::Result<()> {
        let step = || DiskStep::Write { file: path.to_owned(), offset, bytes: bytes.clone() };
        file.write_all_at(bytes, offset).inspect(|()| self.notify(step))
    }

    fn sync(&self, file: &File, path: &FsPath) -> std::io::Result<()> {
        file.sync_all().inspect(|()| self.notify(|| DiskStep::SyncFile(path.to_owned())))
    }

    fn link(&self, from: &FsPath, to: &FsPath) -> std::io::Result<()> {
        std::fs::hard_link(from, to).inspect(|()| self.notify(|| DiskStep::Link(from.to_owned(), to.to_owned())))
    }

    fn rename(&self, from: &FsPath, to: &FsPath) -> std::io::Result<()> {
        std::fs::rename(from, to).inspect(|()| self.notify(|| DiskStep::Rename(from.to_owned(), to.to_owned())))
    }

    fn remove(&self, path: &FsPath) -> std::io::Result<()> {
        std::fs::remove_file(path).inspect(|()| self.notify(|| DiskStep::Remove(path.to_owned())))
    }

    fn sync_directory(&self, path: &FsPath) -> std::io::Result<()> {
        File::open(path)?.sync_all().inspect(|()| self.notify(|| DiskStep::SyncDirectory(path.to_owned())))
    }

    /// Makes the missing directories and syncs each one's parent, so that the new names survive. A directory that is
    /// there may be one that another thread is making, or that a killed process made and never synced: its name is
    /// synced as well, once a process.
    fn create_directories(&self, directory: &FsPath) -> std::io::Result<()> {
        let mut durable = self.durable.lock().unwrap_or_else(PoisonError::into_inner);
        self.create_directories_in(&mut durable, directory)
    }

    fn create_directories_in(&self, durable: &mut BTreeSet<PathBuf>, directory: &FsPath) -> std::io::Result<()> {
        if durable.contains(directory) && directory.is_dir() {
            return Ok(());
        }
        if let Some(parent) = directory.parent() {
            self.create_directories_in(durable, parent)?;
            let made = std::fs::create_dir(directory);
            match made.inspect(|()| self.notify(|| DiskStep::MakeDirectory(directory.to_owned()))) {
                Ok(()) => self.sync_directory(parent)?,
                Err(_) if directory.is_dir() => match self.sync_directory(parent) {
                    // The directories above the lake are not ours to open; their names existed before.
                    Err(e) if e.kind() == std::io::ErrorKind::PermissionDenied => {}
                    synced => synced?,
                },
                Err(e) => return Err(e),
            }
        }
        durable.insert(directory.to_owned());
        Ok(())
    }
}

/// The local file system from its root, with durable writes.
#[derive(Debug)]
pub struct DurableLocal {
    inner: LocalFileSystem,
    disk: Disk,
}

impl Default for DurableLocal {
    fn default() -> Self {
        Self { inner: LocalFileSystem::new(), disk: Disk::default() }
    }
}

impl std::fmt::Display for DurableLocal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("DurableLocal")
    }
}

fn generic_error(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::Generic { store: "DurableLocal", source: source.into() }
}

/// A temporary file in the folder where it will be published; removed if it never is.
#[derive(Debug)]
struct TemporaryFile {
    disk: Disk,
    file: File,
    path: PathBuf,
    published: bool,
}

impl TemporaryFile {
    fn create(disk: &Disk, target: &FsPath) -> std::io::Result<Self> {
        let directory = target.parent().ok_or(std::io::ErrorKind::InvalidInput)?;
        disk.create_directories(directory)?;
        let name = target.file_name().and_then(|n| n.to_str()).unwrap_or("object");
        // `#` and a number: object_store hides such names from listings as unfinished uploads.
        // Random: another process, or this one after a restart under the same number, may have left one.
        let unique = uuid::Uuid::new_v4().as_u64_pair().0;
        let path = directory.join(format!("{name}#{unique}"));
        let file = disk.create(&path)?;
        Ok(Self { disk: disk.clone(), file, path, published: false })
    }

    fn write(&self, mut offset: u64, payload: &PutPayload) -> std::io::Result<()> {
        for chunk in payload {
            self.disk.write(&self.file, &self.path, offset, chunk)?;
            offset += chunk.len() as u64;
        }
        Ok(())
    }

    /// Syncs the bytes, publishes the name, syncs the directory. `false` if the name exists and must not.
    fn publish(mut self, target: &FsPath, overwrite: bool) -> std::io::Result<bool> {
        failpoint("store:before-sync");
        self.disk.sync(&self.file, &self.path)?;
        failpoint("store:before-publish");
        if overwrite {
            self.disk.rename(&self.path, target)?;
            self.published = true;
        } else {
            match self.disk.link(&self.path, target) {
                Ok(()) => {}
                Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => return Ok(false),
                Err(e) => return Err(e),
            }
        }
        failpoint("store:after-publish");
        if let Some(directory) = target.parent() {
            self.disk.sync_directory(directory)?;
        }
        Ok(true)
    }
}

impl Drop for TemporaryFile {
    fn drop(&mut self) {
        if !self.published {
            // Left behind it is invisible and harmless; vacuum removes it.
            let _ = self.disk.remove(&self.path);
        }
    }
}

impl DurableLocal {
    /// Returns a store that calls `observer` after every step on the file system: these determine the data that
    /// survives a power cut.
    pub fn with_observer(observer: StepObserver) -> Self {
        Self { disk: Disk { observer: Some(observer), ..Disk::default() }, ..Self::default() }
    }

    fn target_path(&self, location: &Path) -> Result<PathBuf> {
        self.inner.path_to_filesystem(location)
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(generic_error)?
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl ObjectStore for DurableLocal {
    async fn put_opts(&self, location: &Path, payload: PutPayload, opts: PutOptions) -> Result<PutResult> {
        let overwrite = match opts.mode {
            PutMode::Overwrite => true,
            PutMode::Create => false,
            PutMode::Update(_) => {
                return Err(Error::NotImplemented {
                    operation: "`put_opts` with mode `PutMode::Update`".into(),
                    implementer: "DurableLocal".into(),
                });
            }
        };
        let target = self.target_path(location)?;
        let name = location.to_string();
        let disk = self.disk.clone();
        blocking(move || {
            let temporary = TemporaryFile::create(&disk, &target).map_err(generic_error)?;
            temporary.write(0, &payload).map_err(generic_error)?;
            if temporary.publish(&target, overwrite).map_err(generic_error)? {
                Ok(PutResult { e_tag: None, version: None })
            } else {
                Err(Error::AlreadyExists { path: name, source: "the object exists".into() })
            }
        })
        .await
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        _opts: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        let target = self.target_path(location)?;
        let temporary = blocking({
            let (disk, target) = (self.disk.clone(), target.clone());
            move || TemporaryFile::create(&disk, &target).map_err(generic_error)
        })
        .await?;
        Ok(Box::new(LocalUpload { shared: Arc::new(Mutex::new(Some(temporary))), target, offset: 0 }))
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.inner.get_opts(location, options).await
    }

    async fn get_ranges(&self, location: &Path, ranges: &[std::ops::Range<u64>]) -> Result<Vec<Bytes>> {
        self.inner.get_ranges(location, ranges).await
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        let disk = self.disk.clone();
        let deleted = self.inner.delete_stream(locations);
        deleted.inspect_ok(move |path| disk.notify(|| DiskStep::Remove(FsPath::new("/").join(path.as_ref())))).boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.inner.list(prefix)
    }

    /// Lists by name, as remote stores do: readers of logs rely on this order.
    fn list_with_offset(&self, prefix: Option<&Path>, offset: &Path) -> BoxStream<'static, Result<ObjectMeta>> {
        let listed = self.inner.list_with_offset(prefix, offset);
        let sorted = async move {
            let mut objects: Vec<ObjectMeta> = listed.try_collect().await?;
            objects.sort_unstable_by(|a, b| a.location.cmp(&b.location));
            Ok(futures::stream::iter(objects.into_iter().map(Ok)))
        };
        sorted.try_flatten_stream().boxed()
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        let mode = match options.mode {
            CopyMode::Overwrite => PutMode::Overwrite,
            CopyMode::Create => PutMode::Create,
        };
        let bytes = self.inner.get(from).await?.bytes().await?;
        self.put_opts(to, bytes.into(), PutOptions { mode, ..PutOptions::default() }).await?;
        Ok(())
    }

    async fn rename_opts(&self, from: &Path, to: &Path, options: RenameOptions) -> Result<()> {
        let mode = match options.target_mode {
            RenameTargetMode::Overwrite => CopyMode::Overwrite,
            RenameTargetMode::Create => CopyMode::Create,
        };
        self.copy_opts(from, to, CopyOptions { mode, ..CopyOptions::default() }).await?;
        self.delete(from).await
    }
}

/// Parts land in the temporary file at their own offsets; completing publishes it.
#[derive(Debug)]
struct LocalUpload {
    shared: Arc<Mutex<Option<TemporaryFile>>>,
    target: PathBuf,
    offset: u64,
}

fn poisoned_upload() -> Error {
    generic_error("an earlier part of this upload failed")
}

#[async_trait]
impl MultipartUpload for LocalUpload {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        let shared = Arc::clone(&self.shared);
        let offset = self.offset;
        self.offset += data.content_length() as u64;
        Box::pin(blocking(move || {
            let guard = shared.lock().map_err(|_| poisoned_upload())?;
            let temporary = guard.as_ref().ok_or_else(poisoned_upload)?;
            temporary.write(offset, &data).map_err(generic_error)
        }))
    }

    async fn complete(&mut self) -> Result<PutResult> {
        let shared = Arc::clone(&self.shared);
        let target = self.target.clone();
        blocking(move || {
            let temporary = shared.lock().map_err(|_| poisoned_upload())?.take().ok_or_else(poisoned_upload)?;
            temporary.publish(&target, true).map_err(generic_error)?;
            Ok(PutResult { e_tag: None, version: None })
        })
        .await
    }

    async fn abort(&mut self) -> Result<()> {
        self.shared.lock().map_err(|_| poisoned_upload())?.take();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use object_store::ObjectStoreExt as _;

    use super::*;

    #[tokio::test]
    async fn a_name_is_created_once_and_keeps_the_first_bytes() {
        let directory = tempfile::tempdir().expect("a directory");
        let store = DurableLocal::default();
        let path = Path::from_filesystem_path(directory.path()).expect("a path").join("a").join("0.json");
        let create = || PutOptions { mode: PutMode::Create, ..Default::default() };
        store.put_opts(&path, "first".into(), create()).await.expect("created");
        let again = store.put_opts(&path, "second".into(), create()).await;
        assert!(matches!(again, Err(Error::AlreadyExists { .. })), "{again:?}");
        let bytes = store.get(&path).await.expect("there").bytes().await.expect("readable");
        assert_eq!(&bytes[..], b"first");
        assert_eq!(
            std::fs::read_dir(directory.path().join("a")).expect("listed").count(),
            1,
            "no temporary file stays"
        );
    }

    #[tokio::test]
    async fn a_multipart_upload_appears_whole_when_it_completes_and_not_before() {
        let directory = tempfile::tempdir().expect("a directory");
        let store = DurableLocal::default();
        let path = Path::from_filesystem_path(directory.path()).expect("a path").join("big");
        let mut upload = store.put_multipart(&path).await.expect("begun");
        let parts = [upload.put_part("one ".into()), upload.put_part("two".into())];
        for part in parts {
            part.await.expect("written");
        }
        assert!(store.head(&path).await.is_err());
        upload.complete().await.expect("completed");
        let bytes = store.get(&path).await.expect("there").bytes().await.expect("readable");
        assert_eq!(&bytes[..], b"one two");
    }

    fn with_observer() -> (DurableLocal, Arc<Mutex<Vec<DiskStep>>>) {
        let steps = Arc::new(Mutex::new(Vec::new()));
        let recorded = Arc::clone(&steps);
        (DurableLocal::with_observer(Arc::new(move |step| recorded.lock().expect("a lock").push(step))), steps)
    }

    #[tokio::test]
    async fn bytes_are_synced_before_their_name_and_the_name_before_the_answer() {
        let directory = tempfile::tempdir().expect("a directory");
        let (store, steps) = with_observer();
        let path = Path::from_filesystem_path(directory.path()).expect("a path").join("a").join("0.json");
        store
            .put_opts(&path, "first".into(), PutOptions { mode: PutMode::Create, ..Default::default() })
            .await
            .expect("created");
        let steps = steps.lock().expect("a lock");
        let place = |wanted: &dyn Fn(&DiskStep) -> bool| steps.iter().position(wanted).expect("the step was made");
        let (folder, name) = (directory.path().join("a"), directory.path().join("a").join("0.json"));
        let made = place(&|s| *s == DiskStep::MakeDirectory(folder.clone()));
        let kept = place(&|s| *s == DiskStep::SyncDirectory(directory.path().to_owned()));
        let synced = place(&|s| matches!(s, DiskStep::SyncFile(_)));
        let linked = place(&|s| matches!(s, DiskStep::Link(_, to) if *to == name));
        let name_member = place(&|s| *s == DiskStep::SyncDirectory(folder.clone()));
        assert!(made < synced && kept < synced && synced < linked && linked < name_member, "{steps:?}");
    }

    #[tokio::test]
    async fn the_name_of_a_directory_that_a_killed_process_left_is_synced() {
        let directory = tempfile::tempdir().expect("a directory");
        std::fs::create_dir_all(directory.path().join("a/b")).expect("directories");
        let (store, steps) = with_observer();
        let path = Path::from_filesystem_path(directory.path()).expect("a path").join("a").join("b").join("0.json");
        store.put(&path, "first".into()).await.expect("written");
        let steps = steps.lock().expect("a lock");
        for kept in [directory.path().to_owned(), directory.path().join("a"), directory.path().join("a/b")] {
            assert!(steps.contains(&DiskStep::SyncDirectory(kept.clone())), "{} in {steps:?}", kept.display());
        }
    }

    #[tokio::test]
    async fn a_copy_and_a_rename_are_as_durable_as_a_put() {
        let directory = tempfile::tempdir().expect("a directory");
        let (store, steps) = with_observer();
        let root = Path::from_filesystem_path(directory.path()).expect("a path");
        let (one, two, three) = (root.clone().join("one"), root.clone().join("two"), root.join("three"));
        store.put(&one, "first".into()).await.expect("written");
        store.copy(&one, &two).await.expect("copied");
        store.rename(&two, &three).await.expect("renamed");
        let create = CopyOptions { mode: CopyMode::Create, ..CopyOptions::default() };
        let again = store.copy_opts(&one, &three, create).await;
        assert!(matches!(again, Err(Error::AlreadyExists { .. })), "{again:?}");
        assert!(store.head(&two).await.is_err());
        let bytes = store.get(&three).await.expect("there").bytes().await.expect("readable");
        assert_eq!(&bytes[..], b"first");
        let synced = steps.lock().expect("a lock").iter().filter(|s| matches!(s, DiskStep::SyncFile(_))).count();
        assert!(synced >= 3, "{synced}");
    }
}
