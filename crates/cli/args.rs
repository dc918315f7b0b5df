//! The command line.

use std::path::PathBuf;

use clap::builder::{OsStringValueParser, TypedValueParser};
use clap::{Args as ClapArgs, Parser, Subcommand};
use lake_store::parse_local_path;

use crate::completion_candidates::{complete_queries, complete_resources};
use crate::examples;
use crate::logging::{LogFormat, LogOptions};
use crate::output::Listing;
use crate::parameter_flags::{AggregatesQuestion, HotspotsQuestion, ParameterFlags, Question};
use crate::serving::Serving;

/// The heading of the options that every command takes, after those of the command itself.
const GLOBAL: &str = "Global options";

/// A city's published incidents as a lake of open tables, counted exactly and answered at once.
#[derive(Debug, Parser)]
#[command(
    version,
    propagate_version = true,
    max_term_width = 110,
    after_help = examples::PROGRAM
)]
pub(crate) struct Args {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// The options of every command.
#[derive(Clone, Debug, ClapArgs)]
pub(crate) struct Global {
    /// Use this lake: a directory, file:///DIRECTORY, or s3://BUCKET/PREFIX
    #[arg(long, global = true, help_heading = GLOBAL, env = "HOTSPOTS_LAKE", default_value = "./lake", value_name = "PLACE")]
    pub(crate) lake: String,
    /// Add the resource files (*.toml) of this directory to the built-in ones
    #[arg(long, global = true, help_heading = GLOBAL, env = "HOTSPOTS_RESOURCES", value_name = "DIR", value_parser = path())]
    pub(crate) resources: Option<PathBuf>,
    /// Add the queries (*.sql, each with a title) of this directory to the built-in ones
    #[arg(long, global = true, help_heading = GLOBAL, env = "HOTSPOTS_QUERIES", value_name = "DIR", value_parser = path())]
    pub(crate) queries: Option<PathBuf>,
    /// Keep the key indexes in this local directory; a lost index is rebuilt [default: in the lake, or the user's cache for S3]
    #[arg(long, global = true, help_heading = GLOBAL, env = "HOTSPOTS_INDEX", value_name = "DIR", value_parser = path())]
    pub(crate) index: Option<PathBuf>,
    /// Limit the memory of queries and compaction, MiB; beyond it they spill to disk
    #[arg(long, global = true, help_heading = GLOBAL, env = "HOTSPOTS_MEMORY_MIB", default_value_t = 1024, value_name = "MIB")]
    pub(crate) memory_mib: usize,
    /// Limit the memory for verified blocks of data files, MiB; other blocks are read and verified again
    #[arg(long, global = true, help_heading = GLOBAL, env = "HOTSPOTS_BLOCK_CACHE_MIB", default_value_t = 16, value_name = "MIB")]
    pub(crate) block_cache_mib: usize,
    /// Read settings from this TOML file: options by their long names, those of one command in a table with its name
    #[arg(long, global = true, help_heading = GLOBAL, env = "HOTSPOTS_CONFIG", value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Set the format of log lines on stderr
    #[arg(long, global = true, help_heading = GLOBAL, env = "HOTSPOTS_LOG_FORMAT", default_value = "text", value_name = "FORMAT")]
    pub(crate) log_format: LogFormat,
    /// Log more on stderr (-vv: much more)
    #[arg(short, long, global = true, help_heading = GLOBAL, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
    /// Log only errors on stderr
    #[arg(short, long, global = true, help_heading = GLOBAL, conflicts_with = "verbose")]
    pub(crate) quiet: bool,
}

impl Args {
    /// Returns what is logged, and how.
    pub(crate) fn log_options(&self) -> LogOptions {
        let has_access_log = match &self.command {
            Command::Up(up) => up.serving.access_log,
            Command::Serve(serve) => serve.serving.access_log,
            _ => false,
        };
        LogOptions {
            is_quiet: self.global.quiet,
            verbosity: self.global.verbose,
            format: self.global.log_format,
            has_access_log,
        }
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Ingest on each resource's cadence, compact and serve, all in one process
    #[command(after_help = examples::UP)]
    Up(Up),
    /// Land new and changed rows, and boundaries, from the portals or from a saved file
    #[command(after_help = examples::INGEST)]
    Ingest(Ingest),
    /// Merge landed rows into exact counts, or recount a window from the raw rows
    #[command(after_help = examples::COMPACT)]
    Compact(Compact),
    /// Compare the lake with the portals' own counts, by month and category; exit code 1 if they differ
    #[command(after_help = examples::AUDIT)]
    Audit(Audit),
    /// List the rows that could not be used, with the reason and the published values
    #[command(after_help = examples::REJECTS)]
    Rejects(Rejects),
    /// Count incidents by place, time and kind, with the parameters of /aggregates as flags
    #[command(after_help = examples::AGGREGATES)]
    Aggregates(Ask<AggregatesQuestion>),
    /// Find cells that are hot or cold beyond chance, with the parameters of /hotspots as flags
    #[command(after_help = examples::HOTSPOTS)]
    Hotspots(Ask<HotspotsQuestion>),
    /// Run a read-only SQL query, or an interactive shell
    #[command(after_help = examples::SQL)]
    Sql(Sql),
    /// Serve the lake over HTTP, and over Arrow Flight SQL with --flight
    #[command(after_help = examples::SERVE)]
    Serve(Serve),
    /// Show the batches, rows, rejects, lag and unreconciled batches of each resource
    #[command(after_help = examples::STATUS)]
    Status(Status),
    /// List, show and draft resource definitions
    #[command(after_help = examples::RESOURCES)]
    Resources(Resources),
    /// List, show, run and test named queries
    #[command(after_help = examples::QUERIES)]
    Queries(Queries),
    /// List the versions of every table, the newest first
    #[command(after_help = examples::HISTORY)]
    History(History),
    /// Verify the complete lake: logs, files, statistics, counts and rejects
    #[command(after_help = examples::CHECK)]
    Check(Check),
    /// Delete files that no table version needs; without --apply only list them
    #[command(after_help = examples::VACUUM)]
    Vacuum(Vacuum),
    /// Remove a record from every table, version, reject and index
    #[command(after_help = examples::FORGET)]
    Forget(Forget),
    /// Create tokens for the clients of a server
    #[command(after_help = examples::TOKEN)]
    Token(Token),
    /// Show the settings in effect, and where they come from
    #[command(after_help = examples::CONFIG)]
    Config(Config),
    /// Print the OpenAPI document of the HTTP interface
    Openapi,
    /// Print a completion script for commands, options, and the names of resources and queries
    #[command(after_help = examples::COMPLETIONS)]
    Completions {
        /// Print the script of this shell
        shell: clap_complete::Shell,
    },
    /// Print the manual page, or write a page for each command to a directory
    #[command(after_help = examples::MAN)]
    Man {
        /// Write the pages of all commands to this directory
        #[arg(long, value_name = "DIR")]
        directory: Option<PathBuf>,
    },
}

/// The resources that a command works on.
#[derive(Clone, Debug, Default, ClapArgs)]
pub(crate) struct ResourceNames {
    /// Use only these resources [default: all]
    #[arg(value_name = "RESOURCE", add = complete_resources())]
    positional: Vec<String>,
    /// Name a resource with an option instead; may be repeated
    #[arg(long = "resource", value_name = "RESOURCE", add = complete_resources())]
    option: Vec<String>,
}

impl ResourceNames {
    /// Returns each name once, in the order given, those without the option first; empty selects all.
    pub(crate) fn to_vec(&self) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        for name in self.positional.iter().chain(&self.option) {
            if !names.contains(name) {
                names.push(name.clone());
            }
        }
        names
    }
}

/// Where the rows of a query go, and how they are written.
#[derive(Clone, Debug, ClapArgs)]
pub(crate) struct RowsOutput {
    /// Write table, json, ndjson, csv, geojson, arrow or parquet [default: by the extension of --output, else table]
    #[arg(long, value_parser = <lake_query::Format as std::str::FromStr>::from_str)]
    pub(crate) format: Option<lake_query::Format>,
    /// Write the rows to this file, which appears once it is complete
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Write the column `cell` as `hex` or as a `number` in JSON and CSV [default: hex]
    #[arg(long, value_name = "FORM", value_parser = parse_cells)]
    pub(crate) cells: Option<lake_query::Cells>,
}

/// Reads a form of cells; `hex` is what `text` looks like.
fn parse_cells(text: &str) -> lake_model::Result<lake_query::Cells> {
    if text == "hex" { Ok(lake_query::Cells::Text) } else { text.parse() }
}

/// How to reach portals.
#[derive(Clone, Debug, ClapArgs)]
pub(crate) struct Portal {
    /// Send every request to this base URL instead of the resource's own portal
    #[arg(long, value_name = "URL")]
    pub(crate) portal: Option<String>,
    /// Send this app token to the portal
    #[arg(long, env = "HOTSPOTS_APP_TOKEN", hide_env_values = true, value_name = "TOKEN")]
    pub(crate) app_token: Option<lake_model::Secret>,
    /// Request this many rows per page
    #[arg(long, default_value_t = 50_000, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub(crate) page_size: u32,
    /// Retry a page this many times
    #[arg(long, default_value_t = 8, value_name = "N", help_heading = "Retries")]
    pub(crate) retries: u8,
    /// Wait this long before the first retry; each wait is twice the one before
    #[arg(long, default_value_t = 500, value_name = "MS", help_heading = "Retries")]
    pub(crate) retry_wait_ms: u64,
    /// Wait at most this long for one page, over all its retries
    #[arg(long, default_value_t = 300_000, value_name = "MS", help_heading = "Retries")]
    pub(crate) retry_budget_ms: u64,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Up {
    #[command(flatten)]
    pub(crate) names: ResourceNames,
    /// Start a simulated portal with synthetic rows of five San Francisco resources, and read from it
    #[arg(long, conflicts_with = "portal")]
    pub(crate) demo: bool,
    /// Generate this many synthetic rows
    #[arg(long, default_value_t = 300_000, value_name = "N")]
    pub(crate) demo_rows: usize,
    #[command(flatten)]
    pub(crate) portal: Portal,
    #[command(flatten)]
    pub(crate) serving: Serving,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Ingest {
    #[command(flatten)]
    pub(crate) names: ResourceNames,
    /// Stop after this many pages of each resource
    #[arg(long, value_name = "N")]
    pub(crate) max_pages: Option<usize>,
    /// Read rows saved from a portal instead: .json or .csv (boundaries: .geojson or .json), with or without .gz
    #[arg(long, value_name = "PATH", conflicts_with = "portal", value_parser = path())]
    pub(crate) file: Option<PathBuf>,
    /// Read each resource from its beginning, and delete rows that a full scan proves to be gone; boundaries are written again
    /// even if unchanged
    #[arg(long, conflicts_with_all = ["file", "max_pages", "replay_rejects"])]
    pub(crate) full: bool,
    /// Let --full delete more than 5 % of a resource
    #[arg(long)]
    pub(crate) allow_deletes: bool,
    /// Try the open rejects again, under the current definition
    #[arg(long, conflicts_with_all = ["file", "portal"])]
    pub(crate) replay_rejects: bool,
    #[command(flatten)]
    pub(crate) portal: Portal,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Audit {
    #[command(flatten)]
    pub(crate) names: ResourceNames,
    /// Compare only incidents of this window; undated ones are compared only without a window
    #[arg(long, value_name = "A..B", value_parser = lake_model::Window::parse)]
    pub(crate) window: Option<lake_model::Window>,
    /// Also compare the keys, one by one
    #[arg(long, conflicts_with = "window")]
    pub(crate) keys: bool,
    /// Repair differences: read them again, delete rows that the portal no longer has, compact, and audit again
    #[arg(long)]
    pub(crate) repair: bool,
    /// Let --repair delete more than 5 % of a resource
    #[arg(long)]
    pub(crate) allow_deletes: bool,
    /// Set the format of the report
    #[arg(long, default_value = "table")]
    pub(crate) format: Listing,
    #[command(flatten)]
    pub(crate) portal: Portal,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Rejects {
    #[command(flatten)]
    pub(crate) names: ResourceNames,
    /// Also list closed rejects
    #[arg(long)]
    pub(crate) all: bool,
    /// List at most this many
    #[arg(long, default_value_t = 1_000, value_name = "N")]
    pub(crate) limit: usize,
    /// Set the format of the report
    #[arg(long, default_value = "table")]
    pub(crate) format: Listing,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Compact {
    /// Also recount this window from the raw rows; it is widened to whole years
    #[arg(long, value_name = "A..B", value_parser = lake_model::Window::parse)]
    pub(crate) window: Option<lake_model::Window>,
    /// Rebuild incidents, counts and rejects from the raw rows, whatever is stored
    #[arg(long, conflicts_with = "window")]
    pub(crate) recount: bool,
    #[command(flatten)]
    pub(crate) names: ResourceNames,
    /// Report the drift without changing the lake; exit code 1 if there is any
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Set the format of the report
    #[arg(long, default_value = "table")]
    pub(crate) format: Listing,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Sql {
    /// Run this query; without it and --file, read the query from stdin, or start a shell on a terminal
    #[arg(value_name = "QUERY", conflicts_with = "file")]
    pub(crate) query: Option<String>,
    /// Read the query from this file
    #[arg(short, long, value_name = "FILE", value_parser = path())]
    pub(crate) file: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) rows: RowsOutput,
    #[command(flatten)]
    pub(crate) time_travel: TimeTravel,
}

/// The snapshot that a question reads.
#[derive(Clone, Debug, ClapArgs)]
pub(crate) struct TimeTravel {
    /// Read the lake as it was at this time: RFC 3339, or a date or date and time in UTC
    #[arg(long, value_name = "TIME", value_parser = lake_query::TimeTravel::parse_time)]
    as_of: Option<lake_query::TimeTravel>,
    /// Read the table versions of an earlier answer: the value of its Lake-Version, which `status` also prints
    #[arg(long, value_name = "VERSIONS", conflicts_with = "as_of", value_parser = lake_query::TimeTravel::parse_versions)]
    at_version: Option<lake_query::TimeTravel>,
}

impl TimeTravel {
    /// Returns the time or the versions to read; none for the newest.
    pub(crate) fn into_time_travel(self) -> Option<lake_query::TimeTravel> {
        self.as_of.or(self.at_version)
    }
}

/// A question of the HTTP interface: its parameters, the snapshot, the output.
#[derive(Debug, ClapArgs)]
pub(crate) struct Ask<Q: Question + Clone + std::fmt::Debug + Send + Sync + 'static> {
    #[command(flatten)]
    pub(crate) parameters: ParameterFlags<Q>,
    #[command(flatten)]
    pub(crate) output: AskOutput,
}

/// The snapshot that a question reads, and its output.
#[derive(Clone, Debug, ClapArgs)]
pub(crate) struct AskOutput {
    #[command(flatten)]
    pub(crate) time_travel: TimeTravel,
    #[command(flatten)]
    pub(crate) rows: RowsOutput,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Serve {
    #[command(flatten)]
    pub(crate) serving: Serving,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Status {
    /// Set the format of the report
    #[arg(long, default_value = "table")]
    pub(crate) format: Listing,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Queries {
    #[command(subcommand)]
    pub(crate) command: QueriesCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum QueriesCommand {
    /// List names, titles and parameters
    List {
        /// Set the format of the report
        #[arg(long, default_value = "table")]
        format: Listing,
    },
    /// Print the file of a query: its header and its SQL
    Show {
        /// Name
        #[arg(add = complete_queries())]
        name: String,
    },
    /// Run a query and print its rows
    Run {
        /// Name
        #[arg(add = complete_queries())]
        name: String,
        /// Set a parameter of the query; nothing after = means null
        #[arg(long = "param", value_name = "NAME=VALUE", value_parser = name_and_value)]
        values: Vec<(String, String)>,
        #[command(flatten)]
        rows: RowsOutput,
    },
    /// Run a directory of queries with their defaults; exit code 1 if one fails or its rows differ from its CSV file
    Test {
        /// Test the queries of this directory [default: that of --queries, else the built-in queries]
        #[arg(value_name = "DIR", value_parser = path())]
        directory: Option<PathBuf>,
        /// Replace the expected rows by the current ones
        #[arg(long)]
        update: bool,
    },
}

/// Returns the parser of a path, or a `file:///` URL of one.
fn path() -> impl TypedValueParser<Value = PathBuf> {
    OsStringValueParser::new().try_map(|text| text.to_str().map_or_else(|| Ok(PathBuf::from(&text)), parse_local_path))
}

fn name_and_value(text: &str) -> Result<(String, String), String> {
    let parts = text.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned()));
    parts.ok_or_else(|| "write NAME=VALUE, as in --param resource=311-cases".to_owned())
}

#[derive(Debug, ClapArgs)]
pub(crate) struct History {
    /// List only this table: its directory in the lake, such as counts or raw/311-cases
    #[arg(long, value_name = "TABLE")]
    pub(crate) table: Option<String>,
    /// List at most this many versions
    #[arg(long, default_value_t = 100, value_name = "N")]
    pub(crate) limit: usize,
    /// Set the format of the report
    #[arg(long, default_value = "table")]
    pub(crate) format: Listing,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Check {
    /// Set the format of the report
    #[arg(long, default_value = "table")]
    pub(crate) format: Listing,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Vacuum {
    /// Delete the files; without this option nothing is changed
    #[arg(long)]
    pub(crate) apply: bool,
    /// Keep files that are younger, and table versions of that period: a number and s, m, h or d
    #[arg(long, default_value = "7d", value_name = "AGE", value_parser = lake_maintenance::parse_age)]
    pub(crate) older_than: chrono::TimeDelta,
    /// Confirm that no other process writes to the lake; needed for an age below an hour
    #[arg(long)]
    pub(crate) nothing_else_runs: bool,
    /// Set the format of the report
    #[arg(long, default_value = "table")]
    pub(crate) format: Listing,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Forget {
    /// Resource of the records
    #[arg(value_name = "RESOURCE", add = complete_resources())]
    pub(crate) resource: String,
    /// Keys of the records: `id` in incidents, or `identity` in rejects
    #[arg(value_name = "KEY", required = true)]
    pub(crate) keys: Vec<String>,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Token {
    #[command(subcommand)]
    pub(crate) command: TokenCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum TokenCommand {
    /// Create a token; it is printed once, with its line for the token file
    New {
        /// Name of the client; its requests are limited and logged under this name
        name: String,
        /// Append the line to this file and print the token alone
        #[arg(long, value_name = "FILE")]
        token_file: Option<PathBuf>,
        /// Allow read (everything about the lake) or admin (also the metrics of the process)
        #[arg(long, default_value = "read")]
        scope: lake_serve::Scope,
    },
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Config {
    #[command(subcommand)]
    pub(crate) command: ConfigCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Print the settings, as a config file
    Show {
        /// Print only the settings of these commands [default: all]
        #[arg(value_name = "COMMAND")]
        names: Vec<String>,
        /// Print where each setting comes from
        #[arg(long)]
        origin: bool,
    },
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Resources {
    #[command(subcommand)]
    pub(crate) command: ResourcesCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ResourcesCommand {
    /// List names, portals, datasets and cadences
    List {
        /// Set the format of the report
        #[arg(long, default_value = "table")]
        format: Listing,
    },
    /// Print the definition of a resource as JSON: roles, key, bounds, columns
    Show {
        /// Name
        #[arg(add = complete_resources())]
        name: String,
    },
    /// Draft a resource file on stdout from rows saved as CSV: column types and roles are guessed, the rest is left to fill in
    Init {
        /// Read the rows from this file: .csv, with or without .gz
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// Name the resource [default: the name of the file]
        #[arg(long)]
        name: Option<String>,
    },
}
