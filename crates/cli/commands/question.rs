//! The parts that `aggregates` and `hotspots` share: opening the snapshot, its warnings, writing the answer.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use futures::stream::BoxStream;
use lake_analytics::{AnswerLimits, Filters, LabelValues, QueryContext};
use lake_model::Result;

use crate::args::{AskOutput, Global};
use crate::rows::Destination;
use crate::{context, output};

/// The limits of the HTTP interface, except the number of rows that may be requested.
pub(crate) const LIMITS: AnswerLimits = AnswerLimits { max_rows: usize::MAX, ..AnswerLimits::DEFAULT };

/// A question whose snapshot is open.
pub(crate) struct OpenQuestion {
    pub(crate) context: QueryContext,
    destination: Destination,
    is_quiet: bool,
}

/// Opens the snapshot that a question reads, and writes its warnings to stderr.
///
/// # Errors
/// If the lake cannot be read, or a filter names a resource that does not exist.
pub(crate) async fn open(global: &Global, asked: AskOutput, filters: &Filters) -> Result<OpenQuestion> {
    let destination = Destination::new(&asked.rows)?;
    let reader = context::create_reader(global, context::open_lake(global).await?, &context::load_catalog(global)?)?;
    let snapshot = match asked.time_travel.into_time_travel() {
        Some(time_travel) => reader.open_past(&time_travel).await?,
        None => reader.open_newest().await?,
    };
    filters.check_resources(&snapshot.resource_names())?;
    output::warn_of_inexact(&snapshot, global.quiet);
    let context = QueryContext { engine: reader.engine().clone(), reader: Arc::clone(&reader), snapshot };
    if !global.quiet {
        for warning in LabelValues::default().warnings(&context, filters).await? {
            output::note(&format!("warning: {warning}"));
        }
    }
    Ok(OpenQuestion { context, destination, is_quiet: global.quiet })
}

impl OpenQuestion {
    /// Writes the rows of the answer.
    ///
    /// # Errors
    /// If a batch fails, or the rows cannot be written.
    pub(crate) async fn write(
        self,
        schema: &SchemaRef,
        batches: BoxStream<'static, Result<RecordBatch>>,
        is_truncated: bool,
    ) -> Result<()> {
        self.destination.write_answer(schema, batches, self.is_quiet).await?;
        if is_truncated && !self.is_quiet {
            output::note("warning: the answer has more rows than `--limit` allows");
        }
        Ok(())
    }
}
