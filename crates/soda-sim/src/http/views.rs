//! `/api/views/<id>.json`: the metadata of a dataset.

use serde_json::{Value, json};

use super::answer::Answer;
use crate::errors;
use crate::portal::Portal;

pub(crate) fn answer(portal: &Portal, id: &str) -> Answer {
    let datasets = portal.read();
    let Some(dataset) = datasets.get(id) else {
        return Answer::error(404, &errors::dataset_missing(id));
    };
    let columns: Vec<Value> = dataset
        .columns
        .iter()
        .enumerate()
        .map(|(place, column)| {
            json!({
                "id": place + 1,
                "name": title(&column.name),
                "dataTypeName": column.kind.metadata_name(),
                "fieldName": column.name,
                "position": place + 1,
                "renderTypeName": column.kind.metadata_name(),
            })
        })
        .collect();
    let modified = dataset.modified_s();
    let view = json!({
        "id": dataset.id,
        "name": dataset.name,
        "assetType": "dataset",
        "rowsUpdatedAt": modified,
        "viewLastModified": modified,
        "columns": columns,
    });
    Answer::new(200, view.to_string().into_bytes())
}

/// Formats `incident_date` as people read it.
fn title(name: &str) -> String {
    name.split('_')
        .map(|word| {
            let mut letters = word.chars();
            letters.next().map_or(String::new(), |first| first.to_uppercase().chain(letters).collect())
        })
        .collect::<Vec<String>>()
        .join(" ")
}
