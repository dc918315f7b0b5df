//! Keys of `FULL` and `RIGHT JOIN ... USING (k)` and of `NATURAL` joins: `k` is the key of the side that has the row.
//! The engine reads it from the left side, where it is null for rows of the right side only.
//!
//! In a plan `k` and `a.k` are the same column, so a statement that names the key of one side is rejected.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::ops::ControlFlow;

use datafusion::common::tree_node::{Transformed, TreeNodeRecursion};
use datafusion::common::{Column, plan_err};
use datafusion::error::Result;
use datafusion::logical_expr::{
    Expr, ExprSchemable as _, Join, JoinConstraint, JoinType, LogicalPlan, LogicalPlanBuilder, col, when,
};
use datafusion::sql::sqlparser::ast::{
    self, FunctionArg, FunctionArgExpr, FunctionArguments, Ident, JoinOperator, SelectItem,
    SelectItemQualifiedWildcardKind, TableFactor, Visit as _, Visitor,
};

/// The replacement of an ambiguous key.
pub(super) const WRITE_USING: &str = "write USING with its keys instead of NATURAL";

/// The qualified column names in a statement.
#[derive(Default)]
pub(super) struct QualifiedNames {
    /// How often each occurs: `a.k`; and `a.*`, without a column.
    named: HashMap<(String, Option<String>), usize>,
    /// The tables and the column of each `COALESCE(a.k, b.k)`, which is the merged key.
    either: Vec<(BTreeSet<String>, String)>,
    has_natural_join: bool,
}

impl QualifiedNames {
    /// Collects the names in a statement.
    pub(super) fn from_statement(statement: &ast::Statement) -> Self {
        let mut names = Self::default();
        let _: ControlFlow<()> = statement.visit(&mut names);
        names
    }

    /// Returns whether the statement has a `NATURAL` join.
    pub(super) fn has_natural_join(&self) -> bool {
        self.has_natural_join
    }

    /// Returns whether the statement qualifies a column.
    fn has(&self, column: &Column) -> bool {
        table_name(column).is_some_and(|table| self.named.contains_key(&(table, Some(column.name.to_lowercase()))))
    }

    /// Returns whether the statement uses a column of one side rather than the merged key of `keys`.
    fn can_distinguish(&self, column: &Column, keys: &[Column]) -> bool {
        let Some(table) = table_name(column) else { return false };
        let name = column.name.to_lowercase();
        let all: BTreeSet<String> = keys.iter().filter_map(table_name).collect();
        let asked = self.named.get(&(table.clone(), Some(name.clone()))).copied().unwrap_or(0);
        let either = self.either.iter().filter(|(tables, of)| *of == name && *tables == all).count();
        asked > either || self.named.contains_key(&(table, None))
    }
}

fn table_name(column: &Column) -> Option<String> {
    column.relation.as_ref().map(|relation| relation.table().to_lowercase())
}

fn lower_case(part: &Ident) -> String {
    part.value.to_lowercase()
}

fn is_natural(join: &JoinOperator) -> bool {
    matches!(
        join,
        JoinOperator::Join(ast::JoinConstraint::Natural)
            | JoinOperator::Inner(ast::JoinConstraint::Natural)
            | JoinOperator::Left(ast::JoinConstraint::Natural)
            | JoinOperator::LeftOuter(ast::JoinConstraint::Natural)
            | JoinOperator::Right(ast::JoinConstraint::Natural)
            | JoinOperator::RightOuter(ast::JoinConstraint::Natural)
            | JoinOperator::FullOuter(ast::JoinConstraint::Natural)
    )
}

/// Returns the table and the column of `a.k`.
fn qualified_name(expr: &ast::Expr) -> Option<(String, String)> {
    match expr {
        ast::Expr::CompoundIdentifier(parts) => match parts.as_slice() {
            [.., table, name] => Some((lower_case(table), lower_case(name))),
            _ => None,
        },
        _ => None,
    }
}

/// Returns the columns of `COALESCE(a.k, b.k)`.
fn coalesced_names(expr: &ast::Expr) -> Option<Vec<(String, String)>> {
    let ast::Expr::Function(ast::Function { name, args: FunctionArguments::List(list), .. }) = expr else {
        return None;
    };
    if !name.to_string().eq_ignore_ascii_case("coalesce") {
        return None;
    }
    let columns = list.args.iter().map(|arg| match arg {
        FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => qualified_name(expr),
        _ => None,
    });
    columns.collect()
}

impl Visitor for QualifiedNames {
    type Break = ();

