//! `check`: is the lake whole?

use lake_model::{Kind, Result, ResultExt};
use lake_upkeep::{Severity, check};
use serde_json::Value;

use crate::args::{Check, Global, Listing};
use crate::progress::Progress;
use crate::{context, output};

pub(crate) async fn run(global: &Global, args: Check) -> Result<u8> {
    let catalog = context::catalog(global)?;
    let lake = context::open(global).await?;
    let reader = context::reader(global, lake, &catalog)?;
    let progress = Progress::new(global.quiet);
    let mut step = progress.step("check".to_owned());
    let findings = check(&reader, |rows| step.add(rows)).await?;
    let worst = findings.iter().map(|finding| finding.severity).max().unwrap_or(Severity::Note);
    step.done(match worst {
        Severity::Note => "the lake is whole",
        Severity::Differs => "tables differ",
        Severity::Damaged => "the lake is damaged",
    });
    let rows: Result<Vec<Value>> =
        findings.iter().map(|finding| serde_json::to_value(finding).or_err(Kind::Internal, || "a finding")).collect();
    output::print_rows(&rows?, args.format)?;
    if findings.is_empty() && args.format == Listing::Table && !global.quiet {
        output::note("The lake is whole.");
    }
    Ok(match worst {
        Severity::Note => 0,
        Severity::Differs => 1,
        Severity::Damaged => Kind::Data.exit_code(),
    })
}
