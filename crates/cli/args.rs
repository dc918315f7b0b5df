//! The command line.

use std::path::PathBuf;

use clap::builder::{OsStringValueParser, TypedValueParser};
use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum};
use lake_store::parse_local_path;

use crate::completion;
use crate::examples;
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

/// What every command takes.
#[derive(Clone, Debug, ClapArgs)]
pub(crate) struct Global {
    /// The lake: a directory, also as file:///DIRECTORY, or s3://BUCKET/PREFIX
    #[arg(long, global = true, help_heading = GLOBAL, env = "HOTSPOTS_LAKE", default_value = "./lake", value_name = "PLACE")]
    pub(crate) lake: String,
    /// A directory of your own resource files (*.toml), added to those the program comes with
    #[arg(long, global = true, help_heading = GLOBAL, env = "HOTSPOTS_RESOURCES", value_name = "DIR", value_parser = path())]
    pub(crate) resources: Option<PathBuf>,
    /// A directory of your own queries (*.sql, each with a title), added to those the program comes with
    #[arg(long, global = true, help_heading = GLOBAL, env = "HOTSPOTS_QUERIES", value_name = "DIR", value_parser = path())]
    pub(crate) queries: Option<PathBuf>,
    /// Where the key indexes lie: derived, on local disk, rebuilt when lost [default: in the lake, or the user's cache for S3]
    #[arg(long, global = true, help_heading = GLOBAL, env = "HOTSPOTS_INDEX", value_name = "DIR", value_parser = path())]
    pub(crate) index: Option<PathBuf>,
    /// Memory that queries and compaction may use before they spill to disk, MiB
    #[arg(long, global = true, help_heading = GLOBAL, env = "HOTSPOTS_MEMORY_MIB", default_value_t = 1024, value_name = "MIB")]
    pub(crate) memory_mib: usize,
    /// Memory for blocks of data files that were read and checked; what is not in it is read and checked again, MiB
    #[arg(long, global = true, help_heading = GLOBAL, env = "HOTSPOTS_BLOCK_CACHE_MIB", default_value_t = 16, value_name = "MIB")]
    pub(crate) block_cache_mib: usize,
    /// A file of settings: options by their long names, those of one command in a table of its name
    #[arg(long, global = true, help_heading = GLOBAL, env = "HOTSPOTS_CONFIG", value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// How log lines on stderr are written
    #[arg(long, global = true, help_heading = GLOBAL, env = "HOTSPOTS_LOG_FORMAT", default_value = "text", value_name = "FORMAT")]
    pub(crate) log_format: LogFormat,
    /// Say more on stderr (twice: much more)
    #[arg(short, long, global = true, help_heading = GLOBAL, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
    /// Say nothing on stderr but errors
    #[arg(short, long, global = true, help_heading = GLOBAL, conflicts_with = "verbose")]
    pub(crate) quiet: bool,
}

