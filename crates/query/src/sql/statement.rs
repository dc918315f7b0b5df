//! SQL with placeholders for values: `?`, `$1` or `$name`, bound and never pasted into the text.

use std::collections::BTreeMap;

use arrow::datatypes::{DataType, SchemaRef};
use arrow::util::display::array_value_to_string;
use datafusion::common::tree_node::{TreeNode as _, TreeNodeRecursion};
use datafusion::common::{ParamValues, ScalarValue};
use datafusion::dataframe::DataFrame;
use datafusion::logical_expr::{Expr, LogicalPlan, Volatility};
use lake_model::{Error, Result, listed, nearest};
use serde_json::Value;

use crate::engine::Session;
use crate::error::statement_error;
use crate::sql::parameter_value::{fit_value, value_from_json};
use crate::sql::placeholders;

/// Planned read-only SQL whose values are yet to be given.
#[derive(Clone, Debug)]
pub struct Statement {
    frame: DataFrame,
    parameters: Vec<(String, Option<DataType>)>,
}

impl Session {
    /// Plans read-only SQL with placeholders.
    ///
    /// # Errors
    /// If it is wrong (with its position), would change anything, or mixes `?` with `$1`.
    pub async fn prepare(&self, text: &str) -> Result<Statement> {
        let frame = self.plan(text, placeholders::number_placeholders).await?;
        let types = frame.logical_plan().get_parameter_types().map_err(statement_error)?;
        // By number where they are numbers: `$2` before `$10`.
        let ordered: BTreeMap<(usize, String), Option<DataType>> = types
            .into_iter()
            .map(|(place, kind)| {
                let name = place.trim_start_matches('$').to_owned();
                ((name.parse().unwrap_or(usize::MAX), name), kind)
            })
            .collect();
        let parameters = ordered.into_iter().map(|((_, name), kind)| (name, kind)).collect();
        Ok(Statement { frame, parameters })
    }
}

impl Statement {
    /// Returns the columns of its answer.
    pub fn schema(&self) -> SchemaRef {
        SchemaRef::new(self.frame.schema().as_arrow().clone())
    }

    /// Returns the names of its placeholders without `$`, numbers first, with their types where the SQL determines them.
    pub fn parameters(&self) -> &[(String, Option<DataType>)] {
        &self.parameters
    }

    /// Returns whether its answer follows from the tables and the values alone: the same versions, the same answer.
    pub fn is_fixed(&self) -> bool {
        let mut fixed = true;
        let visited = self.frame.logical_plan().apply_with_subqueries(|plan| {
            fixed &= !matches!(plan, LogicalPlan::Explain(_) | LogicalPlan::Analyze(_));
            plan.apply_expressions(|expr| {
                expr.apply(|part| {
                    if let Expr::ScalarFunction(call) = part {
                        fixed &= call.func.signature().volatility == Volatility::Immutable;
                    }
                    Ok(TreeNodeRecursion::Continue)
                })
            })
        });
        visited.is_ok() && fixed
    }

    /// Returns values for its placeholders from JSON: an object by their names, or an array in their order.
    ///
    /// # Errors
    /// If it is neither, or a value has no placeholder or does not fit.
    pub fn values_from_json(&self, given: &Value) -> Result<ParamValues> {
        let named: Vec<(String, &Value)> = match given {
            Value::Null => Vec::new(),
            Value::Object(members) => {
                members.iter().map(|(name, value)| (strip_dollar(name).to_owned(), value)).collect()
            }
            Value::Array(items) => items.iter().enumerate().map(|(at, value)| ((at + 1).to_string(), value)).collect(),
            _ => {
                return Err(Error::invalid(
                    "values are an object by name, or an array in the order of the placeholders",
                ));
            }
        };
        let values = named.into_iter().map(|(name, value)| {
            let scalar = value_from_json(value).ok_or_else(|| self.misfit_error(&name, &value.to_string()))?;
            Ok((name, scalar))
        });
        self.values(values.collect::<Result<Vec<_>>>()?)
    }

    /// Returns values for its placeholders, each with the name of its placeholder.
    ///
    /// # Errors
    /// If a value has no placeholder or does not fit.
    pub fn values(&self, given: impl IntoIterator<Item = (String, ScalarValue)>) -> Result<ParamValues> {
        let mut values = Vec::new();
        for (name, value) in given {
            let Some((_, kind)) = self.parameters.iter().find(|(place, _)| *place == name) else {
                let names = || self.parameters.iter().map(|(place, _)| place.as_str());
                let near = nearest(&name, names()).map(|near| format!("did you mean `{near}`? ")).unwrap_or_default();
                return Err(Error::invalid(format!(
                    "the query has no placeholder ${name}; {near}It has {}",
                    listed(names())
                )));
            };
            match fit_value(&value, kind.as_ref()) {
                Some(fits) => values.push((name, fits)),
                None => return Err(self.misfit_error(&name, &display_value(&value))),
            }
        }
        Ok(ParamValues::from(values))
    }

    /// Returns values for its placeholders from a row: by position where these are numbers, else by name.
    ///
    /// # Errors
    /// If there are more values than placeholders, or one has no placeholder or does not fit.
    pub fn values_from_row(&self, row: Vec<(String, ScalarValue)>) -> Result<ParamValues> {
        if row.len() > self.parameters.len() {
            let (places, given) = (self.parameters.len(), row.len());
            return Err(Error::invalid(format!("the query has {places} placeholders, and {given} values are bound")));
        }
        let by_position = self.parameters.iter().all(|(place, _)| place.parse::<usize>().is_ok());
        self.values(row.into_iter().enumerate().map(|(at, (name, value))| {
            let place = if by_position { (at + 1).to_string() } else { name };
            (place, value)
        }))
    }

    fn misfit_error(&self, name: &str, shown: &str) -> Error {
        let kind = self.parameters.iter().find(|(place, _)| place == name).and_then(|(_, kind)| kind.as_ref());
        let wanted = kind.map_or_else(|| "text, number, boolean or null".to_owned(), ToString::to_string);
        Error::invalid(format!("`{shown}` does not fit ${name}: {wanted}"))
    }

    /// Returns the plan of the statement with these values.
    ///
    /// # Errors
    /// If a placeholder has no value, or one that does not fit.
    pub fn bind(self, values: ParamValues) -> Result<DataFrame> {
        let has = |name: &str| values.get_placeholders_with_values(&format!("${name}")).is_ok();
        let missing: Vec<&str> =
            self.parameters.iter().map(|(name, _)| name.as_str()).filter(|name| !has(name)).collect();
        if !missing.is_empty() {
            return Err(Error::invalid(format!(
                "the query has no value for {}",
                listed(missing).replace(" or ", " and ")
            )));
        }
        if self.parameters.is_empty() {
            return Ok(self.frame);
        }
        self.frame.with_param_values(values).map_err(statement_error)
    }
}

/// Formats a value for people: a text in quotes, a time with its zone.
fn display_value(value: &ScalarValue) -> String {
    match value.try_as_str() {
        Some(Some(text)) => Value::from(text).to_string(),
        _ => {
            let array = value.to_array().ok();
            let text = array.and_then(|array| array_value_to_string(&array, 0).ok());
            text.unwrap_or_else(|| value.to_string())
        }
    }
}

/// Returns a name without its `$`, if it has one.
fn strip_dollar(name: &str) -> &str {
    name.strip_prefix('$').unwrap_or(name)
}
