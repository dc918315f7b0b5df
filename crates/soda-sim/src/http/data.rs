//! `/resource/<id>.json`: pages of rows.

use serde_json::Value;

use super::Served;
use super::answer::Answer;
use super::faulty;
use crate::dataset::Dataset;
use crate::errors;
use crate::exec::{self, Page};
use crate::fault::Fault;
use crate::portal::Portal;
use crate::soql::params::Clauses;
use crate::soql::query::{Query, Rules};
use crate::stamp;
use crate::types::Kind;

/// A data request.
pub(crate) struct DataRequest {
    pub(crate) id: String,
    pub(crate) query: Vec<(String, String)>,
    pub(crate) unless_modified: Option<String>,
    pub(crate) head: bool,
}

/// Answers a data request, with the next fault in the queue.
pub(crate) async fn answer(served: &Served, ask: DataRequest) -> Answer {
    let fault = if ask.head { Fault::None } else { served.portal.next_fault() };
    if let Fault::Delay(delay) = fault {
        tokio::select! {
            () = tokio::time::sleep(delay) => {}
            () = served.stop.cancelled() => return Answer::error(503, &errors::status(503)),
        }
    }
    if let Some(answer) = faulty::replace_answer(&fault) {
        return answer;
    }
    let portal = served.portal.clone();
    let stale = fault == Fault::Stale;
    let page = tokio::task::spawn_blocking(move || page(&portal, &ask, stale)).await;
    let answer = page.unwrap_or_else(|error| {
        tracing::warn!(%error, "a query failed");
        Answer::error(500, &errors::status(500))
    });
    faulty::apply_fault(&fault, answer)
}

fn page(portal: &Portal, ask: &DataRequest, stale: bool) -> Answer {
    let settings = portal.settings();
    let (max_limit, tells_modified) = (settings.max_limit, settings.tells_modified);
    let salt = portal.next_serial();
    let datasets = portal.read();
    let Some(dataset) = datasets.get(&ask.id) else {
        return Answer::error(404, &errors::dataset_missing(&ask.id));
    };
    let rules = Rules { columns: &dataset.columns, refuse_id_comparison: dataset.refuse_id_comparison, max_limit };
    let refused = |failure, clauses: &Clauses| -> Value {
        errors::query(&failure, clauses, &dataset.columns, &dataset.id, &ask.query)
    };
    let clauses = match Clauses::read(&ask.query, &dataset.columns) {
        Ok(clauses) => clauses,
        Err(failure) => return Answer::error(400, &refused(failure, &Clauses::default())),
    };
    let query = match Query::check(&clauses, &rules) {
        Ok(query) => query,
        Err(failure) => return Answer::error(400, &refused(failure, &clauses)),
    };
    let modified = stamp::http_date(dataset.modified_s());
    if !stale && ask.unless_modified.as_deref() == Some(modified.as_str()) {
        let mut answer = Answer::new(304, Vec::new());
        answer.set("last-modified", modified);
        return answer;
    }
    let page = if stale { Page::new().finish() } else { exec::run(dataset, &query, salt) };
    let mut answer = Answer::new(200, page.body);
    answer.rows = page.rows;
    answer.is_page = true;
    add_field_headers(&mut answer, &query.fields, stale);
    if tells_modified {
        add_modified_headers(&mut answer, dataset, &modified, stale);
    }
    answer
}

/// Adds the headers of a page.
fn add_field_headers(answer: &mut Answer, fields: &[(String, Kind)], stale: bool) {
    let names: Vec<Value> = fields.iter().map(|(name, _)| Value::from(name.as_str())).collect();
    let types: Vec<Value> = fields.iter().map(|(_, kind)| Value::from(kind.name())).collect();
    answer.set("x-soda2-fields", Value::from(names).to_string());
    answer.set("x-soda2-types", Value::from(types).to_string());
    answer.set("x-soda2-data-out-of-date", if stale { "true" } else { "false" });
}

fn add_modified_headers(answer: &mut Answer, dataset: &Dataset, modified: &str, stale: bool) {
    answer.set("x-soda2-truth-last-modified", modified);
    // A replica that is behind declares the time of its last update.
    let behind = stamp::http_date(dataset.modified_ms.div_euclid(1_000) - if stale { 3_600 } else { 0 });
    answer.set("x-soda2-secondary-last-modified", behind.as_str());
    answer.set("last-modified", behind);
    answer.set("etag", format!("W/\"{:x}.{}\"", dataset.modified_ms, dataset.rows.len()));
}