impl Args {
    /// Whether every request gets a log line.
    pub(crate) fn access_log(&self) -> bool {
        match &self.command {
            Command::Up(up) => up.serving.access_log,
            Command::Serve(serve) => serve.serving.access_log,
            _ => false,
        }
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// The whole job in one process: ingest on each resource's cadence, compact, serve
    #[command(after_help = examples::UP)]
    Up(Up),
    /// Land new and changed rows, and boundaries, from the portals or from a saved file
    #[command(after_help = examples::INGEST)]
    Ingest(Ingest),
    /// Recount exactly: merge what has landed, or count a window again from scratch
    #[command(after_help = examples::COMPACT)]
    Compact(Compact),
    /// Hold the lake against the portal's own counts, by month and category; exit code 1 if they differ
    #[command(after_help = examples::AUDIT)]
    Audit(Audit),
    /// Rows that could not be used: why, and as they were published
    #[command(after_help = examples::REJECTS)]
    Rejects(Rejects),
    /// Count incidents by place, time and kind, with the parameters of /aggregates as flags
    #[command(after_help = examples::AGGREGATES)]
    Aggregates(Ask<AggregatesQuestion>),
    /// Find cells that are hot or cold beyond chance, with the parameters of /hotspots as flags
    #[command(after_help = examples::HOTSPOTS)]
    Hotspots(Ask<HotspotsQuestion>),
    /// Ask anything in SQL, read-only
    #[command(after_help = examples::SQL)]
    Sql(Sql),
    /// Serve the lake over HTTP, and over Arrow Flight SQL with --flight
    #[command(after_help = examples::SERVE)]
    Serve(Serve),
    /// Each resource's batches, rows, rejects, lag and unreconciled batches
    #[command(after_help = examples::STATUS)]
    Status(Status),
    /// The resources the program knows
    #[command(after_help = examples::RESOURCES)]
    Resources(Resources),
    /// The queries that have names: which there are, their rows, and tests of your own
    #[command(after_help = examples::QUERIES)]
    Queries(Queries),
    /// What was done to the lake: every version of every table, the newest first
    #[command(after_help = examples::HISTORY)]
    History(History),
    /// Read the whole lake and say whether it is whole: logs, files, statistics, counts, rejects
    #[command(after_help = examples::CHECK)]
    Check(Check),
    /// Delete files that nothing needs any more; without --apply only say which
    #[command(after_help = examples::VACUUM)]
    Vacuum(Vacuum),
    /// Make a sealed record vanish from every table, version, reject and index
    #[command(after_help = examples::FORGET)]
    Forget(Forget),
    /// Tokens for who may ask a server
    #[command(after_help = examples::TOKEN)]
    Token(Token),
    /// The settings that hold, and where they come from
    #[command(after_help = examples::CONFIG)]
    Config(Config),
    /// The OpenAPI document of the HTTP interface on stdout
    Openapi,
    /// Shell completions on stdout: commands, options, the names of resources and queries
    #[command(after_help = examples::COMPLETIONS)]
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// The manual page on stdout, or a page for each command in a directory
    #[command(after_help = examples::MAN)]
    Man {
        /// Write the pages of all commands here
        #[arg(long, value_name = "DIR")]
        directory: Option<PathBuf>,
    },
}

/// The resources that a command works on.
#[derive(Clone, Debug, Default, ClapArgs)]
pub(crate) struct ResourceNames {
    /// The resources [default: all]
    #[arg(value_name = "RESOURCE", add = completion::resources())]
    positional: Vec<String>,
    /// A resource, as if it were named without the option; may be repeated
    #[arg(long = "resource", value_name = "RESOURCE", add = completion::resources())]
    option: Vec<String>,
}

impl ResourceNames {
    /// Returns each name once, in the order given, those without the option first; empty stands for all.
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
    /// table, json, ndjson, csv, geojson, arrow or parquet [default: that of the extension of --output, else table]
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
    /// App token of the portal
    #[arg(long, env = "HOTSPOTS_APP_TOKEN", hide_env_values = true, value_name = "TOKEN")]
    pub(crate) app_token: Option<lake_model::Secret>,
    /// Rows a page
    #[arg(long, default_value_t = 50_000, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub(crate) page_size: u32,
    /// Tries of a page after the first
    #[arg(long, default_value_t = 8, value_name = "N", help_heading = "Retries")]
    pub(crate) retries: u8,
    /// The first wait between tries; it doubles
    #[arg(long, default_value_t = 500, value_name = "MS", help_heading = "Retries")]
    pub(crate) retry_wait_ms: u64,
    /// All waits of a page together
    #[arg(long, default_value_t = 300_000, value_name = "MS", help_heading = "Retries")]
    pub(crate) retry_budget_ms: u64,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Up {
    #[command(flatten)]
    pub(crate) names: ResourceNames,
    /// Start a portal of our own with synthetic rows of five San Francisco resources, and use it
    #[arg(long, conflicts_with = "portal")]
    pub(crate) demo: bool,
    /// How many synthetic rows
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
    /// Rows saved from a portal, .json or .csv (boundaries: .geojson or .json), with or without .gz, instead of the portal itself
    #[arg(long, value_name = "PATH", conflicts_with = "portal", value_parser = path())]
    pub(crate) file: Option<PathBuf>,
    /// Read each resource from its beginning; what a complete pass proves to be gone is deleted. Boundaries, which are always
    /// read whole, are written anew
    #[arg(long, conflicts_with_all = ["file", "max_pages", "replay_rejects"])]
    pub(crate) full: bool,
    /// Let --full delete more than 5 % of a resource
    #[arg(long)]
    pub(crate) allow_deletes: bool,
    /// Try the open rejects again, under the definition of today
    #[arg(long, conflicts_with_all = ["file", "portal"])]
    pub(crate) replay_rejects: bool,
    #[command(flatten)]
    pub(crate) portal: Portal,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Audit {
    #[command(flatten)]
    pub(crate) names: ResourceNames,
    /// Compare this window only, of the time of occurrence; the undated are compared where none is asked
    #[arg(long, value_name = "A..B", value_parser = lake_model::Window::parse)]
    pub(crate) window: Option<lake_model::Window>,
    /// Compare the keys as well, one by one
    #[arg(long, conflicts_with = "window")]
    pub(crate) keys: bool,
    /// Read again what differs, delete what the portal no longer has, compact, and audit again
    #[arg(long)]
    pub(crate) repair: bool,
    /// Let --repair delete more than 5 % of a resource
    #[arg(long)]
    pub(crate) allow_deletes: bool,
    /// How to report
    #[arg(long, default_value = "table")]
    pub(crate) format: Listing,
    #[command(flatten)]
    pub(crate) portal: Portal,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Rejects {
    #[command(flatten)]
    pub(crate) names: ResourceNames,
    /// Closed ones as well
    #[arg(long)]
    pub(crate) all: bool,
    /// At most this many
    #[arg(long, default_value_t = 1_000, value_name = "N")]
    pub(crate) limit: usize,
    /// How to report
    #[arg(long, default_value = "table")]
    pub(crate) format: Listing,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Compact {
    /// Recount this window from the raw rows as well; it is widened to whole years
    #[arg(long, value_name = "A..B", value_parser = lake_model::Window::parse)]
    pub(crate) window: Option<lake_model::Window>,
    /// Make everything again that follows from the raw rows, whatever is stored: incidents, counts, rejects
    #[arg(long, conflicts_with = "window")]
    pub(crate) recount: bool,
    #[command(flatten)]
    pub(crate) names: ResourceNames,
    /// Only report; exit code 1 if there is drift
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// How to report
    #[arg(long, default_value = "table")]
    pub(crate) format: Listing,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Sql {
    /// The query; if neither it nor a file is given, from stdin, or an interactive shell on a terminal
    #[arg(value_name = "QUERY", conflicts_with = "file")]
    pub(crate) query: Option<String>,
    /// A file with the query
    #[arg(short, long, value_name = "FILE", value_parser = path())]
    pub(crate) file: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) rows: RowsOutput,
    #[command(flatten)]
    pub(crate) time_travel: TimeTravel,
}

/// The snapshot that a question is asked of.
#[derive(Clone, Debug, ClapArgs)]
pub(crate) struct TimeTravel {
    /// The lake as it was at this time: RFC 3339, or a date or date and time in UTC
    #[arg(long, value_name = "TIME", value_parser = lake_query::TimeTravel::parse_time)]
    as_of: Option<lake_query::TimeTravel>,
    /// The lake as an earlier answer saw it: the text of its Lake-Version, which `status` prints as well
    #[arg(long, value_name = "VERSIONS", conflicts_with = "as_of", value_parser = lake_query::TimeTravel::parse_versions)]
    at_version: Option<lake_query::TimeTravel>,
}

impl TimeTravel {
    /// Returns the time or the versions to read; none for the newest.
    pub(crate) fn moment(self) -> Option<lake_query::TimeTravel> {
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

/// The snapshot that a question is asked of, and its output.
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
    /// How to report
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
    /// Names, titles and parameters
    List {
        /// How to report
        #[arg(long, default_value = "table")]
        format: Listing,
    },
    /// One query's file: its header and its SQL
    Show {
        /// Its name
        #[arg(add = completion::queries())]
        name: String,
    },
    /// The rows of one
    Run {
        /// Its name
        #[arg(add = completion::queries())]
        name: String,
        /// A value for one of its parameters; nothing after = means null
        #[arg(long = "param", value_name = "NAME=VALUE", value_parser = name_and_value)]
        values: Vec<(String, String)>,
        #[command(flatten)]
        rows: RowsOutput,
    },
    /// Run a directory of queries with their defaults; exit code 1 if one fails or its rows differ from its CSV file
    Test {
        /// The directory [default: that of --queries, else the queries the program comes with]
        #[arg(value_name = "DIR", value_parser = path())]
        directory: Option<PathBuf>,
        /// Write what they answer as what is expected
        #[arg(long)]
        update: bool,
    },
}

/// A path, or a `file:///` URL of one.
fn path() -> impl TypedValueParser<Value = PathBuf> {
    OsStringValueParser::new().try_map(|text| text.to_str().map_or_else(|| Ok(PathBuf::from(&text)), parse_local_path))
}

fn name_and_value(text: &str) -> Result<(String, String), String> {
    let parts = text.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned()));
    parts.ok_or_else(|| "write NAME=VALUE, as in --param resource=311-cases".to_owned())
}

#[derive(Debug, ClapArgs)]
pub(crate) struct History {
    /// Only this table: its folder in the lake, such as counts or raw/311-cases
    #[arg(long, value_name = "TABLE")]
    pub(crate) table: Option<String>,
    /// At most so many versions
    #[arg(long, default_value_t = 100, value_name = "N")]
    pub(crate) limit: usize,
    /// How to report
    #[arg(long, default_value = "table")]
    pub(crate) format: Listing,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Check {
    /// How to report
    #[arg(long, default_value = "table")]
    pub(crate) format: Listing,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Vacuum {
    /// Delete; without it nothing is changed
    #[arg(long)]
    pub(crate) apply: bool,
    /// Keep what is younger, and the versions of that time: a number and s, m, h or d
    #[arg(long, default_value = "7d", value_name = "AGE", value_parser = lake_maintenance::parse_age)]
    pub(crate) older_than: chrono::TimeDelta,
    /// No other process writes to the lake: allows an age under an hour
    #[arg(long)]
    pub(crate) nothing_else_runs: bool,
    /// How to report
    #[arg(long, default_value = "table")]
    pub(crate) format: Listing,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Forget {
    /// The resource
    #[arg(value_name = "RESOURCE", add = completion::resources())]
    pub(crate) resource: String,
    /// The keys: `id` in incidents, or `identity` in rejects
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
    /// Make a token: it is printed once, with the line of the token file that knows it
    New {
        /// For whom: requests are limited and logged under this name
        name: String,
        /// Append the line to this file and print the token alone
        #[arg(long, value_name = "FILE")]
        token_file: Option<PathBuf>,
        /// read: everything about the lake; admin: what is told about the process, too
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
        /// Which command's [default: all]
        #[arg(value_name = "COMMAND")]
        names: Vec<String>,
        /// Say where each comes from
        #[arg(long)]
        origin: bool,
    },
}

/// How log lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// For people
    Text,
    /// For programs: an object a line
    Json,
}

/// How a listing is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Listing {
    /// For people
    Table,
    /// For programs: an array of objects
    Json,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Resources {
    #[command(subcommand)]
    pub(crate) command: ResourcesCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ResourcesCommand {
    /// Names, portals, datasets and cadences
    List {
        /// How to report
        #[arg(long, default_value = "table")]
        format: Listing,
    },
    /// One resource's definition as JSON: roles, key, bounds, columns
    Show {
        /// Its name
        #[arg(add = completion::resources())]
        name: String,
    },
    /// Draft a resource file, on stdout, from rows saved as CSV: column types and roles guessed, the rest to fill in
    Init {
        /// The rows: .csv, with or without .gz
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// The resource's name [default: the file's]
        #[arg(long)]
        name: Option<String>,
    },
}
