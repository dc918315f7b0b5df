//! The command line, over variables, over a config file, over defaults.
//!
//! The file's values become the options' defaults before the command line is parsed, so no option needs code here. The
//! requirements of options on each other are then checked for all sources together.

mod config_file;
mod conflicts;

use std::ffi::{OsStr, OsString};
use std::process::ExitCode;

use clap::builder::Resettable;
use clap::error::{ContextKind, ContextValue};
use clap::{ArgMatches, Command, CommandFactory as _, FromArgMatches as _};
use lake_model::{Error, Result};

pub(crate) use config_file::{ConfigFile, is_option};

use crate::args::Args;
use crate::output;

/// The variable that names the file if no option does.
const VARIABLE: &str = "HOTSPOTS_CONFIG";

/// A command line, and the file that it names.
pub(crate) struct CommandLine {
    words: Vec<OsString>,
    /// Every command and option, the file's values as defaults.
    pub(crate) command: Command,
    pub(crate) file: Option<ConfigFile>,
}

impl CommandLine {
    /// Reads the file that is named.
    ///
    /// # Errors
    /// If it cannot be read, or contains what it may not.
    pub(crate) fn new(words: Vec<OsString>) -> Result<Self> {
        let command = build_program();
        let file = find_config_path(&words).map(|path| ConfigFile::read(path.into(), &command)).transpose()?;
        let mut line = Self { words, command, file };
        line.update_defaults();
        Ok(line)
    }

    /// Uses the file's current values as defaults.
    fn update_defaults(&mut self) {
        if let Some(file) = &self.file {
            self.command = file.with_defaults(build_program());
        }
    }

    /// Returns the values by option.
    pub(crate) fn parse_matches(&self) -> Result<ArgMatches, clap::Error> {
        self.command.clone().try_get_matches_from(&self.words)
    }

    /// Returns the values by option, without the settings of the file that other sources override.
    fn resolve(&mut self) -> Result<ArgMatches, Refusal> {
        loop {
            let matches = self.parse_matches().map_err(Refusal::Usage)?;
            let overridden = conflicts::find_overridden(&build_program(), &matches, self.file.as_ref());
            let overridden = overridden.map_err(Refusal::Conflict)?;
            let Some(file) = self.file.as_mut().filter(|_| !overridden.is_empty()) else { return Ok(matches) };
            overridden.iter().for_each(|(command, option)| file.remove_setting(command, option));
            self.update_defaults();
        }
    }

    /// Returns the file and line of the value that an error is about.
    fn find_place(&self, error: &clap::Error) -> Option<String> {
        let text = |kind| match error.get(kind) {
            Some(ContextValue::String(text)) => Some(text.as_str()),
            _ => None,
        };
        let option = text(ContextKind::InvalidArg)?.split([' ', '=']).next()?.strip_prefix("--")?;
        self.file.as_ref()?.find_place(option, text(ContextKind::InvalidValue)?)
    }
}

/// Why a command line is rejected.
enum Refusal {
    /// The parser's own message; help and the version are such errors, too.
    Usage(clap::Error),
    /// A conflict between options.
    Conflict(Error),
}

/// Parses the command line of this process; otherwise returns the exit code, after printing the error or the help.
pub(crate) fn parse(words: impl Iterator<Item = OsString>) -> Result<Args, ExitCode> {
    let mut line = CommandLine::new(words.collect()).map_err(|error| output::fail(&error))?;
    let args = line.resolve().and_then(|matches| Args::from_arg_matches(&matches).map_err(Refusal::Usage));
    args.map_err(|refusal| match refusal {
        Refusal::Conflict(error) => output::fail(&error),
        Refusal::Usage(error) => {
            let _ = error.print();
            if let Some(place) = line.find_place(&error) {
                output::note(&format!("The value is that of {place}."));
            }
            ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2))
        }
    })
}

/// Returns the program with every command and option. An empty variable counts as unset.
fn build_program() -> Command {
    without_empty_variables(Args::command())
}

/// Variables of access control, for which an empty value does not count as unset: a server meant to have a token would be
/// open.
const NEVER_UNSET: [&str; 3] = ["HOTSPOTS_TOKEN", "HOTSPOTS_ADMIN_TOKEN", "HOTSPOTS_TOKEN_FILE"];

fn without_empty_variables(command: Command) -> Command {
    let is_empty = |name: &OsStr| {
        !NEVER_UNSET.iter().any(|known| name == *known) && std::env::var_os(name).is_some_and(|value| value.is_empty())
    };
    command
        .mut_args(|argument| match argument.get_env().is_some_and(is_empty) {
            true => argument.env(Resettable::Reset),
            false => argument,
        })
        .mut_subcommands(without_empty_variables)
}

/// Returns the file that the words or the variable name.
fn find_config_path(words: &[OsString]) -> Option<OsString> {
    let mut words = words.iter().take_while(|word| *word != "--");
    let mut found = None;
    while let Some(word) = words.next() {
        match word.to_str().map(|text| text.strip_prefix("--config")) {
            Some(Some("")) => found = words.next().cloned(),
            Some(Some(rest)) if rest.starts_with('=') => found = Some(rest[1..].into()),
            _ => {}
        }
    }
    found.or_else(|| std::env::var_os(VARIABLE)).filter(|name| !name.is_empty())
}

/// Returns an error in a file, with its line.
fn error_at_line(path: &std::path::Path, line: usize, what: impl std::fmt::Display) -> Error {
    Error::invalid(format!("{}, line {line}: {what}", path.display()))
}
