//! `aggregates`: the counts of `/aggregates`.

use futures::{StreamExt as _, TryStreamExt as _};
use lake_analytics::{AggregatesRequest, answer_rows, plan_error};
use lake_model::Result;

use super::question;
use crate::args::{Ask, Global};
use crate::parameter_flags::AggregatesQuestion;

pub(crate) async fn run(global: &Global, ask: Ask<AggregatesQuestion>) -> Result<u8> {
    let parameters = ask.parameters.parse()?;
    let request = AggregatesRequest::parse(&parameters, &question::LIMITS)?;
    let asked = question::open(global, ask.output, &request.filters).await?;
    let rows = answer_rows(&asked.context, &request).await?;
    asked.write(&rows.schema, rows.batches.map_err(plan_error).boxed(), rows.truncated).await?;
    Ok(0)
}
