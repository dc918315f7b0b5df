//! What options demand of each other, wherever their values come from.
//!
//! The command-line parser treats values of the file as defaults, and checks no requirements of defaults. So they are
//! checked here: the command line and variables override the file, and the file's own settings must agree with each
//! other.

use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, Command};
use lake_model::{Error, Result};

use super::ConfigFile;

/// Options that have no effect, or the wrong one, without another, in the commands that have both.
const NEEDS: [(&str, &str); 5] = [
    ("tls-cert", "tls-key"),
    ("tls-key", "tls-cert"),
    ("demo-rows", "demo"),
    ("allow-deletes", "full"),
    ("allow-deletes", "repair"),
];

/// Returns the settings of the file that other sources override: each by its command's words and its option.
///
/// # Errors
/// If two settings of the file exclude each other, or an option lacks another that it needs.
pub(super) fn yielding(
    program: &Command,
    given: &ArgMatches,
    file: Option<&ConfigFile>,
) -> Result<Vec<(Vec<String>, String)>> {
    let (mut words, mut found) = (Vec::new(), Vec::new());
    let mut level = Some((program, given));
    while let Some((command, matches)) = level {
        let yielding = Level { command, matches, words: &words, file }.yielding()?;
        found.extend(yielding.into_iter().map(|name| (words.clone(), name.to_owned())));
        level = matches.subcommand().and_then(|(name, matches)| {
            words.push(name.to_owned());
            Some((command.find_subcommand(name)?, matches))
        });
    }
    Ok(found)
}

/// Where a value comes from that is not a default.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Origin {
    CommandLine,
    Variable(String),
    File(String),
}

impl std::fmt::Display for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::CommandLine => f.write_str("the command line"),
            Self::Variable(place) | Self::File(place) => f.write_str(place),
        }
    }
}

/// A command of those that the words name, and what it was given.
struct Level<'a> {
    command: &'a Command,
    matches: &'a ArgMatches,
    words: &'a [String],
    file: Option<&'a ConfigFile>,
}

impl<'a> Level<'a> {
    fn yielding(&self) -> Result<Vec<&'a str>> {
        let mut yielding = Vec::new();
        for (one, other) in self.exclusions() {
            let (Some(of_one), Some(of_other)) = (self.origin(one), self.origin(other)) else { continue };
            match (&of_one, &of_other) {
                (Origin::File(_), Origin::File(_)) => {
                    let (one, other) = (shown(one), shown(other));
                    return Err(Error::invalid(format!(
                        "{one} ({of_one}) and {other} ({of_other}) exclude each other; remove one of them"
                    )));
                }
                (Origin::File(_), _) => yielding.extend(one.get_long()),
                (_, Origin::File(_)) => yielding.extend(other.get_long()),
                // Between these the parser has decided.
                _ => {}
            }
        }
        for (option, needed) in NEEDS {
            let (Some(option), Some(needed)) = (self.option(option), self.option(needed)) else { continue };
            let Some(origin) = self.origin(option) else { continue };
            let goes = needed.get_long().is_some_and(|needed| yielding.contains(&needed));
            match (goes, &origin) {
                // What only goes with a setting that yields, yields with it.
                (true, Origin::File(_)) => yielding.extend(option.get_long()),
                (false, _) if self.origin(needed).is_some() => {}
                _ => {
                    let (option, needed) = (shown(option), shown(needed));
                    return Err(Error::invalid(format!(
                        "{option} ({origin}) needs {needed}, which is set nowhere; give both or neither"
                    )));
                }
            }
        }
        Ok(yielding)
    }

    /// Returns the pairs that exclude each other.
    fn exclusions(&self) -> impl Iterator<Item = (&'a Arg, &'a Arg)> {
        let command = self.command;
        let arguments = command.get_arguments();
        arguments.flat_map(move |one| command.get_arg_conflicts_with(one).into_iter().map(move |other| (one, other)))
    }

    fn option(&self, name: &str) -> Option<&'a Arg> {
        self.command.get_arguments().find(|argument| argument.get_long() == Some(name))
    }

    fn origin(&self, argument: &Arg) -> Option<Origin> {
        match self.matches.value_source(argument.get_id().as_str())? {
            ValueSource::CommandLine => Some(Origin::CommandLine),
            ValueSource::EnvVariable => {
                let variable = argument.get_env().unwrap_or_default();
                Some(Origin::Variable(variable.to_string_lossy().into_owned()))
            }
            _ => {
                let (file, option) = (self.file?, argument.get_long()?);
                let values = file.values(self.words, option)?;
                // A default that is written out has no effect: `config show` prints it so.
                let is_default = match argument.get_action() {
                    ArgAction::SetTrue | ArgAction::Count => matches!(values[0].as_str(), "false" | "0"),
                    _ => {
                        let defaults = argument.get_default_values().iter().map(|value| value.to_string_lossy());
                        defaults.eq(values.iter().map(String::as_str))
                    }
                };
                if is_default { None } else { file.origin(self.words, option).map(Origin::File) }
            }
        }
    }
}

fn shown(argument: &Arg) -> String {
    argument.get_long().map_or_else(|| format!("`{}`", argument.get_id()), |long| format!("`--{long}`"))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;
    use crate::args::Args;

    #[test]
    fn every_need_is_of_a_command_that_has_both() {
        let program = Args::command();
        for (option, needed) in NEEDS {
            let has = |command: &Command, name: &str| command.get_arguments().any(|a| a.get_long() == Some(name));
            let found = program.get_subcommands().any(|command| has(command, option) && has(command, needed));
            assert!(found, "no command has --{option} and --{needed}");
        }
    }
}