    fn pre_visit_select(&mut self, select: &ast::Select) -> ControlFlow<()> {
        let mut joins = select.from.iter().flat_map(|table| &table.joins);
        self.has_natural_join |= joins.any(|join| is_natural(&join.join_operator));
        for item in &select.projection {
            if let SelectItem::QualifiedWildcard(SelectItemQualifiedWildcardKind::ObjectName(name), _) = item
                && let Some(table) = name.0.last().and_then(|part| part.as_ident())
            {
                self.named.insert((lower_case(table), None), 1);
            }
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, table: &TableFactor) -> ControlFlow<()> {
        if let TableFactor::NestedJoin { table_with_joins, .. } = table {
            self.has_natural_join |= table_with_joins.joins.iter().any(|join| is_natural(&join.join_operator));
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &ast::Expr) -> ControlFlow<()> {
        if let Some((table, name)) = qualified_name(expr) {
            *self.named.entry((table, Some(name))).or_default() += 1;
        }
        if let Some(columns) = coalesced_names(expr)
            && let [(_, name), rest @ ..] = columns.as_slice()
            && rest.iter().all(|(_, other)| other == name)
        {
            let tables: BTreeSet<String> = columns.iter().map(|(table, _)| table.clone()).collect();
            if tables.len() == columns.len() {
                self.either.push((tables, name.clone()));
            }
        }
        ControlFlow::Continue(())
    }
}

/// Returns the plan with merged keys.
///
/// # Errors
/// If the statement uses the key of one side, or the keys have different types.
pub(super) fn rewrite(plan: LogicalPlan, names: &QualifiedNames) -> Result<Transformed<LogicalPlan>> {
    if names.has_natural_join {
        plan.apply_with_subqueries(|node| {
            check_outer_names(node, names)?;
            Ok(TreeNodeRecursion::Continue)
        })?;
    }
    plan.transform_up_with_subqueries(|node| match node {
        LogicalPlan::Join(join)
            if join.join_constraint == JoinConstraint::Using
                && matches!(join.join_type, JoinType::Full | JoinType::Right) =>
        {
            coalesce_keys(join, names).map(Transformed::yes)
        }
        node => Ok(Transformed::no(node)),
    })
}

/// Fails if a subquery refers to an outer column with the name of a key of its own: the engine resolves ambiguous
/// names in the outer query.
fn check_outer_names(node: &LogicalPlan, names: &QualifiedNames) -> Result<()> {
    let keys: HashSet<String> = node.using_columns()?.into_iter().flatten().map(|key| key.name).collect();
    for expr in node.all_out_ref_exprs() {
        if let Expr::OuterReferenceColumn(_, column) = expr
            && keys.contains(&column.name)
            && !names.has(&column)
        {
            return plan_err!(
                "`{}` may be a column of the query around the subquery, or a key; {WRITE_USING}",
                column.name
            );
        }
    }
    Ok(())
}

fn coalesce_keys(join: Join, names: &QualifiedNames) -> Result<LogicalPlan> {
    let same_in_left = join.left.using_columns()?;
    let mut replaced: Vec<(Column, Expr)> = Vec::new();
    for (one, other) in &join.on {
        let (Some(left), Some(right)) = (one.get_as_join_column(), other.get_as_join_column()) else {
            return plan_err!("the key {one} of USING is not a column; write ON");
        };
        let name = &left.name;
        let kinds = (col(left.clone()).get_type(&join.schema)?, col(right.clone()).get_type(&join.schema)?);
        if kinds.0 != kinds.1 {
            return plan_err!(
                "`{name}` of USING is {} on the left and {} on the right; write ON, and COALESCE of the two with a CAST",
                kinds.0,
                kinds.1
            );
        }
        // `a JOIN b USING (k) FULL JOIN c USING (k)`: `k` may be read from either table on the left.
        let mut keys: Vec<Column> = same_in_left.iter().filter(|same| same.contains(left)).flatten().cloned().collect();
        keys.push(left.clone());
        keys.push(right.clone());
        let is_full = join.join_type == JoinType::Full;
        let mut seen = HashSet::new();
        keys.retain(|key| seen.insert(key.clone()));
        let asked = keys.iter().filter(|key| is_full || *key != right).find(|key| names.can_distinguish(key, &keys));
        if let Some(column) = asked {
            return plan_err!(
                "{column} next to `{name}` of {} JOIN ... USING: the key of one side cannot be distinguished from that of either; \
                 write ON {left} = {right}, and COALESCE({left}, {right}) for the key of either",
                join.join_type.to_string().to_uppercase()
            );
        }
        let either = if is_full {
            when(col(left.clone()).is_null(), col(right.clone())).otherwise(col(left.clone()))?
        } else {
            col(right.clone())
        };
        replaced.extend(keys.into_iter().map(|column| (column, either.clone())));
    }
    let columns =
        join.schema.columns().into_iter().map(|column| match replaced.iter().find(|(key, _)| *key == column) {
            Some((_, either)) => either.clone().alias_qualified(column.relation, column.name),
            None => Expr::Column(column),
        });
    let columns: Vec<Expr> = columns.collect();
    LogicalPlanBuilder::from(LogicalPlan::Join(join)).project(columns)?.build()
}
