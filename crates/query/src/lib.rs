//! The query engine: the lake's tables as SQL sees them, the H3 functions, and the rules by which a raw row
//! becomes an incident.
//!
//! One snapshot ([`LakeSnapshot`]) pins one version of every table for a complete request.

mod engine;
mod error;
mod functions;
mod geometry;
mod output;
mod projection;
mod segments;
mod snapshot;
mod sql;

/// The engine's plan of a query, whose rows are yet to be made.
pub use datafusion::dataframe::DataFrame;

pub use engine::{Engine, EngineOptions, Session};
pub use error::{SPILL_LIMIT_MESSAGE, engine_error, statement_error};
pub use functions::h3::{cell_area_km2, cell_disk, cell_text, cell_to_parent, parse_cell};
pub use geometry::area::{Area, Rectangle};
pub use geometry::cell_box::CellBox;
pub use geometry::clip::{HalfPlane, Point, clip};
pub use geometry::outline::{cell_corners, cell_outline};
pub use output::format::{Cells, Format, WriterOptions};
pub use output::output_columns::{OutputColumns, with_unique_names};
pub use output::result_writer::ResultWriter;
pub use projection::{IncidentProjector, incident_select};
pub use segments::pending_incidents::PendingIncidents;
pub use segments::segment_cache::{SegmentCache, SegmentFile};
pub use snapshot::delta_files::DeltaFiles;
pub use snapshot::lake_snapshot::LakeSnapshot;
pub use snapshot::reader::Reader;
pub use snapshot::resource_snapshot::ResourceSnapshot;
pub use snapshot::signed_counts::{CountsFilter, scan_counts};
pub use snapshot::snapshot_versions::SnapshotVersions;
pub use snapshot::stored_definition::{definition_change, store_definition, stored_definition};
pub use snapshot::time_travel::TimeTravel;
pub use sql::guard::depth::{MAX_OPERATORS, STACK_BYTES};
pub use sql::guard::panics::{catch_panics, catch_panics_in_rows, run_statement};
pub use sql::named_queries::named_query::NamedQuery;
pub use sql::named_queries::queries::Queries;
pub use sql::named_queries::query_header::{QueryColumn, QueryHeader, QueryParameter, ValueType};
pub use sql::sql_files;
pub use sql::statement::Statement;
pub use sql::templates::{fill, literal};
