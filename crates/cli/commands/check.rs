//! `check`: verifies that the lake is intact.

use lake_maintenance::{Finding, Severity, check, damaged_definition};
use lake_model::{Kind, Result, ResultExt};
use lake_store::Lake;
use serde_json::Value;

use crate::args::{Check, Global};
use crate::output::Listing;
use crate::progress::Progress;
use crate::{context, output};

pub(crate) async fn run(global: &Global, args: Check) -> Result<u8> {
    let findings = match context::open_lake(global).await {
        Ok(lake) => findings(global, lake).await?,
        Err(error) if error.kind() == Kind::Data => vec![damaged_definition(&error)],
        Err(error) => return Err(error),
    };
    let worst = worst(&findings);
    let rows: Result<Vec<Value>> =
        findings.iter().map(|finding| serde_json::to_value(finding).or_err(Kind::Internal, || "a finding")).collect();
    output::print_rows(&rows?, args.format)?;
    if findings.is_empty() && args.format == Listing::Table && !global.quiet {
        output::note("The lake is intact.");
    }
    Ok(match worst {
        Severity::Note => 0,
        Severity::Differs => 1,
        Severity::Damaged => Kind::Data.exit_code(),
    })
}

async fn findings(global: &Global, lake: Lake) -> Result<Vec<Finding>> {
    let catalog = context::load_catalog(global)?;
    let reader = context::create_reader(global, lake, &catalog)?;
    let progress = Progress::new(global.quiet);
    let mut step = progress.step("check".to_owned());
    let findings = check(&reader, |rows| step.add(rows)).await?;
    step.done(match worst(&findings) {
        Severity::Note => "the lake is intact",
        Severity::Differs => "tables differ",
        Severity::Damaged => "the lake is damaged",
    });
    Ok(findings)
}

fn worst(findings: &[Finding]) -> Severity {
    findings.iter().map(|finding| finding.severity).max().unwrap_or(Severity::Note)
}
