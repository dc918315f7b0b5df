//! The capabilities of this server, as drivers request them (`GetSqlInfo`).

use std::collections::BTreeSet;

use arrow::array::RecordBatch;
use arrow_flight::sql::metadata::SqlInfoDataBuilder;
use arrow_flight::sql::{
    SqlInfo, SqlNullOrdering, SqlOuterJoinsSupportLevel, SqlSupportedCaseSensitivity, SqlSupportedGroupBy,
    SqlSupportedSubqueries, SqlSupportedTransaction, SqlSupportedUnions, SupportedSqlGrammar,
};
use lake_model::{Kind, Result, ResultExt};

use crate::app::App;

/// The layout of Arrow's columns; that of its messages has not changed since.
const ARROW_VERSION: &str = "1.3";

/// Facts that are answered at a time.
const MAX_FACTS: usize = 1_000;

/// Returns the chosen facts, or all if none is chosen.
///
/// # Errors
/// Never, as every fact has its type.
pub(super) fn rows(app: &App, chosen: &[u32]) -> Result<RecordBatch> {
    let mut facts = SqlInfoDataBuilder::new();
    append_server(app, &mut facts);
    append_language(app, &mut facts);
    append_statements(&mut facts);
    // There are not as many; each request of one costs a pass.
    let chosen: BTreeSet<u32> = chosen.iter().copied().take(MAX_FACTS).collect();
    let facts = facts.build().and_then(|facts| facts.record_batch(chosen));
    facts.or_err(Kind::Internal, || "what this server can do")
}

fn append_server(app: &App, facts: &mut SqlInfoDataBuilder) {
    facts.append(SqlInfo::FlightSqlServerName, "hotspots-lake");
    facts.append(SqlInfo::FlightSqlServerVersion, env!("CARGO_PKG_VERSION"));
    facts.append(SqlInfo::FlightSqlServerArrowVersion, ARROW_VERSION);
    facts.append(SqlInfo::FlightSqlServerReadOnly, true);
    facts.append(SqlInfo::FlightSqlServerSql, true);
    facts.append(SqlInfo::FlightSqlServerSubstrait, false);
    facts.append(SqlInfo::FlightSqlServerTransaction, SqlSupportedTransaction::None as i32);
    facts.append(SqlInfo::FlightSqlServerCancel, true);
    facts.append(SqlInfo::FlightSqlServerBulkIngestion, false);
    facts.append(SqlInfo::FlightSqlServerIngestTransactionsSupported, false);
    let timeout = i32::try_from(app.limits.timeout.as_millis()).unwrap_or(i32::MAX);
    facts.append(SqlInfo::FlightSqlServerStatementTimeout, timeout);
    facts.append(SqlInfo::FlightSqlServerTransactionTimeout, 0_i32);
}

/// Appends the names and functions that SQL has here.
fn append_language(app: &App, facts: &mut SqlInfoDataBuilder) {
    facts.append(SqlInfo::SqlIdentifierCase, SqlSupportedCaseSensitivity::SqlCaseSensitivityLowercase as i32);
    facts.append(SqlInfo::SqlIdentifierQuoteChar, "\"");
    facts.append(SqlInfo::SqlQuotedIdentifierCase, SqlSupportedCaseSensitivity::SqlCaseSensitivityUnknown as i32);
    facts.append(SqlInfo::SqlNullOrdering, SqlNullOrdering::SqlNullsSortedHigh as i32);
    facts.append(SqlInfo::SqlKeywords, Vec::<String>::new());
    facts.append(SqlInfo::SqlSearchStringEscape, "\\");
    facts.append(SqlInfo::SqlExtraNameCharacters, "");
    facts.append(SqlInfo::SqlCatalogTerm, "catalog");
    facts.append(SqlInfo::SqlSchemaTerm, "schema");
    facts.append(SqlInfo::SqlProcedureTerm, "procedure");
    facts.append(SqlInfo::SqlCatalogAtStart, true);
    let state = app.reader.engine().session().context().state();
    let named = |sections: &[&str]| {
        let in_section = |section: &str| sections.contains(&section);
        let functions = state.scalar_functions().iter();
        let functions = functions.filter(|(_, f)| f.documentation().is_some_and(|d| in_section(d.doc_section.label)));
        let mut names: Vec<String> = functions.map(|(name, _)| name.clone()).collect();
        names.sort_unstable();
        names
    };
    facts.append(SqlInfo::SqlNumericFunctions, named(&["Math Functions"]));
    facts.append(SqlInfo::SqlStringFunctions, named(&["String Functions", "Regular Expression Functions"]));
    facts.append(SqlInfo::SqlDatetimeFunctions, named(&["Time and Date Functions"]));
    facts.append(SqlInfo::SqlSystemFunctions, named(&["Conditional Functions", "Other Functions"]));
}

