//! The engine: limits and functions shared by every session.

use std::borrow::Cow;
use std::path::PathBuf;
use std::sync::Arc;

use datafusion::dataframe::DataFrame;
use datafusion::execution::SessionStateBuilder;
use datafusion::execution::context::SQLOptions;
use datafusion::execution::disk_manager::{DiskManagerBuilder, DiskManagerMode};
use datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};
use datafusion::logical_expr::LogicalPlan;
use datafusion::prelude::{SessionConfig, SessionContext};
use datafusion::sql::parser::Statement;
use lake_model::{Kind, Result, ResultExt};
use lake_store::Location;
use url::Url;

use crate::error::{engine_error, statement_error};
use crate::functions::h3::h3_functions;
use crate::functions::point_in_polygon::point_in_polygon;
use crate::snapshot::delta_files::LAKE_STORE;
use crate::sql::filter_pushdown::physical_rules;
use crate::sql::guard::depth;
use crate::sql::guard::panics::catch_panics;
use crate::sql::guard::read_only;
use crate::sql::guard::request_memory_pool::{RequestMemoryPool, create_pool};
use crate::sql::intervals::CompareIntervals;
use crate::sql::near_names::suggest_table;
use crate::sql::overflow::with_checked_arithmetic;
use crate::sql::rules;

/// The schema of the tables that have no other.
const SCHEMA: &str = "main";

/// The limits of the engine.
#[derive(Clone, Debug)]
pub struct EngineOptions {
    /// Bytes that sorts, joins and groups may hold before they spill.
    pub memory_bytes: usize,
    /// Where they spill; the system's temporary directory if none.
    pub spill_directory: Option<PathBuf>,
    /// Parallel streams of a query; the machine's cores if none.
    pub partitions: Option<usize>,
}

impl Default for EngineOptions {
    fn default() -> Self {
        Self { memory_bytes: 1 << 30, spill_directory: None, partitions: None }
    }
}

/// Memory, spill files and stores, shared by all sessions of a process.
#[derive(Clone, Debug)]
pub struct Engine {
    runtime: Arc<RuntimeEnv>,
    options: EngineOptions,
}

impl Engine {
    /// Creates an engine that reads the store of `location`.
    ///
    /// # Errors
    /// If the spill directory cannot be used.
    pub fn new(options: EngineOptions, location: &Location) -> Result<Self> {
        let runtime = RuntimeEnvBuilder::new()
            .with_memory_pool(create_pool(options.memory_bytes))
            .with_disk_manager_builder(configure_spill_disk(&options))
            .build_arc()
            .map_err(engine_error)?;
        let url = Url::parse(LAKE_STORE).or_err(Kind::Internal, || "the URL of the lake's tables")?;
        runtime.register_object_store(&url, Arc::clone(&location.store));
        Ok(Self { runtime, options })
    }

    /// Returns the same engine for one request, which may use `bytes` of memory at most and spill `spill_bytes` of
    /// files, so that one request cannot exhaust the memory of others.
    ///
    /// # Errors
    /// If the spill directory cannot be used.
    pub fn with_limits(&self, bytes: usize, spill_bytes: u64) -> Result<Self> {
        let share = RequestMemoryPool::new(bytes, Arc::clone(&self.runtime.memory_pool));
        let disk = configure_spill_disk(&self.options)
            .with_max_temp_directory_size(spill_bytes)
            .build()
            .map_err(engine_error)?;
        let runtime =
            RuntimeEnv { memory_pool: Arc::new(share), disk_manager: Arc::new(disk), ..self.runtime.as_ref().clone() };
        let options = EngineOptions { memory_bytes: bytes, ..self.options.clone() };
        Ok(Self { runtime: Arc::new(runtime), options })
    }

    /// Bytes that all sessions together may hold.
    pub fn memory_bytes(&self) -> usize {
        self.options.memory_bytes
    }

    /// Bytes that all sessions hold now.
    pub fn reserved_bytes(&self) -> usize {
        self.runtime.memory_pool.reserved()
    }

