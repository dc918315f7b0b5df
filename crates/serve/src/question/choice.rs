//! Which values of a column are asked for, and which are not.

use datafusion::logical_expr::Expr;
use datafusion::prelude::lit;

use super::parameters::Parameters;
use super::values::in_order;

/// Values that are wanted and values that are not. An empty text stands for null: no label is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Choice {
    pub(crate) wanted: Vec<String>,
    pub(crate) unwanted: Vec<String>,
}

impl Choice {
    /// The choice of the parameters `name` and `name!`.
    pub(crate) fn parse(parameters: &Parameters, name: &str) -> Self {
        let texts = |name: &str| in_order(parameters.many(name).unwrap_or_default().to_vec());
        Self { wanted: texts(name), unwanted: texts(&format!("{name}!")) }
    }

    /// Whether a value that is not null is asked for.
    pub(crate) fn holds(&self, value: &str) -> bool {
        let is = |text: &String| text == value;
        (self.wanted.is_empty() || self.wanted.iter().any(is)) && !self.unwanted.iter().any(is)
    }

    /// The tests of a column in a plan. What is not named by `name!` is left, null as well.
    pub(crate) fn tests(&self, column: &Expr) -> Vec<Expr> {
        let wanted = one_of(column, &self.wanted);
        let unwanted = one_of(column, &self.unwanted).map(|test| test.is_not_true());
        wanted.into_iter().chain(unwanted).collect()
    }
}

fn one_of(column: &Expr, texts: &[String]) -> Option<Expr> {
    let named: Vec<Expr> = texts.iter().filter(|text| !text.is_empty()).map(|text| lit(text.as_str())).collect();
    let is_named = (!named.is_empty()).then(|| column.clone().in_list(named, false));
    let is_null = texts.iter().any(String::is_empty).then(|| column.clone().is_null());
    is_named.into_iter().chain(is_null).reduce(Expr::or)
}