/// Appends the facts about statements that are supported.
fn append_statements(facts: &mut SqlInfoDataBuilder) {
    let bits = |bits: &[i32]| bits.iter().fold(0, |all, bit| all | 1 << bit);
    for no in [
        SqlInfo::SqlDdlCatalog,
        SqlInfo::SqlDdlSchema,
        SqlInfo::SqlDdlTable,
        SqlInfo::SqlSelectForUpdateSupported,
        SqlInfo::SqlStoredProceduresSupported,
        SqlInfo::SqlTransactionsSupported,
        SqlInfo::SqlDataDefinitionCausesTransactionCommit,
        SqlInfo::SqlDataDefinitionsInTransactionsIgnored,
        SqlInfo::SqlSupportsIntegrityEnhancementFacility,
        SqlInfo::SqlSupportsDifferentTableCorrelationNames,
        SqlInfo::SqlBatchUpdatesSupported,
        SqlInfo::SqlSavepointsSupported,
        SqlInfo::SqlLocatorsUpdateCopy,
        SqlInfo::SqlStoredFunctionsUsingCallSyntaxSupported,
    ] {
        facts.append(no, false);
    }
    for yes in [
        SqlInfo::SqlAllTablesAreSelectable,
        SqlInfo::SqlSupportsColumnAliasing,
        SqlInfo::SqlNullPlusNullIsNull,
        SqlInfo::SqlSupportsTableCorrelationNames,
        SqlInfo::SqlSupportsExpressionsInOrderBy,
        SqlInfo::SqlSupportsOrderByUnrelated,
        SqlInfo::SqlSupportsLikeEscapeClause,
        SqlInfo::SqlSupportsNonNullableColumns,
        SqlInfo::SqlCorrelatedSubqueriesSupported,
        SqlInfo::SqlNamedParametersSupported,
    ] {
        facts.append(yes, true);
    }
    facts.append(SqlInfo::SqlSupportedGroupBy, bits(&[SqlSupportedGroupBy::SqlGroupByUnrelated as i32]));
    facts.append(
        SqlInfo::SqlSupportedGrammar,
        bits(&[SupportedSqlGrammar::SqlMinimumGrammar as i32, SupportedSqlGrammar::SqlCoreGrammar as i32]),
    );
    facts.append(SqlInfo::SqlAnsi92SupportedLevel, 0_i32);
    facts.append(SqlInfo::SqlOuterJoinsSupportLevel, bits(&[SqlOuterJoinsSupportLevel::SqlFullOuterJoins as i32]));
    facts.append(
        SqlInfo::SqlSupportedSubqueries,
        bits(&[
            SqlSupportedSubqueries::SqlSubqueriesInComparisons as i32,
            SqlSupportedSubqueries::SqlSubqueriesInExists as i32,
            SqlSupportedSubqueries::SqlSubqueriesInIns as i32,
        ]),
    );
    facts.append(
        SqlInfo::SqlSupportedUnions,
        bits(&[SqlSupportedUnions::SqlUnion as i32, SqlSupportedUnions::SqlUnionAll as i32]),
    );
    facts.append(SqlInfo::SqlSupportedPositionedCommands, 0_i32);
    facts.append(SqlInfo::SqlSchemasSupportedActions, 0_i32);
    facts.append(SqlInfo::SqlCatalogsSupportedActions, 0_i32);
    facts.append(SqlInfo::SqlDefaultTransactionIsolation, 0_i32);
    facts.append(SqlInfo::SqlSupportedTransactionsIsolationLevels, 0_i32);
}
