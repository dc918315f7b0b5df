//! `sql`: ask anything, read-only.

use std::io::{BufWriter, Read as _, Write};

use futures::StreamExt as _;
use lake_model::{Error, Kind, Result, ResultExt};
use lake_query::{DataFrame, Format, ResultWriter, engine_error};

use crate::args::{Global, Sql};
use crate::{context, output};

pub(crate) async fn run(global: &Global, args: Sql) -> Result<u8> {
    let query = match (&args.query, &args.file) {
        (Some(query), _) => query.clone(),
        (None, Some(path)) => {
            std::fs::read_to_string(path).or_err(Kind::Invalid, || format!("{} cannot be read", path.display()))?
        }
        (None, None) => {
            let mut text = String::new();
            std::io::stdin().lock().read_to_string(&mut text).or_err(Kind::Invalid, || "stdin cannot be read")?;
            text
        }
    };
    if query.trim().is_empty() {
        return Err(Error::invalid("there is no query; give it as an argument, with -f FILE, or on stdin"));
    }
    let catalog = context::catalog(global)?;
    let lake = context::open(global).await?;
    let reader = context::reader(global, lake, &catalog)?;
    let view = match args.as_of.or(args.at_version) {
        Some(moment) => reader.view_at(&moment).await?,
        None => reader.view().await?,
    };
    let session = reader.sql_session(&view).await?;
    let frame = session.sql(&query).await?;
    write_rows(frame, args.format, BufWriter::new(output::Stdout)).await?;
    Ok(0)
}

/// Writes the rows of a plan as they are made.
pub(super) async fn write_rows(frame: DataFrame, format: Format, output: impl Write + Send) -> Result<()> {
    let mut stream = frame.execute_stream().await.map_err(engine_error)?;
    let mut writer = ResultWriter::new(format, &stream.schema(), output)?;
    while let Some(batch) = stream.next().await {
        writer.write(&batch.map_err(engine_error)?)?;
    }
    writer.finish()
}
