//! A filter by the values of a column.

use datafusion::logical_expr::Expr;
use datafusion::prelude::lit;

use crate::parameter_values::sort_and_dedup;
use crate::parameters::Parameters;

/// Values that a column must have or must not have. An empty text means null, since no label is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ValueFilter {
    /// The values to include; all if empty.
    pub included: Vec<String>,
    /// The values to exclude.
    pub excluded: Vec<String>,
}

impl ValueFilter {
    /// Returns the filter of the parameters `name` and `name!`.
    pub fn parse(parameters: &Parameters, name: &str) -> Self {
        let texts = |name: &str| sort_and_dedup(parameters.all(name).unwrap_or_default().to_vec());
        Self { included: texts(name), excluded: texts(&format!("{name}!")) }
    }

    /// Returns whether a value that is not null passes.
    pub fn contains(&self, value: &str) -> bool {
        let is = |text: &String| text == value;
        (self.included.is_empty() || self.included.iter().any(is)) && !self.excluded.iter().any(is)
    }

    /// Returns the conditions on a column in a plan. Values that `name!` does not name pass, and so does null.
    pub fn tests(&self, column: &Expr) -> Vec<Expr> {
        let included = in_list(column, &self.included);
        let excluded = in_list(column, &self.excluded).map(|test| test.is_not_true());
        included.into_iter().chain(excluded).collect()
    }
}

fn in_list(column: &Expr, texts: &[String]) -> Option<Expr> {
    let named: Vec<Expr> = texts.iter().filter(|text| !text.is_empty()).map(|text| lit(text.as_str())).collect();
    let is_named = (!named.is_empty()).then(|| column.clone().in_list(named, false));
    let is_null = texts.iter().any(String::is_empty).then(|| column.clone().is_null());
    is_named.into_iter().chain(is_null).reduce(Expr::or)
}