    /// Returns a new session with the H3 functions and no tables.
    pub fn session(&self) -> Session {
        let mut config = SessionConfig::new()
            .with_information_schema(true)
            .with_default_catalog_and_schema("lake", SCHEMA)
            .with_collect_statistics(true);
        if let Some(partitions) = self.options.partitions {
            config = config.with_target_partitions(partitions);
        }
        let options = config.options_mut();
        options.sql_parser.collect_spans = true;
        // Tables hold Utf8; views of it would change what clients see for no gain here.
        options.execution.parquet.schema_force_view_types = false;
        options.sql_parser.map_string_types_to_utf8view = false;
        // Sorted by partition and merged, a query over a union, ordered by a column that it also holds constant, is refused:
        // the engine leaves the column out of the sort and misses it in the merge.
        options.optimizer.repartition_sorts = false;
        // `(x = 1) IS NOT TRUE` is never null to the planner of expressions and nullable to that of their values; the check
        // that compares the two refuses aggregates of it. Nullable is what is computed with, and right.
        options.execution.skip_physical_aggregate_schema_check = true;
        // With it, `SELECT DISTINCT a FROM t LIMIT 10` is refused where the rows of `t` are sorted.
        options.optimizer.enable_distinct_aggregation_soft_limit = false;
        let state = SessionStateBuilder::new()
            .with_config(config)
            .with_runtime_env(Arc::clone(&self.runtime))
            .with_default_features();
        let state = with_checked_arithmetic(state).with_analyzer_rule(Arc::new(CompareIntervals));
        let context = SessionContext::new_with_state(rules::with_rules(state, physical_rules()).build());
        for function in h3_functions() {
            context.register_udf(function);
        }
        context.register_udf(point_in_polygon());
        Session { context }
    }
}

/// Configures the directory that the engine spills to. It is created when the engine spills first.
fn configure_spill_disk(options: &EngineOptions) -> DiskManagerBuilder {
    let disk = DiskManagerBuilder::default();
    match &options.spill_directory {
        Some(directory) => disk.with_mode(DiskManagerMode::Directories(vec![directory.clone()])),
        None => disk,
    }
}

/// One request's session over one snapshot of the lake.
#[derive(Clone)]
pub struct Session {
    pub(crate) context: SessionContext,
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session").finish_non_exhaustive()
    }
}

impl Session {
    /// Plans read-only SQL.
    ///
    /// # Errors
    /// If it is wrong (with its position), or would change anything.
    pub async fn sql(&self, text: &str) -> Result<DataFrame> {
        self.plan(text, |_| Ok(())).await
    }

    /// Plans read-only SQL that is changed after it was parsed.
    ///
    /// # Errors
    /// If it is wrong (with its position), or would change anything.
    pub(crate) async fn plan(
        &self,
        text: &str,
        change: impl FnOnce(&mut Statement) -> Result<()>,
    ) -> Result<DataFrame> {
        catch_panics(self.plan_unguarded(text, change)).await
    }

    async fn plan_unguarded(&self, text: &str, change: impl FnOnce(&mut Statement) -> Result<()>) -> Result<DataFrame> {
        let refused = |error| match suggest_table(statement_error(error), &self.context) {
            // The parser gives every position but that of the end.
            e if e.message().contains("found: EOF") => {
                e.context(format!("line {}, at the end", text.trim_end().lines().count()))
            }
            e => e,
        };
        depth::check_nesting_depth(text)?;
        let state = self.context.state();
        let mut statement =
            state.sql_to_statement(text, &state.config().options().sql_parser.dialect).map_err(refused)?;
        read_only::check_read_only(&statement)?;
        change(&mut statement)?;
        let names = rules::rewrite_statement(&mut statement)?;
        let plan = state.statement_to_plan(statement).await.map_err(|error| names.explain(refused(error)))?;
        let plan = rules::rewrite_plan(plan, &names, self.views().await?).map_err(refused)?;
        // The size of a statement does not limit that of its plan.
        let reads = SQLOptions::new().with_allow_ddl(false).with_allow_dml(false).with_allow_statements(false);
        reads.verify_plan(&plan).map_err(|error| engine_error(error).context("the lake is read-only"))?;
        self.context.execute_logical_plan(plan).await.map_err(refused)
    }

    /// Returns the plans of the views that a plan names.
    async fn views(&self) -> Result<Vec<LogicalPlan>> {
        let mut views = Vec::new();
        let catalogs = self.context.catalog_names();
        for schema in catalogs.iter().filter_map(|name| self.context.catalog(name)?.schema(SCHEMA)) {
            for name in schema.table_names() {
                let table = schema.table(&name).await.map_err(engine_error)?;
                views.extend(table.and_then(|table| table.get_logical_plan().map(Cow::into_owned)));
            }
        }
        Ok(views)
    }

    /// Returns the engine's own context, for our own plans.
    pub fn context(&self) -> &SessionContext {
        &self.context
    }
}
