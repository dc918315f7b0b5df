//! The query engine: the lake's tables as SQL sees them, the H3 functions, and the rules by which a raw row
//! becomes an incident.
//!
//! One reading ([`View`]) pins one version of every table for a whole request.

mod area;
mod boundaries;
mod clip;
mod depth;
mod duration_part;
mod engine;
mod error;
mod expressions;
mod features;
mod filter_pushdown;
mod floats;
mod format;
mod geoparquet;
mod h3;
mod intervals;
mod moment;
mod named_query;
mod near_names;
mod null_conditions;
mod outline;
mod output_columns;
mod overflow;
mod panics;
mod past;
mod pin;
mod places;
mod point_in_polygon;
mod projection;
mod provider;
mod queries;
mod query_header;
mod read_only;
mod share;
mod sql;
mod sql_rules;
mod statement;
mod statistics;
mod stored_definition;
mod unlanded;
mod value;
mod view;

pub use area::{Area, Rectangle};
pub use clip::{HalfPlane, Point, clip};
/// The engine's plan of a query, whose rows are yet to be made.
pub use datafusion::dataframe::DataFrame;
pub use depth::{MOST_OPERATORS, STACK_BYTES};
pub use engine::{Engine, EngineOptions, Session};
pub use error::{SPILL_BOUND, engine_error, statement_error};
pub use format::{Cells, Format, ResultWriter, WriterOptions};
pub use h3::{cell_disk, cell_text, cell_to_parent, parse_cell};
pub use moment::Moment;
pub use named_query::NamedQuery;
pub use outline::{cell_corners, cell_outline};
pub use output_columns::{OutputColumns, with_unique_names};
pub use panics::{catch_panics, catch_panics_of_rows, run_statement};
pub use pin::Pin;
pub use projection::{IncidentProjector, incident_select};
pub use provider::DeltaFiles;
pub use queries::Queries;
pub use query_header::{QueryColumn, QueryHeader, QueryParameter, ValueType};
pub use sql::{fill, literal, template};
pub use statement::Statement;
pub use stored_definition::{definition_change, store_definition, stored_definition};
pub use view::{Reader, ResourceView, View};
