//! The metadata that drivers request: catalogs, schemas, tables, types, capabilities.

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use arrow_flight::error::FlightError;
use arrow_flight::sql::{Command, CommandGetCatalogs, CommandGetDbSchemas, CommandGetTables};
use datafusion::logical_expr::TableType;
use lake_model::{Error, Kind, Result, ResultExt};
use lake_query::engine_error;

use super::{keys, sql_info, sql_types};
use crate::app::App;

/// The catalog of every table.
const CATALOG: &str = "lake";

/// The schemas, with the types of their tables: a table computed from stored ones is a view.
const SCHEMAS: [&str; 3] = ["main", "raw", "stored"];

const TABLE: &str = "TABLE";
const VIEW: &str = "VIEW";

fn failed<T>(result: Result<T, FlightError>) -> Result<T> {
    result.or_err(Kind::Invalid, || "what the lake holds")
}

/// Returns the rows that answer a command about the lake; `None` if it is another command.
///
/// # Errors
/// If a filter is wrong or the lake cannot be read.
pub(super) async fn rows(app: &App, command: &Command) -> Result<Option<RecordBatch>> {
    Ok(Some(match command {
        Command::CommandGetCatalogs(command) => catalogs(*command)?,
        Command::CommandGetDbSchemas(command) => schemas(command.clone())?,
        Command::CommandGetTables(command) => tables(app, command.clone()).await?,
        Command::CommandGetTableTypes(command) => {
            let mut builder = command.into_builder();
            [TABLE, VIEW].into_iter().for_each(|kind| builder.append(kind));
            failed(builder.build())?
        }
        Command::CommandGetPrimaryKeys(_) => keys::primary(),
        Command::CommandGetExportedKeys(_)
        | Command::CommandGetImportedKeys(_)
        | Command::CommandGetCrossReference(_) => keys::foreign(),
        Command::CommandGetSqlInfo(command) => sql_info::rows(app, &command.info)?,
        Command::CommandGetXdbcTypeInfo(command) => sql_types::rows(command.data_type)?,
        _ => return Ok(None),
    }))
}

fn catalogs(command: CommandGetCatalogs) -> Result<RecordBatch> {
    let mut builder = command.into_builder();
    builder.append(CATALOG);
    failed(builder.build())
}

fn schemas(command: CommandGetDbSchemas) -> Result<RecordBatch> {
    let mut builder = command.into_builder();
    SCHEMAS.into_iter().for_each(|schema| builder.append(CATALOG, schema));
    failed(builder.build())
}

async fn tables(app: &App, command: CommandGetTables) -> Result<RecordBatch> {
    let session = app.open_context().await?.session().await?;
    let catalog = session.context().catalog(CATALOG).ok_or_else(|| Error::internal("the session has no catalog"))?;
    let mut builder = command.into_builder();
    for name in SCHEMAS {
        let schema = catalog.schema(name).ok_or_else(|| Error::internal(format!("there is no schema {name}")))?;
        for table in schema.table_names() {
            let Some(provider) = schema.table(&table).await.map_err(engine_error)? else { continue };
            let kind = match provider.table_type() {
                TableType::Base => TABLE,
                TableType::View | TableType::Temporary => VIEW,
            };
            let columns: SchemaRef = provider.schema();
            failed(builder.append(CATALOG, name, &table, kind, &columns))?;
        }
    }
    failed(builder.build())
}
