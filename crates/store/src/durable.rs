//! A local object store whose acknowledged writes survive a power cut.
//!
//! `object_store`'s local store never syncs. Here every object is written to a temporary file, synced, and only
//! then published under its name; then the directory that holds the name is synced. A name that is visible
//! therefore always has its bytes.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::{Path as FsPath, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use futures::stream::BoxStream;
use lake_model::failpoint;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore, PutMode,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, RenameOptions, Result, UploadPart,
};

static SERIAL: AtomicU64 = AtomicU64::new(0);

/// The local file system from its root, with durable writes.
#[derive(Debug)]
pub struct DurableLocal {
    inner: LocalFileSystem,
}

impl Default for DurableLocal {
    fn default() -> Self {
        Self { inner: LocalFileSystem::new() }
    }
}

impl std::fmt::Display for DurableLocal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("DurableLocal")
    }
}

fn generic(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::Generic { store: "DurableLocal", source: source.into() }
}

/// A temporary file beside the place where it will be published; removed if it never is.
#[derive(Debug)]
struct Pending {
    file: File,
    path: PathBuf,
    published: bool,
}

impl Pending {
    fn create(target: &FsPath) -> std::io::Result<Self> {
        let directory = target.parent().ok_or(std::io::ErrorKind::InvalidInput)?;
        create_directories(directory)?;
        let name = target.file_name().and_then(|n| n.to_str()).unwrap_or("object");
        // `#` and a number: object_store hides such names from listings as unfinished uploads.
        let serial = SERIAL.fetch_add(1, Ordering::Relaxed);
        let unique = u64::from(std::process::id()) << 32 | serial & 0xffff_ffff;
        let path = directory.join(format!("{name}#{unique}"));
        let file = OpenOptions::new().write(true).create_new(true).open(&path)?;
        Ok(Self { file, path, published: false })
    }

    /// Syncs the bytes, publishes the name, syncs the directory. `false` if the name exists and must not.
    fn publish(mut self, target: &FsPath, overwrite: bool) -> std::io::Result<bool> {
        self.file.sync_all()?;
        failpoint("store:before-publish");
        if overwrite {
            std::fs::rename(&self.path, target)?;
            self.published = true;
        } else {
            match std::fs::hard_link(&self.path, target) {
                Ok(()) => {}
                Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => return Ok(false),
                Err(e) => return Err(e),
            }
        }
        if let Some(directory) = target.parent() {
            File::open(directory)?.sync_all()?;
        }
        Ok(true)
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        if !self.published {
            // Left behind it is invisible and harmless; vacuum removes it.
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

/// Creates the missing directories and syncs each one's parent, so that the new names survive.
fn create_directories(directory: &FsPath) -> std::io::Result<()> {
    if directory.is_dir() {
        return Ok(());
    }
    if let Some(parent) = directory.parent() {
        create_directories(parent)?;
        match std::fs::create_dir(directory) {
            Err(e) if e.kind() != std::io::ErrorKind::AlreadyExists => return Err(e),
            _ => File::open(parent)?.sync_all()?,
        }
    }
    Ok(())
}

impl DurableLocal {
    fn target(&self, location: &Path) -> Result<PathBuf> {
        self.inner.path_to_filesystem(location)
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(generic)?
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
        let target = self.target(location)?;
        let name = location.to_string();
        blocking(move || {
            let mut pending = Pending::create(&target).map_err(generic)?;
            for chunk in &payload {
                pending.file.write_all(chunk).map_err(generic)?;
            }
            if pending.publish(&target, overwrite).map_err(generic)? {
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
        let target = self.target(location)?;
        let pending = blocking({
            let target = target.clone();
            move || Pending::create(&target).map_err(generic)
        })
        .await?;
        Ok(Box::new(Upload { shared: Arc::new(std::sync::Mutex::new(Some(pending))), target, offset: 0 }))
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.inner.get_opts(location, options).await
    }

    async fn get_ranges(&self, location: &Path, ranges: &[std::ops::Range<u64>]) -> Result<Vec<bytes::Bytes>> {
        self.inner.get_ranges(location, ranges).await
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        self.inner.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.inner.list(prefix)
    }

    fn list_with_offset(&self, prefix: Option<&Path>, offset: &Path) -> BoxStream<'static, Result<ObjectMeta>> {
        self.inner.list_with_offset(prefix, offset)
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

/// Parts land in the temporary file at their own offsets; completing publishes it.
#[derive(Debug)]
struct Upload {
    shared: Arc<std::sync::Mutex<Option<Pending>>>,
    target: PathBuf,
    offset: u64,
}

fn poisoned() -> Error {
    generic("an earlier part of this upload failed")
}

#[async_trait]
impl MultipartUpload for Upload {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        use std::os::unix::fs::FileExt as _;
        let shared = Arc::clone(&self.shared);
        let mut offset = self.offset;
        self.offset += data.content_length() as u64;
        Box::pin(blocking(move || {
            let guard = shared.lock().map_err(|_| poisoned())?;
            let pending = guard.as_ref().ok_or_else(poisoned)?;
            for chunk in &data {
                pending.file.write_all_at(chunk, offset).map_err(generic)?;
                offset += chunk.len() as u64;
            }
            Ok(())
        }))
    }

    async fn complete(&mut self) -> Result<PutResult> {
        let shared = Arc::clone(&self.shared);
        let target = self.target.clone();
        blocking(move || {
            let pending = shared.lock().map_err(|_| poisoned())?.take().ok_or_else(poisoned)?;
            pending.publish(&target, true).map_err(generic)?;
            Ok(PutResult { e_tag: None, version: None })
        })
        .await
    }

    async fn abort(&mut self) -> Result<()> {
        self.shared.lock().map_err(|_| poisoned())?.take();
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
}
