//! What a portal reports about a complete dataset: the number of rows, its age, and the rows of each month and
//! category.

use std::collections::BTreeMap;

use lake_model::{ColumnType, Error, Kind, Resource, Result, Window, format_wall_clock, parse_wall_clock};
use serde_json::{Map, Value};

use crate::decode::published::Published;
use crate::decode::times::TimeRules;
use crate::decode::value::Typed;
use crate::soda::client::SodaClient;
use crate::soda::scan::soql_literal;
use crate::soda::stamps::parse_stamp;

/// A dataset's rows as counted by the portal. Two equal extents prove that no row came, changed or went in between: a
/// row that comes or changes gets a newer `:updated_at`, and a row that goes reduces the number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Extent {
    /// Rows.
    pub rows: u64,
    /// The greatest `:updated_at`, as published; none where there are no rows.
    pub newest: Option<String>,
    /// The greatest that is not in the future: stamps beyond it do not show how new the rows are.
    pub newest_true: Option<String>,
}

/// Rows by month of occurrence (wall-clock microseconds of its start; none for the undated) and category.
pub type MonthlyCounts = BTreeMap<(Option<i64>, Option<String>), i64>;

/// Groups per request.
const GROUPS_A_PAGE: usize = 10_000;
/// The most groups that are read.
const MAX_GROUPS: usize = 1_000_000;

fn whole(value: Option<&Value>) -> Option<u64> {
    match value? {
        Value::String(text) => text.split('.').next()?.parse().ok(),
        number => number.as_u64(),
    }
}

fn text(row: &Map<String, Value>, name: &str) -> Option<String> {
    match row.get(name)? {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}

/// Returns a published label as the lake has it: a value that does not fit its column is absent, and so is empty text.
fn label(published: &Value, kind: ColumnType, times: &TimeRules) -> Option<String> {
    let json = published.to_string();
    let text = match Published(&json).to_typed(kind, times) {
        _ if published.is_null() => None,
        Some(Typed::Number(number)) => Some(format!("{number:?}")),
        Some(value) => Some(value.key_text()),
        None => None,
    };
    text.filter(|text| !text.is_empty())
}

/// Returns a published part of a key; none where it is of no use as one: such rows are rejects, each of its own.
fn key_part(published: &Value, kind: ColumnType, times: &TimeRules) -> Option<String> {
    let json = published.to_string();
    let published = Published(&json);
    published.to_typed(kind, times).filter(|value| !value.key_text().trim().is_empty())?;
    Some(published.text().into_owned())
}

/// The column of categories, by the name that the portal has for it.
#[derive(Clone, Copy)]
struct Category<'a> {
    column: &'a str,
    kind: ColumnType,
    rules: &'a TimeRules,
}

fn unusable(what: &str) -> Error {
    Error::new(Kind::Unavailable, format!("the portal's answer to {what} is not valid"))
}

fn refused(error: &Error) -> bool {
    error.kind() == Kind::Invalid
}

impl SodaClient {
    /// Asks how many rows there are and how new the newest is.
    ///
    /// # Errors
    /// If the portal refuses or does not answer usably.
    pub async fn fetch_extent(&self) -> Result<Extent> {
        let both = self.fetch_rows(&[("$select", "count(*) AS n,max(:updated_at) AS newest")]).await;
        let (rows, mut newest) = match both {
            Ok(rows) => {
                let row = rows.first().ok_or_else(|| unusable("how many rows there are"))?;
                (whole(row.get("n")), text(row, "newest"))
            }
            Err(error) if refused(&error) => {
                let counted = self.fetch_rows(&[("$select", "count(*) AS n")]).await?;
                (counted.first().and_then(|row| whole(row.get("n"))), None)
            }
            Err(error) => return Err(error),
        };
        // Some portals do not aggregate system fields.
        if newest.is_none() && rows.is_some_and(|rows| rows > 0) {
            let last = [("$select", ":updated_at"), ("$order", ":updated_at DESC"), ("$limit", "1")];
            newest = self.fetch_rows(&last).await?.first().and_then(|row| text(row, ":updated_at"));
        }
        let rows = rows.ok_or_else(|| unusable("how many rows there are"))?;
        let newest_true = self.fetch_newest_true(newest.as_deref()).await?;
        Ok(Extent { rows, newest, newest_true })
    }

