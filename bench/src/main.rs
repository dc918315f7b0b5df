//! Makes the rows that the benchmark (`bench/run`) lands and asks about: an invented city of any number of incidents,
//! the same for the same seed. Nothing in the rows happened.
#![allow(clippy::print_stdout, reason = "a generator prints what it was asked for")]

mod calendar;
mod city;
mod incident;
mod kinds;
mod line;
mod load;
mod portal;
mod random;
mod resource;
mod rows;

use std::io::{Read as _, Result, Write as _};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};

use crate::load::run_clients;
use crate::resource::Resource;
use crate::rows::{Selection, notes_of, write_rows};

/// Lakes of another generator are made again. It changes with every change of a row.
const GENERATOR: &str = "1";

/// Makes rows of an invented city.
#[derive(Debug, Parser)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Print the version of the rows
    Version,
    /// Write rows to a file that `ingest --file` lands
    Rows(Rows),
    /// Serve 311 cases as a SODA portal until stdin ends; the first line of stdout is its address
    Portal(Portal),
    /// Ask a server the paths of a file, a line each, from many clients at once; print the latencies as JSON
    Load(Load),
}

#[derive(Debug, Args)]
struct Rows {
    /// The resource
    #[arg(long)]
    resource: Resource,
    /// How many rows the resource has in the lake: they set the days of each
    #[arg(long)]
    total: u64,
    /// The number of the first row; rows beyond the total are late reports
    #[arg(long, default_value_t = 0)]
    from: u64,
    /// How many rows
    #[arg(long, default_value_t = 0)]
    count: u64,
    /// How many rows of the lake to add in a second version, nine of ten from the newest two months
    #[arg(long, default_value_t = 0)]
    changed: u64,
    #[arg(long)]
    output: PathBuf,
    #[command(flatten)]
    common: Common,
}

#[derive(Debug, Args)]
struct Portal {
    /// How many rows
    #[arg(long)]
    rows: u64,
    #[command(flatten)]
    common: Common,
}

#[derive(Debug, Args)]
struct Load {
    /// Address and port
    #[arg(long)]
    address: SocketAddr,
    /// The file of paths
    #[arg(long)]
    paths: PathBuf,
    #[arg(long, default_value_t = 16)]
    clients: usize,
    #[arg(long, default_value_t = 30)]
    seconds: u64,
}

#[derive(Debug, Args)]
struct Common {
    #[arg(long, default_value_t = 311)]
    seed: u64,
    /// Bytes of text in each row that nothing is asked about
    #[arg(long, default_value_t = 60)]
    notes: usize,
}

fn main() -> ExitCode {
    match run(Arguments::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // A reader of stderr that is gone changes nothing.
            let _ = writeln!(std::io::stderr(), "lake-bench: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<()> {
    match command {
        Command::Version => println!("{GENERATOR}"),
        Command::Rows(rows) => {
            let model = rows.resource.model(rows.common.seed, rows.total);
            let Rows { total, from, count, changed, .. } = rows;
            let selection = Selection { total, from, count, changed };
            write_rows(&rows.output, rows.resource, &model, selection, &notes_of(rows.common.notes))?;
        }
        Command::Load(load) => {
            let paths: Vec<String> = std::fs::read_to_string(&load.paths)?.lines().map(str::to_owned).collect();
            let report = run_clients(load.address, &paths, load.clients, Duration::from_secs(load.seconds))?;
            println!("{}", report.to_json());
        }
        Command::Portal(portal) => {
            let served = portal::cases_portal(portal.rows, portal.common.seed, &notes_of(portal.common.notes))?;
            let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
            let serving = runtime.block_on(served.serve(([127, 0, 0, 1], 0).into()))?;
            println!("{}", serving.url());
            std::io::stdin().read_to_end(&mut Vec::new())?;
        }
    }
    Ok(())
}
