//! How a raw row becomes an incident: one rule, written as SQL, used by landing, compaction and reading alike.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{Schema, SchemaRef};
use datafusion::common::DFSchema;
use datafusion::physical_plan::PhysicalExpr;
use datafusion::prelude::SessionContext;
use lake_model::{Error, Kind, Resource, Result, ResultExt};
use lake_store::incident_fields;

use crate::error::engine_error;
use crate::functions::h3::h3_functions;

fn quote_name(name: &str) -> String {
    format!("\"{name}\"")
}

/// Returns the columns of `incidents` (without resource and year) as expressions over the raw table of a resource, in
/// the order of [`incident_fields`]: `(name, expression)`.
fn incident_expressions(resource: &Resource) -> Vec<(&'static str, String)> {
    let roles = &resource.roles;
    let label = |column: &Option<String>| match column {
        // Empty text is how some publishers write "absent".
        Some(name) => format!("NULLIF(CAST({} AS VARCHAR), '')", quote_name(name)),
        None => "CAST(NULL AS VARCHAR)".to_owned(),
    };
    let bounds = &resource.bounds;
    // As microseconds: a time literal is in nanoseconds, and comparing with it fails for years those do not reach.
    let instant = |column: &str| {
        format!(
            "CASE WHEN CAST({c} AS BIGINT) >= {} AND CAST({c} AS BIGINT) < {} THEN {c} END",
            bounds.earliest,
            bounds.latest,
            c = quote_name(column),
        )
    };
    let (latitude, longitude) = match (&roles.latitude, &roles.longitude, &roles.point) {
        (Some(latitude), Some(longitude), _) => (quote_name(latitude), quote_name(longitude)),
        (_, _, Some(point)) => {
            (format!("{}['latitude']", quote_name(point)), format!("{}['longitude']", quote_name(point)))
        }
        _ => ("CAST(NULL AS DOUBLE)".to_owned(), "CAST(NULL AS DOUBLE)".to_owned()),
    };
    let located = format!(
        "{latitude} BETWEEN {:?} AND {:?} AND {longitude} BETWEEN {:?} AND {:?} AND NOT ({latitude} = 0.0 AND {longitude} = 0.0)",
        bounds.south, bounds.north, bounds.west, bounds.east,
    );
    vec![
        ("id", quote_name("_key")),
        ("occurred_at", instant(&roles.occurred_at)),
        ("closed_at", roles.closed_at.as_ref().map_or("CAST(NULL AS TIMESTAMP)".to_owned(), |c| instant(c))),
        ("category", label(&roles.category)),
        ("subcategory", label(&roles.subcategory)),
        ("status", label(&roles.status)),
        ("district", label(&roles.district)),
        ("neighborhood", label(&roles.neighborhood)),
        ("latitude", format!("CASE WHEN {located} THEN {latitude} END")),
        ("longitude", format!("CASE WHEN {located} THEN {longitude} END")),
        (
            "cell",
            format!(
                "CASE WHEN {located} THEN h3_latlng_to_cell({latitude}, {longitude}, {}) END",
                lake_model::FINEST_RESOLUTION
            ),
        ),
    ]
}

/// Returns the select list that turns raw rows of `resource` into incidents, with the types of the table.
pub fn incident_select(resource: &Resource) -> String {
    let columns = incident_expressions(resource).into_iter().map(|(name, expression)| {
        let kind = match name {
            "occurred_at" | "closed_at" => "'Timestamp(Microsecond, None)'",
            "latitude" | "longitude" => "'Float64'",
            "cell" => "'Int64'",
            _ => "'Utf8'",
        };
        format!("arrow_cast({expression}, {kind}) AS {name}")
    });
    columns.collect::<Vec<_>>().join(",\n    ")
}

/// The same rule over a batch in memory, for landing.
pub struct IncidentProjector {
    expressions: Vec<Arc<dyn PhysicalExpr>>,
    schema: SchemaRef,
}

impl std::fmt::Debug for IncidentProjector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("IncidentProjector").finish_non_exhaustive()
    }
}

impl IncidentProjector {
    /// Creates the projection of `resource` over batches of `raw` columns.
    ///
    /// # Errors
    /// If the resource's roles do not fit its columns.
    pub fn new(resource: &Resource, raw: &SchemaRef) -> Result<Self> {
        let context = SessionContext::new();
        for function in h3_functions() {
            context.register_udf(function);
        }
        let df_schema = DFSchema::try_from(Arc::clone(raw)).map_err(engine_error)?;
        let fields = incident_fields();
        let mut compiled = Vec::new();
        for ((name, expression), field) in incident_expressions(resource).into_iter().zip(&fields) {
            let build = || -> datafusion::error::Result<_> {
                let parsed = context.parse_sql_expr(&expression, &df_schema)?;
                let typed = datafusion::logical_expr::cast(parsed, field.data_type().clone());
                context.create_physical_expr(typed, &df_schema)
            };
            compiled.push(build().map_err(|e| engine_error(e).context(format!("{}: `{name}`", resource.name)))?);
        }
        Ok(Self { expressions: compiled, schema: Arc::new(Schema::new(fields)) })
    }

    /// Projects the rows of `batch` to incidents.
    ///
    /// # Errors
    /// If the batch has other columns than the rule was made for.
    pub fn project(&self, batch: &RecordBatch) -> Result<RecordBatch> {
        let mut columns = Vec::with_capacity(self.expressions.len());
        for expression in &self.expressions {
            let value = expression.evaluate(batch).map_err(engine_error)?;
            columns.push(value.into_array(batch.num_rows()).map_err(engine_error)?);
        }
        RecordBatch::try_new(Arc::clone(&self.schema), columns)
            .or_err(Kind::Internal, || "the incident columns")
            .map_err(|e: Error| e)
    }
}
