//! What every request sees, over whichever interface it comes.

use std::collections::BTreeSet;
use std::sync::Arc;

use lake_model::Result;
use lake_query::{Engine, Moment, Pin, Reader, Session, View};

use tokio_util::sync::CancellationToken;

use crate::limits::Limits;

/// The lake, and what a request may use of it.
#[derive(Debug)]
pub(crate) struct App {
    pub(crate) reader: Arc<Reader>,
    pub(crate) limits: Limits,
    /// Cancelled when the server is told to stop: what would go on without an end, ends.
    pub(crate) stop: CancellationToken,
}

/// One request's reading of the lake, with its share of the engine.
#[derive(Clone, Debug)]
pub(crate) struct Reading {
    pub(crate) reader: Arc<Reader>,
    pub(crate) engine: Engine,
    pub(crate) view: View,
}

impl App {
    /// The names of all resources: those in the lake and those of the catalog.
    pub(crate) fn resource_names<'a>(&'a self, view: &'a View) -> BTreeSet<&'a str> {
        let known = self.reader.catalog().iter().map(|resource| resource.name.as_str());
        known.chain(view.resources.keys().map(String::as_str)).collect()
    }

    /// A reading of the newest versions.
    ///
    /// # Errors
    /// If the store does not answer or a log is damaged.
    pub(crate) async fn reading(&self) -> Result<Reading> {
        Ok(self.of(self.reader.view().await?))
    }

    /// A reading of the versions that an earlier answer named in `Lake-Version`.
    ///
    /// # Errors
    /// If it is no such text, or those versions are gone.
    pub(crate) async fn reading_at(&self, versions: &str) -> Result<Reading> {
        Ok(self.of(self.reader.view_at(&Moment::parse_versions(versions)?).await?))
    }

    /// A reading of exactly the versions of an earlier one.
    ///
    /// # Errors
    /// If those versions are gone.
    pub(crate) async fn reading_pinned(&self, pin: &Pin) -> Result<Reading> {
        Ok(self.of(self.reader.view_pinned(pin).await?))
    }

    fn of(&self, view: View) -> Reading {
        Reading {
            reader: Arc::clone(&self.reader),
            engine: self.reader.engine().within(self.limits.memory_bytes),
            view,
        }
    }
}

impl Reading {
    /// A session with every table and view.
    ///
    /// # Errors
    /// If a view cannot be planned.
    pub(crate) async fn session(&self) -> Result<Session> {
        self.reader.session_on(&self.engine, &self.view).await
    }
}