    /// Returns the greatest `:updated_at` that is not in the future, where `newest` is the greatest of all.
    async fn fetch_newest_true(&self, newest: Option<&str>) -> Result<Option<String>> {
        let Some(newest) = newest else { return Ok(None) };
        let latest = self.latest_stamp();
        if parse_stamp(newest).is_some_and(|at| at <= latest) {
            return Ok(Some(newest.to_owned()));
        }
        // Whole seconds: the limit is the same for a request that follows at once.
        let filter = format!(":updated_at <= {}", soql_literal(&format!("{}.000Z", &format_wall_clock(latest)[..19])));
        let query = [("$select", ":updated_at"), ("$where", &filter), ("$order", ":updated_at DESC"), ("$limit", "1")];
        match self.fetch_rows(&query).await {
            Ok(rows) => Ok(rows.first().and_then(|row| text(row, ":updated_at"))),
            Err(error) if refused(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Returns the name that the portal has for a declared column now: its own, or one of its aliases.
    ///
    /// # Errors
    /// If it has none of them, or does not answer usably.
    pub async fn resolve_column_name(&self, resource: &Resource, column: &str) -> Result<String> {
        let aliases = resource.column(column).map(|declared| declared.aliases.as_slice()).unwrap_or_default();
        if aliases.is_empty() {
            return Ok(column.to_owned());
        }
        let mut last = None;
        for name in std::iter::once(column).chain(aliases.iter().map(String::as_str)) {
            match self.fetch_rows(&[("$select", name), ("$limit", "1")]).await {
                Ok(_) => return Ok(name.to_owned()),
                Err(error) if refused(&error) => last = Some(error),
                Err(error) => return Err(error),
            }
        }
        Err(last.unwrap_or_else(|| unusable(column)))
    }

    /// Fetches the rows by month and category, rejects included: in `window`, or all and the undated. Times outside the
    /// resource's bounds count as undated, as in the lake.
    ///
    /// # Errors
    /// If the portal refuses or does not answer usably.
    pub async fn fetch_monthly_counts(&self, resource: &Resource, window: Option<Window>) -> Result<MonthlyCounts> {
        let time = self.resolve_column_name(resource, &resource.roles.occurred_at).await?;
        let rules = TimeRules::new(resource);
        let category = match &resource.roles.category {
            Some(column) => {
                let kind = resource.column(column).map_or(ColumnType::Text, |declared| declared.kind);
                Some((self.resolve_column_name(resource, column).await?, kind))
            }
            None => None,
        };
        let category = category.as_ref().map(|(column, kind)| Category { column, kind: *kind, rules: &rules });
        let bounds = &resource.bounds;
        let start = window.map_or(bounds.earliest, |w| w.start.max(bounds.earliest));
        let end = window.map_or(bounds.latest, |w| w.end.min(bounds.latest));
        let instant = |micros: i64| soql_literal(&format!("{}.000", &format_wall_clock(micros)[..19]));
        let mut counts = MonthlyCounts::new();
        if start < end {
            let inside = format!("{time} >= {} AND {time} < {}", instant(start), instant(end));
            self.add_groups(&mut counts, Some(&time), category, &inside).await?;
        }
        if window.is_none() {
            let (earliest, latest) = (instant(bounds.earliest), instant(bounds.latest));
            let outside = format!("{time} IS NULL OR {time} < {earliest} OR {time} >= {latest}");
            self.add_groups(&mut counts, None, category, &outside).await?;
        }
        Ok(counts)
    }

    async fn add_groups(
        &self,
        counts: &mut MonthlyCounts,
        time: Option<&str>,
        category: Option<Category<'_>>,
        filter: &str,
    ) -> Result<()> {
        let month = time.map(|time| format!("date_trunc_ym({time})"));
        let parts = || month.as_deref().into_iter().chain(category.map(|category| category.column));
        let select: Vec<String> = month
            .iter()
            .map(|month| format!("{month} AS month"))
            .chain(category.map(|category| category.column.to_owned()))
            .chain(std::iter::once("count(*) AS n".to_owned()))
            .collect();
        let (select, group) = (select.join(","), parts().collect::<Vec<_>>().join(","));
        let limit = GROUPS_A_PAGE.to_string();
        let mut seen = 0;
        let mut before = Vec::new();
        loop {
            let offset = seen.to_string();
            let mut query =
                vec![("$select", select.as_str()), ("$where", filter), ("$limit", &limit), ("$offset", &offset)];
            if !group.is_empty() {
                query.extend([("$group", group.as_str()), ("$order", group.as_str())]);
            }
            let rows = self.fetch_rows(&query).await?;
            for row in &rows {
                let n = whole(row.get("n")).and_then(|n| i64::try_from(n).ok());
                let n = n.ok_or_else(|| unusable("how many rows a month has"))?;
                let at = match (time, text(row, "month")) {
                    (None, _) | (_, None) => None,
                    (Some(_), Some(text)) => Some(parse_wall_clock(&text).ok_or_else(|| unusable("the months"))?),
                };
                let name =
                    category.and_then(|category| label(row.get(category.column)?, category.kind, category.rules));
                *counts.entry((at, name)).or_default() += n;
            }
            seen += rows.len();
            // Without a group there is one row and no second page.
            if rows.is_empty() || group.is_empty() {
                break;
            }
            if rows == before || seen > MAX_GROUPS {
                let text = "the portal's months and categories do not end; it ignores `$offset`";
                return Err(Error::new(Kind::Unavailable, text));
            }
            before = rows;
        }
        counts.retain(|_, n| *n != 0);
        Ok(())
    }

    /// Keys that more than one row has, with how many: at most `most` of them.
    ///
    /// # Errors
    /// If the portal refuses or does not answer usably.
    pub async fn fetch_doubled_keys(&self, resource: &Resource, most: usize) -> Result<Vec<(String, u64)>> {
        let (mut names, mut kinds) = (Vec::new(), Vec::new());
        let times = TimeRules::new(resource);
        for column in &resource.key {
            names.push(self.resolve_column_name(resource, column).await?);
            kinds.push(resource.column(column).map_or(ColumnType::Text, |declared| declared.kind));
        }
        let (group, limit) = (names.join(","), most.to_string());
        let select = format!("{group},count(*) AS n");
        let mut query =
            vec![("$select", select.as_str()), ("$group", &group), ("$order", "n DESC"), ("$limit", &limit)];
        query.push(("$having", "count(*) > 1"));
        let rows = match self.fetch_rows(&query).await {
            // Without it the most come first all the same.
            Err(error) if refused(&error) => {
                query.pop();
                self.fetch_rows(&query).await?
            }
            rows => rows?,
        };
        let doubled = rows.iter().filter_map(|row| {
            let n = whole(row.get("n")).filter(|n| *n > 1)?;
            let key: Option<Vec<String>> =
                names.iter().zip(&kinds).map(|(name, kind)| key_part(row.get(name)?, *kind, &times)).collect();
            Some((key?.join("|"), n))
        });
        Ok(doubled.collect())
    }
}
