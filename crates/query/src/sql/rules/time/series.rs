//! `generate_series` and `range` of timestamps as tables. The engine's take and return nanoseconds only.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::datatypes::{DataType, TimeUnit};
use datafusion::catalog::view::ViewTable;
use datafusion::catalog::{TableFunction, TableFunctionArgs, TableFunctionImpl, TableProvider};
use datafusion::common::plan_datafusion_err;
use datafusion::datasource::provider_as_source;
use datafusion::error::Result;
use datafusion::logical_expr::{Expr, LogicalPlanBuilder, cast, ident};

/// Replaces the engine's functions.
pub(super) fn with_series(functions: &mut HashMap<String, Arc<TableFunction>>) {
    for name in ["generate_series", "range"] {
        if let Some(function) = functions.get_mut(name) {
            let of = Arc::clone(function);
            *function = Arc::new(TableFunction::new(name.to_owned(), Arc::new(Series { of })));
        }
    }
}

#[derive(Debug)]
struct Series {
    of: Arc<TableFunction>,
}

impl TableFunctionImpl for Series {
    fn call_with_args(&self, args: TableFunctionArgs<'_, '_>) -> Result<Arc<dyn TableProvider>> {
        let exprs = args.exprs().iter().map(in_nanoseconds).collect::<Result<Vec<_>>>()?;
        let table = self.of.create_table_provider_with_args(TableFunctionArgs::new(&exprs, args.session()))?;
        let schema = table.schema();
        let [field] = schema.fields().as_ref() else { return Ok(table) };
        let DataType::Timestamp(TimeUnit::Nanosecond, zone) = field.data_type() else { return Ok(table) };
        let value = cast(ident(field.name()), DataType::Timestamp(TimeUnit::Microsecond, zone.clone()));
        let plan = LogicalPlanBuilder::scan(self.of.name(), provider_as_source(table), None)?
            .project(vec![value.alias(field.name())])?
            .build()?;
        Ok(Arc::new(ViewTable::new(plan, None)))
    }
}

/// Returns the argument, in nanoseconds if it is a timestamp.
fn in_nanoseconds(expr: &Expr) -> Result<Expr> {
    let Expr::Literal(value, metadata) = expr else { return Ok(expr.clone()) };
    let DataType::Timestamp(_, zone) = value.data_type() else { return Ok(expr.clone()) };
    let value = value
        .cast_to(&DataType::Timestamp(TimeUnit::Nanosecond, zone))
        .map_err(|_| plan_datafusion_err!("a series of timestamps begins and ends between the years 1677 and 2262"))?;
    Ok(Expr::Literal(value, metadata.clone()))
}
