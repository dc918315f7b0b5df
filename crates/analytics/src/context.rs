//! The input of a question: one snapshot of the lake, and the engine that computes this question.

use std::sync::Arc;

use lake_model::Result;
use lake_query::{Engine, LakeSnapshot, Reader, Session};

/// A snapshot of the lake, and the engine with the memory and disk that one question may use.
#[derive(Clone, Debug)]
pub struct QueryContext {
    /// The reader that opened the snapshot.
    pub reader: Arc<Reader>,
    /// The engine, within the question's limits.
    pub engine: Engine,
    /// The snapshot.
    pub snapshot: Arc<LakeSnapshot>,
}

impl QueryContext {
    /// Returns a session with every table and view of the snapshot.
    ///
    /// # Errors
    /// If a view cannot be planned.
    pub async fn session(&self) -> Result<Session> {
        self.reader.session_on(&self.engine, &self.snapshot).await
    }
}
