//! Questions over a lake, free of HTTP: their parameters, the filters that all of them share, the plans that answer them,
//! and the statistics of hot spots. The HTTP interface and the command line ask through this crate.

mod aggregates;
mod context;
mod counting;
mod dimension;
mod error;
mod filters;
mod hotspots;
mod label_values;
mod limits;
mod ordered_rows;
mod parameter_values;
mod parameters;
mod plan;
mod spatial_filter;
mod time_bucket;
mod value_filter;

pub use aggregates::{AGGREGATES_PARAMETERS, AggregatesRequest, CELLS, FORMAT, GEO_PRECISION};
pub use context::QueryContext;
pub use counting::{CountedRows, count_rows};
pub use dimension::Dimension;
pub use error::ParameterError;
pub use filters::{FILTERS, Filters, with_filters};
pub use hotspots::{HOTSPOTS_PARAMETERS, HotspotsAnswer, HotspotsRequest, answer_hotspots};
pub use label_values::LabelValues;
pub use limits::AnswerLimits;
pub use ordered_rows::{OrderedRows, SortColumn, first_rows, limit_rows};
pub use parameter_values::{parse_integer, parse_optional_boolean, parse_optional_integer, unknown_value};
pub use parameters::{Parameter, ParameterTable, Parameters, QueryPair, Shape, ValueKind, decode_query};
pub use plan::{answer_frame, answer_rows, most_frequent_rows, plan_error, plan_from_counts, plan_from_incidents};
pub use spatial_filter::{CellRange, Circle};
pub use time_bucket::TimePrecision;
pub use value_filter::ValueFilter;
