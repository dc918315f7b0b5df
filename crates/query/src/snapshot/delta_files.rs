//! A version of a Delta table as a plain Parquet scan.
//!
//! The files come from the log; those that their partition or statistics rule out are never opened. Reading them
//! straight is right because the store refuses tables with deletion vectors or column mapping.

use std::sync::Arc;

use arrow::datatypes::{Schema, SchemaRef};
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::pruning::PrunableStatistics;
use datafusion::common::{DFSchema, Statistics};
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::{FileGroup, FileScanConfigBuilder, ParquetSource};
use datafusion::datasource::source::DataSourceExec;
use datafusion::datasource::table_schema::TableSchema;
use datafusion::error::Result;
use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::logical_expr::utils::conjunction;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown, TableType};
use datafusion::physical_optimizer::pruning::PruningPredicateBuilder;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::empty::EmptyExec;
use lake_store::{DataFile, Snapshot, Table, object_path};
use object_store::path::Path;

use crate::snapshot::file_statistics::{file_statistics, partition_scalar};

/// One version of a table, ready to be scanned.
#[derive(Debug)]
pub struct DeltaFiles {
    schema: SchemaRef,
    file_schema: SchemaRef,
    partition_columns: Vec<String>,
    files: Vec<(DataFile, Arc<Statistics>)>,
    /// Relative to the lake.
    folder: Path,
    store_url: ObjectStoreUrl,
}

/// The URL of the lake's folder in the engine: plans, functions and errors name files by their paths within the lake,
/// so that clients do not learn where it is stored.
pub(crate) const LAKE_STORE: &str = "lake://tables";

impl DeltaFiles {
    /// Creates the table of a version, `snapshot`.
    ///
    /// # Errors
    /// If the engine cannot register the lake's URL.
    pub fn new(snapshot: &Snapshot, table: &Table) -> Result<Self> {
        let partition_columns = snapshot.partition_columns.clone();
        // The engine appends partition columns after the file's own.
        let (partitions, columns): (Vec<_>, Vec<_>) =
            snapshot.schema.fields().iter().cloned().partition(|f| partition_columns.contains(f.name()));
        let file_schema = Arc::new(Schema::new(columns.clone()));
        let schema = Arc::new(Schema::new([columns, partitions].concat()));
        let files = snapshot
            .files
            .iter()
            .map(|file| (file.clone(), file_statistics(file, &schema, &partition_columns)))
            .collect();
        let folder = table.folder().clone();
        let store_url = ObjectStoreUrl::parse(LAKE_STORE)?;
        Ok(Self { schema, file_schema, partition_columns, files, folder, store_url })
    }

    fn select_files(&self, state: &dyn Session, filters: &[Expr]) -> Result<Vec<&(DataFile, Arc<Statistics>)>> {
        let Some(filter) = conjunction(filters.to_vec()) else {
            return Ok(self.files.iter().collect());
        };
        let df_schema = DFSchema::try_from(Arc::clone(&self.schema))?;
        let predicate = state.create_physical_expr(filter, &df_schema)?;
        let statistics = self.files.iter().map(|(_, s)| Arc::clone(s)).collect();
        let keep = PruningPredicateBuilder::new()
            .with_file_schema(Arc::clone(&self.schema))
            .try_build(predicate)?
            .prune(&PrunableStatistics::new(statistics, Arc::clone(&self.schema)))?;
        Ok(self.files.iter().zip(keep).filter_map(|(file, keep)| keep.then_some(file)).collect())
    }

    fn to_partitioned_file(&self, file: &DataFile, statistics: &Arc<Statistics>) -> PartitionedFile {
        let path = object_path(&self.folder, &file.path);
        let values = self.partition_columns.iter().filter_map(|name| {
            let field = self.schema.field_with_name(name).ok()?;
            Some(partition_scalar(field.data_type(), file.partition_value(name)))
        });
        // The engine wants the statistics of the file's own columns and adds those of the partition itself.
        let own = Statistics {
            column_statistics: statistics.column_statistics[..self.file_schema.fields().len()].to_vec(),
            ..statistics.as_ref().clone()
        };
        let mut partitioned = PartitionedFile::new(path.to_string(), file.size);
        // The text would be parsed and escaped once more.
        partitioned.object_meta.location = path;
        partitioned.partition_values = values.collect();
        partitioned.with_statistics(Arc::new(own))
    }
}

#[async_trait]
impl TableProvider for DeltaFiles {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
        // Files and row groups are left out by filters; single rows still have to be tested.
        Ok(vec![TableProviderFilterPushDown::Inexact; filters.len()])
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let files = self.select_files(state, filters)?;
        if files.is_empty() {
            let schema = match projection {
                Some(indices) => Arc::new(self.schema.project(indices)?),
                None => Arc::clone(&self.schema),
            };
            return Ok(Arc::new(EmptyExec::new(schema)));
        }
        let statistics = Statistics::try_merge_iter(files.iter().map(|(_, s)| s.as_ref()), &self.schema)?;
        let files: Vec<_> = files.iter().map(|(file, s)| self.to_partitioned_file(file, s)).collect();
        let groups = FileGroup::new(files).split_files(state.config().target_partitions());
        let partition_fields: Vec<_> = self
            .partition_columns
            .iter()
            .filter_map(|name| Some(Arc::new(self.schema.field_with_name(name).ok()?.clone())))
            .collect();
        let table_schema =
            TableSchema::builder(Arc::clone(&self.file_schema)).with_table_partition_cols(partition_fields).build();
        let mut source =
            ParquetSource::new(table_schema).with_table_parquet_options(state.table_options().parquet.clone());
        if let Some(filter) = conjunction(filters.to_vec()) {
            let df_schema = DFSchema::try_from(Arc::clone(&self.schema))?;
            source = source.with_predicate(state.create_physical_expr(filter, &df_schema)?);
        }
        let config = FileScanConfigBuilder::new(self.store_url.clone(), Arc::new(source))
            .with_file_groups(groups)
            .with_statistics(statistics)
            .with_projection_indices(projection.cloned())?
            .with_limit(limit)
            .build();
        Ok(DataSourceExec::from_data_source(config))
    }
}
