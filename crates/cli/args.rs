//! The command line.

use std::path::PathBuf;

use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum};

use crate::serving::Serving;

/// A city's published incidents as a lake of open tables, counted exactly and answered at once.
#[derive(Debug, Parser)]
#[command(
    version,
    propagate_version = true,
    max_term_width = 110,
    after_help = "\
Examples:
  hotspots-lake up --demo                           the whole job on synthetic rows: http://127.0.0.1:8080
  hotspots-lake ingest 311-cases --max-pages 2      land two pages from the real portal
  hotspots-lake compact                             recount exactly
  hotspots-lake sql 'SELECT resource, SUM(count) FROM counts GROUP BY 1'

Exit codes: 0 done, 1 the answer is no, 2 bad usage or not found, 3 partly done, 4 try again,
5 damaged data, 70 a bug."
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
    /// The lake: a directory or s3://BUCKET/PREFIX
    #[arg(long, global = true, env = "HOTSPOTS_LAKE", default_value = "./lake", value_name = "PLACE")]
    pub(crate) lake: String,
    /// A directory of your own resource files (*.toml), added to those the program comes with
    #[arg(long, global = true, env = "HOTSPOTS_RESOURCES", value_name = "DIR")]
    pub(crate) resources: Option<PathBuf>,
    /// A directory of your own queries (*.sql, each with a title), added to those the program comes with
    #[arg(long, global = true, env = "HOTSPOTS_QUERIES", value_name = "DIR")]
    pub(crate) queries: Option<PathBuf>,
    /// Where the key indexes lie: derived, on local disk, rebuilt when lost [default: in the lake, or the user's cache for S3]
    #[arg(long, global = true, env = "HOTSPOTS_INDEX", value_name = "DIR")]
    pub(crate) index: Option<PathBuf>,
    /// Memory that queries and compaction may use before they spill to disk, MiB
    #[arg(long, global = true, env = "HOTSPOTS_MEMORY_MIB", default_value_t = 1024, value_name = "MIB")]
    pub(crate) memory_mib: usize,
    /// A file of settings: options by their long names, those of one command in a table of its name
    #[arg(long, global = true, env = "HOTSPOTS_CONFIG", value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// How log lines on stderr are written
    #[arg(long, global = true, env = "HOTSPOTS_LOG_FORMAT", default_value = "text", value_name = "FORMAT")]
    pub(crate) log_format: LogFormat,
    /// Say more on stderr (twice: much more)
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
    /// Say nothing on stderr but errors
    #[arg(short, long, global = true, conflicts_with = "verbose")]
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
    #[command(after_help = "\
Examples:
  hotspots-lake up --demo                           synthetic rows from a portal of our own
  hotspots-lake up                                  every resource from its real portal
  hotspots-lake up 311-cases --http 127.0.0.1:9000  one resource, another address")]
    Up(Up),
    /// Land new and changed rows, and boundaries, from the portals or from a saved file
    #[command(after_help = "\
Examples:
  hotspots-lake ingest                                        every resource, from where the last run ended
  hotspots-lake ingest 311-cases --max-pages 2
  hotspots-lake ingest 311-cases --file saved.json.gz         rows saved from a portal, reconciled by key
  hotspots-lake ingest 311-cases --full                       read all again, delete what the portal no longer has
  hotspots-lake ingest 311-cases --replay-rejects             rejects again, after a resource file was mended
  hotspots-lake ingest 311-cases --portal http://127.0.0.1:9  a mirror or a proxy
  hotspots-lake ingest sf-neighborhoods                       outlines for the map, read whole each time
  hotspots-lake ingest sf-neighborhoods --file saved.geojson")]
    Ingest(Ingest),
    /// Recount exactly: merge what has landed, or count a window again from scratch
    #[command(after_help = "\
Examples:
  hotspots-lake compact                                      what landed since the last time
  hotspots-lake compact --window 2020..2030                  and count these years again from the raw rows
  hotspots-lake compact --recount                            make everything again that follows from the raw rows
  hotspots-lake compact --resource 311-cases --dry-run       only report; exit code 1 if there is drift")]
    Compact(Compact),
    /// Hold the lake against the portal's own counts, by month and category; exit code 1 if they differ
    #[command(after_help = "\
