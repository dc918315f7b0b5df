//! Running plans whose rows are taken as they come, and tasks of which some run at a time.

use std::collections::VecDeque;
use std::sync::Arc;

use arrow::array::RecordBatch;
use datafusion::common::runtime::SpawnedTask;
use datafusion::dataframe::DataFrame;
use futures::StreamExt as _;
use lake_model::{Kind, Result, ResultExt};
use lake_query::{DeltaFiles, Session, engine_error};
use lake_store::{DataFile, Snapshot, Table};

/// Hands all rows of `frame` to `add`, in parallel, and returns what each task made of them. `make` is asked for a state
/// once a task, with the number of tasks.
///
/// # Errors
/// If the plan or `add` fails.
pub(crate) async fn fold_batches<S: Send + 'static>(
    frame: DataFrame,
    mut make: impl FnMut(usize) -> S,
    add: impl Fn(&mut S, &RecordBatch) -> Result<()> + Clone + Send + 'static,
) -> Result<Vec<S>> {
    let streams = frame.execute_stream_partitioned().await.map_err(engine_error)?;
    let number = streams.len();
    let mut tasks = Vec::with_capacity(number);
    for mut stream in streams {
        let (mut state, add) = (make(number), add.clone());
        tasks.push(SpawnedTask::spawn(async move {
            while let Some(batch) = stream.next().await {
                add(&mut state, &batch.map_err(engine_error)?)?;
            }
            Ok::<_, lake_model::Error>(state)
        }));
    }
    let mut states = Vec::with_capacity(number);
    for task in tasks {
        states.push(task.join_unwind().await.or_err(Kind::Unavailable, || "the compaction was stopped")??);
    }
    Ok(states)
}

/// Returns the rows of one file of a table.
///
/// # Errors
/// If the file is none the engine can scan.
pub(crate) fn read_file(session: &Session, table: &Table, snapshot: &Snapshot, file: &DataFile) -> Result<DataFrame> {
    let files = DeltaFiles::new(&snapshot.with_files(vec![file.clone()]), table).map_err(engine_error)?;
    session.context().read_table(Arc::new(files)).map_err(engine_error)
}

/// Runs tasks, `workers` at a time, and hands over what each returns, in their order. After a failure no more are begun, and
/// those that run are awaited: the files that they wrote are removed before the failure is reported.
///
/// # Errors
/// If one of them fails.
pub(crate) async fn run_tasks<T: Send + 'static>(
    tasks: impl IntoIterator<Item = impl Future<Output = Result<T>> + Send + 'static>,
    workers: usize,
    mut done: impl FnMut(T),
) -> Result<()> {
    let mut waiting = tasks.into_iter();
    let mut running = VecDeque::new();
    let mut failure = None;
    loop {
        while failure.is_none()
            && running.len() < workers.max(1)
            && let Some(task) = waiting.next()
        {
            running.push_back(SpawnedTask::spawn(task));
        }
        let Some(task) = running.pop_front() else { return failure.map_or(Ok(()), Err) };
        let result = task.join_unwind().await.or_err(Kind::Unavailable, || "the compaction was stopped");
        match result.and_then(|result| result) {
            Ok(result) if failure.is_none() => done(result),
            Ok(_) => {}
            Err(error) => failure = failure.or(Some(error)),
        }
    }
}
