//! Exclusions and requirements between options, wherever their values come from.
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
pub(super) fn find_overridden(
    program: &Command,
    given: &ArgMatches,
    file: Option<&ConfigFile>,
) -> Result<Vec<(Vec<String>, String)>> {
    let (mut words, mut found) = (Vec::new(), Vec::new());
    let mut level = Some((program, given));
    while let Some((command, matches)) = level {
        let overridden = Level { command, matches, words: &words, file }.find_overridden()?;
        found.extend(overridden.into_iter().map(|name| (words.clone(), name.to_owned())));
        level = matches.subcommand().and_then(|(name, matches)| {
            words.push(name.to_owned());
            Some((command.find_subcommand(name)?, matches))
        });
    }
    Ok(found)
}

/// The source of a value that is not a default.
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

/// A command of those that the words name, and its values.
struct Level<'a> {
    command: &'a Command,
    matches: &'a ArgMatches,
    words: &'a [String],
    file: Option<&'a ConfigFile>,
}

impl<'a> Level<'a> {
    fn find_overridden(&self) -> Result<Vec<&'a str>> {
        let mut overridden = Vec::new();
        for (one, other) in self.list_exclusions() {
            let (Some(of_one), Some(of_other)) = (self.find_origin(one), self.find_origin(other)) else { continue };
            match (&of_one, &of_other) {
                (Origin::File(_), Origin::File(_)) => {
                    let (one, other) = (format_option(one), format_option(other));
                    return Err(Error::invalid(format!(
                        "{one} ({of_one}) and {other} ({of_other}) exclude each other; remove one of them"
                    )));
                }
                (Origin::File(_), _) => overridden.extend(one.get_long()),
                (_, Origin::File(_)) => overridden.extend(other.get_long()),
                // Between these the parser has decided.
                _ => {}
            }
        }
        for (option, needed) in NEEDS {
            let (Some(option), Some(needed)) = (self.option(option), self.option(needed)) else { continue };
            let Some(origin) = self.find_origin(option) else { continue };
            let is_needed_overridden = needed.get_long().is_some_and(|needed| overridden.contains(&needed));
            match (is_needed_overridden, &origin) {
                // A setting that needs an overridden one is overridden with it.
                (true, Origin::File(_)) => overridden.extend(option.get_long()),
                (false, _) if self.find_origin(needed).is_some() => {}
                _ => {
                    let (option, needed) = (format_option(option), format_option(needed));
                    return Err(Error::invalid(format!(
                        "{option} ({origin}) needs {needed}, which is set nowhere; give both or neither"
                    )));
                }
            }
        }
        Ok(overridden)
    }

    /// Returns the pairs that exclude each other.
    fn list_exclusions(&self) -> impl Iterator<Item = (&'a Arg, &'a Arg)> {
        let command = self.command;
        let arguments = command.get_arguments();
        arguments.flat_map(move |one| command.get_arg_conflicts_with(one).into_iter().map(move |other| (one, other)))
    }

    fn option(&self, name: &str) -> Option<&'a Arg> {
        self.command.get_arguments().find(|argument| argument.get_long() == Some(name))
    }

    fn find_origin(&self, argument: &Arg) -> Option<Origin> {
        match self.matches.value_source(argument.get_id().as_str())? {
            ValueSource::CommandLine => Some(Origin::CommandLine),
            ValueSource::EnvVariable => {
                let variable = argument.get_env().unwrap_or_default();
                Some(Origin::Variable(variable.to_string_lossy().into_owned()))
            }
            _ => {
                let (file, option) = (self.file?, argument.get_long()?);
                let values = file.find_values(self.words, option)?;
                // A default that is written out has no effect: `config show` prints it so.
                let is_default = match argument.get_action() {
                    ArgAction::SetTrue | ArgAction::Count => matches!(values[0].as_str(), "false" | "0"),
                    _ => {
                        let defaults = argument.get_default_values().iter().map(|value| value.to_string_lossy());
                        defaults.eq(values.iter().map(String::as_str))
                    }
                };
                if is_default { None } else { file.find_origin(self.words, option).map(Origin::File) }
            }
        }
    }
}

fn format_option(argument: &Arg) -> String {
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
