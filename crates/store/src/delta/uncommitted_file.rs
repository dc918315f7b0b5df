//! Data files that are written and that no version names yet. One that is no longer needed is removed, unless a commit
//! may name it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt as _};
use parking_lot::Mutex;
use tokio::runtime::Handle;
use tokio::task::JoinHandle;

/// Removals that are running; the program waits for them before it ends.
static PENDING_REMOVALS: Mutex<Vec<JoinHandle<()>>> = Mutex::new(Vec::new());

/// A file that goes when this is dropped, unless it is held.
#[derive(Debug)]
pub(crate) struct UncommittedFile {
    store: Arc<dyn ObjectStore>,
    path: Path,
    /// Versions that name it, or may.
    held: AtomicUsize,
}

impl UncommittedFile {
    /// Returns the handle of a file that is being written.
    pub(crate) fn new(store: Arc<dyn ObjectStore>, path: Path) -> Self {
        Self { store, path, held: AtomicUsize::new(0) }
    }

    /// Notes that a version which names it is about to be published: from now on it may exist, whatever the store
    /// replies.
    pub(crate) fn hold(&self) {
        self.held.fetch_add(1, Ordering::Relaxed);
    }

    /// Notes that that version was not published, and never will be.
    pub(crate) fn release(&self) {
        self.held.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Drop for UncommittedFile {
    fn drop(&mut self) {
        if *self.held.get_mut() > 0 {
            return;
        }
        // Without a runtime, or where the store does not answer, `vacuum` removes it.
        let Ok(runtime) = Handle::try_current() else { return };
        let (store, path) = (Arc::clone(&self.store), self.path.clone());
        let removal = runtime.spawn(async move {
            match store.delete(&path).await {
                Ok(()) | Err(object_store::Error::NotFound { .. }) => {}
                Err(error) => tracing::debug!(%path, %error, "a file that is in no version could not be removed"),
            }
        });
        let mut removals = PENDING_REMOVALS.lock();
        removals.retain(|removal| !removal.is_finished());
        removals.push(removal);
    }
}

/// Waits until the files are gone that were written and will be in no version.
pub async fn wait_for_cleanup() {
    let under_way = std::mem::take(&mut *PENDING_REMOVALS.lock());
    for removal in under_way {
        // One that was cut short has left a file to `vacuum`.
        let _ = removal.await;
    }
}
