//! `sql`: ask anything, read-only.

use std::io::IsTerminal as _;

use lake_model::{Error, Kind, Result, ResultExt, read_bounded, read_text_file};

use crate::args::{Global, Sql};
use crate::rows::Destination;
use crate::{context, output, shell};

pub(crate) async fn run(global: &Global, args: Sql) -> Result<u8> {
    let destination = Destination::new(&args.rows)?;
    let is_interactive = args.query.is_none() && args.file.is_none() && std::io::stdin().is_terminal();
    let query = match (&args.query, &args.file) {
        _ if is_interactive => String::new(),
        (Some(query), _) => query.clone(),
        (None, Some(path)) => read_text_file(path)?,
        (None, None) => {
            let bytes = read_bounded(std::io::stdin().lock()).or_err(Kind::Invalid, || "stdin cannot be read")?;
            let bytes = bytes.ok_or_else(|| Error::invalid("the query on stdin is longer than 4 MiB"))?;
            String::from_utf8(bytes).or_err(Kind::Invalid, || "the query on stdin is not UTF-8 text")?
        }
    };
    if query.trim().is_empty() && !is_interactive {
        return Err(Error::invalid("there is no query; give it as an argument, with -f FILE, or on stdin"));
    }
    let catalog = context::load_catalog(global)?;
    let lake = context::open_lake(global).await?;
    let reader = context::create_reader(global, lake, &catalog)?;
    let time_travel = args.time_travel.into_time_travel();
    if is_interactive {
        let settings =
            shell::Settings { time_travel, cells: args.rows.cells.unwrap_or_default(), is_quiet: global.quiet };
        Box::pin(shell::run(&reader, settings)).await?;
        return Ok(0);
    }
    let snapshot = match time_travel {
        Some(time_travel) => reader.open_past(&time_travel).await?,
        None => reader.open_newest().await?,
    };
    output::warn_of_inexact(&snapshot, global.quiet);
    let session = reader.sql_session(&snapshot).await?;
    let frame = session.sql(&query).await?;
    destination.write(frame, global.quiet).await?;
    Ok(0)
}
