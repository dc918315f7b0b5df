//! Times in a text with an offset or a zone. The engine moves them to UTC without a word; the times of a lake are the city's
//! wall clock, so such a text would be read as another time. `Z` means nothing, as over HTTP.

use arrow::datatypes::DataType;
use datafusion::common::config::ConfigOptions;
use datafusion::common::plan_err;
use datafusion::common::tree_node::{TreeNode as _, TreeNodeRecursion};
use datafusion::error::Result;
use datafusion::logical_expr::expr::{Cast, TryCast};
use datafusion::logical_expr::{Expr, LogicalPlan};
use datafusion::optimizer::AnalyzerRule;

/// Refuses a text with an offset where it becomes a wall-clock time.
#[derive(Debug)]
pub(super) struct RefuseOffsets;

impl AnalyzerRule for RefuseOffsets {
    fn name(&self) -> &'static str {
        "refuse_offsets"
    }

    fn analyze(&self, plan: LogicalPlan, _config: &ConfigOptions) -> Result<LogicalPlan> {
        plan.apply_with_subqueries(|node| {
            node.apply_expressions(|expr| expr.apply(|part| check(part).map(|()| TreeNodeRecursion::Continue)))
        })?;
        Ok(plan)
    }
}

fn check(expr: &Expr) -> Result<()> {
    let (Expr::Cast(Cast { expr, field }) | Expr::TryCast(TryCast { expr, field })) = expr else { return Ok(()) };
    let (DataType::Timestamp(_, None), Expr::Literal(value, _)) = (field.data_type(), expr.as_ref()) else {
        return Ok(());
    };
    let Some(text) = value.try_as_str().flatten() else { return Ok(()) };
    match zone_of(text) {
        None => Ok(()),
        Some(zone) => plan_err!(
            "`{text}` has the zone `{zone}`; times are the city's wall clock: leave it out, or compare \
             `occurred_at AT TIME ZONE 'zone'` with `TIMESTAMPTZ '{text}'`"
        ),
    }
}

/// Returns the offset or zone after the time of day, if it is another one than UTC's.
fn zone_of(text: &str) -> Option<&str> {
    let clock = text.trim().get("2024-01-05T".len()..)?;
    let end = clock.find(|c: char| !c.is_ascii_digit() && c != ':' && c != '.')?;
    let zone = clock.get(end..)?.trim();
    if end == 0 {
        return None;
    }
    let is_utc =
        zone.eq_ignore_ascii_case("z") || zone.trim_start_matches(['+', '-']).bytes().all(|c| c == b'0' || c == b':');
    (!is_utc).then_some(zone)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_follows_the_time_of_day_is_its_zone() {
        for (text, zone) in [
            ("2024-01-05T00:00:00+02:00", Some("+02:00")),
            ("2024-01-05 00:00:00.123-0800", Some("-0800")),
            ("2024-01-05 00:00 America/Los_Angeles", Some("America/Los_Angeles")),
            ("2024-01-05T00:00:00Z", None),
            ("2024-01-05t00:00:00z", None),
            ("2024-01-05T00:00:00+00:00", None),
            ("2024-01-05T00:00:00", None),
            ("2024-01-05", None),
            ("", None),
            ("tomorrow", None),
            ("2024-01-05 at noon", None),
        ] {
            assert_eq!(zone_of(text), zone, "{text}");
        }
    }
}