Examples:
  hotspots-lake audit                                  every resource: ingest to the head, then compare
  hotspots-lake audit --resource 311-cases --window 2024..2025
  hotspots-lake audit --keys                           key by key: what is gone, what is missing
  hotspots-lake audit --keys --repair                  and mend it: nightly, this keeps the lake equal to the portals

A source that changes meanwhile is asked again; if it keeps changing, the exit code is 4.")]
    Audit(Audit),
    /// Rows that could not be used: why, and as they were published
    #[command(after_help = "\
Examples:
  hotspots-lake rejects
  hotspots-lake rejects 311-cases --format json
  hotspots-lake ingest 311-cases --replay-rejects      after the resource file was mended")]
    Rejects(Rejects),
    /// Ask anything in SQL, read-only
    #[command(after_help = "\
Examples:
  hotspots-lake sql 'SELECT category, SUM(count) AS n FROM counts GROUP BY 1 ORDER BY n DESC LIMIT 10'
  hotspots-lake sql --format csv 'SELECT h3_h3_to_string(h3_cell_to_parent(cell, 8)) AS cell8, SUM(count) FROM counts GROUP BY 1'
  hotspots-lake sql --format json -f question.sql
  echo 'SELECT * FROM raw.\"311_cases\" LIMIT 5' | hotspots-lake sql
  hotspots-lake sql --as-of 2026-03-01T12:00:00Z 'SELECT SUM(count) FROM counts'
  hotspots-lake sql --at-version fast_counts=12,counts=5,incidents=5 'SELECT SUM(count) FROM counts'

Tables: incidents, counts, rejects, boundaries (current answers); stored.* (as stored); raw.* (every landed version).")]
    Sql(Sql),
    /// Serve the lake over HTTP, and over Arrow Flight SQL with --flight
    #[command(after_help = "\
Examples:
  hotspots-lake serve
  hotspots-lake serve --flight
  hotspots-lake serve --flight 0.0.0.0:50051 --tls-cert server.crt --tls-key server.key
  curl 'http://127.0.0.1:8080/aggregates?resource=311-cases&geo_precision=8&time_precision=1mo'")]
    Serve(Serve),
    /// Each resource's batches, rows, rejects, lag and unreconciled batches
    #[command(after_help = "\
Examples:
  hotspots-lake status
  hotspots-lake status --format json")]
    Status(Status),
    /// The resources the program knows
    #[command(after_help = "\
Examples:
  hotspots-lake resources list
  hotspots-lake resources show 311-cases
  hotspots-lake resources list --resources ./my-resources")]
    Resources(Resources),
    /// The queries that have names: which there are, their rows, and tests of your own
    #[command(after_help = "\
Examples:
  hotspots-lake queries list
  hotspots-lake queries run reports/categories --param resource=311-cases --param top=10
  hotspots-lake queries run reports/months --format csv
  hotspots-lake queries show reports/categories
  hotspots-lake queries test ./my-queries           their rows against NAME.csv beside NAME.sql; exit code 1 if one differs")]
    Queries(Queries),
    /// What was done to the lake: every version of every table, the newest first
    #[command(after_help = "\
Examples:
  hotspots-lake history --limit 20
  hotspots-lake history --table counts
  hotspots-lake history --table raw/311-cases --format json")]
    History(History),
    /// Read the whole lake and say whether it is whole: logs, files, statistics, counts, rejects
    #[command(after_help = "\
Examples:
  hotspots-lake check
  hotspots-lake check --format json

Exit codes: 0 the lake is whole, 1 tables differ that should not, 5 damaged.")]
    Check(Check),
    /// Delete files that nothing needs any more; without --apply only say which
    #[command(after_help = "\
Examples:
  hotspots-lake vacuum                              what would go
  hotspots-lake vacuum --apply                      let it go
  hotspots-lake vacuum --older-than 30d --apply     keep every version of the last 30 days readable
  hotspots-lake vacuum --older-than 0s --nothing-else-runs --apply")]
    Vacuum(Vacuum),
    /// Make a sealed record vanish from every table, version, reject and index
    #[command(after_help = "\
Examples:
  hotspots-lake forget police-department-incidents 95322406244
  hotspots-lake sql \"SELECT id FROM incidents WHERE resource = 'police-department-incidents' LIMIT 5\"

