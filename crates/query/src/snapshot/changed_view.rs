//! The view of what landed above the watermark of a resource.

use lake_model::{Resource, Result};

use crate::projection::incident_select;
use crate::snapshot::resource_snapshot::ResourceSnapshot;
use crate::sql::sql_files;
use crate::sql::templates::fill;

/// Returns the SQL of the current versions of the keys that landed above the watermark of a resource, from its raw table.
pub(crate) fn changed_view_sql(definition: &Resource, resource: &ResourceSnapshot, raw: &str) -> Result<String> {
    fill(
        sql_files::VIEWS_CHANGED,
        &[
            ("incident", &incident_select(definition)),
            ("raw", raw),
            ("above", &resource.watermark().to_string()),
            ("through", &resource.through.to_string()),
        ],
    )
}
