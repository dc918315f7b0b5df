//! `vacuum`: delete what nothing needs any more.

use lake_maintenance::{MIN_RETENTION, VacuumOptions, vacuum};
use lake_model::{Error, Kind, Result, ResultExt};
use serde_json::Value;

use crate::args::{Global, Vacuum};
use crate::output::Listing;
use crate::{context, output};

pub(crate) async fn run(global: &Global, args: Vacuum) -> Result<u8> {
    if args.older_than < MIN_RETENTION && !args.nothing_else_runs {
        return Err(Error::invalid(
            "--older-than under an hour could delete a file that a writer is about to commit; if nothing else writes to the lake, confirm it with --nothing-else-runs",
        ));
    }
    let lake = if args.apply { context::open_lake_to_write(global).await? } else { context::open_lake(global).await? };
    let options = VacuumOptions { older_than: args.older_than, apply: args.apply };
    let done = vacuum(&lake, options).await?;
    let rows: Result<Vec<Value>> =
        done.iter().map(|table| serde_json::to_value(table).or_err(Kind::Internal, || "what vacuum did")).collect();
    output::print_rows(&rows?, args.format)?;
    let (files, bytes) =
        done.iter().fold((0, 0), |(n, b), t| (n + t.files + t.temporary, b + t.bytes + t.temporary_bytes));
    if args.format == Listing::Table && !global.quiet {
        output::note(&match args.apply {
            true => format!("{files} files ({bytes} bytes) were deleted."),
            false => format!("{files} files ({bytes} bytes) would be deleted; --apply deletes them."),
        });
    }
    Ok(0)
}