Nothing else may write to the lake meanwhile. Earlier versions can no longer be read afterwards. A record that the
portal still publishes is landed again by the next full read.")]
    Forget(Forget),
    /// Tokens for who may ask a server
    #[command(after_help = "\
Examples:
  hotspots-lake token new map                            prints the token, and its line for the token file
  hotspots-lake token new prometheus --scope admin
  hotspots-lake serve --token-file tokens")]
    Token(Token),
    /// The settings that hold, and where they come from
    #[command(after_help = "\
Examples:
  hotspots-lake config show                              every setting of every command, as a config file
  hotspots-lake config show serve --origin               those of one command, and where each comes from

A setting is taken from the command line, else from its variable, else from the config file, else it has its default.")]
    Config(Config),
    /// The OpenAPI document of the HTTP interface on stdout
    Openapi,
    /// Shell completions on stdout
    #[command(after_help = "\
Examples:
  hotspots-lake completions bash > ~/.local/share/bash-completion/completions/hotspots-lake")]
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
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
    /// Which resources [default: all]
    #[arg(value_name = "RESOURCE")]
    pub(crate) names: Vec<String>,
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
    /// Which resources [default: all]
    #[arg(value_name = "RESOURCE")]
    pub(crate) names: Vec<String>,
    /// Stop after this many pages of each resource
    #[arg(long, value_name = "N")]
    pub(crate) max_pages: Option<usize>,
    /// Rows saved from a portal, .json or .csv (boundaries: .geojson or .json), with or without .gz, instead of the portal itself
    #[arg(long, value_name = "PATH", conflicts_with = "portal")]
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
    /// Which resources [default: all that have landed]
    #[arg(long = "resource", value_name = "R")]
    pub(crate) names: Vec<String>,
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
    /// Which resources [default: all that have landed]
    #[arg(value_name = "RESOURCE")]
    pub(crate) names: Vec<String>,
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
    /// Which resources [default: all that have landed]
    #[arg(long = "resource", value_name = "R")]
    pub(crate) names: Vec<String>,
    /// Only report; exit code 1 if there is drift
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// How to report
    #[arg(long, default_value = "table")]
    pub(crate) format: Listing,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Sql {
    /// The query; from stdin if neither it nor a file is given
    #[arg(value_name = "QUERY", conflicts_with = "file")]
    pub(crate) query: Option<String>,
    /// A file with the query
    #[arg(short, long, value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,
    /// table, json, ndjson, csv, geojson, arrow or parquet
    #[arg(long, default_value = "table", value_parser = <lake_query::Format as std::str::FromStr>::from_str)]
    pub(crate) format: lake_query::Format,
    /// The lake as it was at this time: RFC 3339, or a date or date and time in UTC
    #[arg(long, value_name = "TIME", value_parser = lake_query::Moment::parse_time)]
    pub(crate) as_of: Option<lake_query::Moment>,
    /// The lake as an earlier answer saw it: the text of its Lake-Version, which `status` prints as well
    #[arg(long, value_name = "VERSIONS", conflicts_with = "as_of", value_parser = lake_query::Moment::parse_versions)]
    pub(crate) at_version: Option<lake_query::Moment>,
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
        name: String,
    },
    /// The rows of one
    Run {
        /// Its name
        name: String,
        /// A value for one of its parameters; nothing after = means null
        #[arg(long = "param", value_name = "NAME=VALUE", value_parser = name_and_value)]
        values: Vec<(String, String)>,
        /// table, json, ndjson, csv, geojson, arrow or parquet
        #[arg(long, default_value = "table", value_parser = <lake_query::Format as std::str::FromStr>::from_str)]
        format: lake_query::Format,
    },
    /// Run a directory of queries with their defaults; exit code 1 if one fails or its rows differ from its CSV file
    Test {
        /// The directory [default: that of --queries, else the queries the program comes with]
        #[arg(value_name = "DIR")]
        directory: Option<PathBuf>,
        /// Write what they answer as what is expected
        #[arg(long)]
        update: bool,
    },
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
    #[arg(long, default_value = "7d", value_name = "AGE", value_parser = lake_upkeep::parse_age)]
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
    #[arg(value_name = "RESOURCE")]
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
        name: String,
    },
}
