//! `hotspots`: the cells of `/hotspots` with their statistics.

use futures::StreamExt as _;
use lake_analytics::{HotspotsRequest, answer_hotspots};
use lake_model::Result;

use super::question;
use crate::args::{Ask, Global};
use crate::output;
use crate::parameter_flags::HotspotsQuestion;

pub(crate) async fn run(global: &Global, ask: Ask<HotspotsQuestion>) -> Result<u8> {
    let parameters = ask.parameters.parse()?;
    let request = HotspotsRequest::parse(&parameters, &question::LIMITS)?;
    let asked = question::open(global, ask.output, &request.filters).await?;
    let answer = answer_hotspots(&asked.context, &request, ()).await?;
    if !global.quiet {
        if answer.unlocated > 0 {
            output::note(&format!("{} incidents without a usable place take no part", answer.unlocated));
        }
        if let Some(months) = &answer.months {
            output::note(&format!("trends over the months {months}"));
        }
    }
    let schema = answer.batch.schema();
    let batches = futures::stream::iter([Ok(answer.batch)]).boxed();
    asked.write(&schema, batches, answer.truncated).await?;
    Ok(0)
}
