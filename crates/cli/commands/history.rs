//! `history`: the operations on the lake.

use lake_maintenance::read_history;
use lake_model::{Kind, Result, ResultExt};
use serde_json::Value;

use crate::args::{Global, History};
use crate::{context, output};

pub(crate) async fn run(global: &Global, args: History) -> Result<u8> {
    let lake = context::open_lake(global).await?;
    let lines = read_history(&lake, args.table.as_deref(), args.limit).await?;
    let rows: Result<Vec<Value>> = lines
        .iter()
        .map(|line| serde_json::to_value(line).or_err(Kind::Internal, || "a line of the history"))
        .collect();
    output::print_rows(&rows?, args.format)?;
    if lines.len() == args.limit && !global.quiet {
        output::note(&format!("There may be more: these are the newest {}; --limit shows more.", args.limit));
    }
    Ok(0)
}
