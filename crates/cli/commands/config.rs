//! `config show`: the settings in effect, and where they come from. Its output is a config file.

use std::fmt::Write as _;

use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, Command};
use lake_model::{Error, Result, listed, nearest, redact};

use crate::args::{Config, ConfigCommand};
use crate::config::{CommandLine, ConfigFile, is_option};
use crate::output;

pub(crate) fn run(args: Config) -> Result<u8> {
    let ConfigCommand::Show { names, origin } = args.command;
    let line = CommandLine::new(std::env::args_os().collect())?;
    let commands: Vec<&str> = line.command.get_subcommands().map(Command::get_name).collect();
    for name in &names {
        if !commands.contains(&name.as_str()) {
            let near = nearest(name, commands.iter().copied());
            let hint = near.map_or_else(|| listed(commands.iter().copied()), |near| format!("`{near}`"));
            return Err(Error::not_found(format!("there is no command `{name}`; it may be {hint}")));
        }
    }
    let given =
        line.parse_matches().map_err(|error| Error::internal("the command line was read before").with_source(error))?;
    let shown = Shown { file: line.file.as_ref(), origin };
    let mut text = shown.format_options(&line.command, &[], &given);
    let chosen = line.command.get_subcommands().filter(|c| names.is_empty() || names.iter().any(|n| n == c.get_name()));
    for command in chosen {
        shown.write_tables(&line.command, command, &mut Vec::new(), &mut text)?;
    }
    output::print(&text)?;
    Ok(0)
}

struct Shown<'a> {
    file: Option<&'a ConfigFile>,
    origin: bool,
}

impl Shown<'_> {
    /// Writes the table of a command, and those of its subcommands.
    fn write_tables(
        &self,
        program: &Command,
        command: &Command,
        above: &mut Vec<String>,
        text: &mut String,
    ) -> Result<()> {
        above.push(command.get_name().to_owned());
        // The settings of the command without any option are shown.
        let words = std::iter::once(program.get_name()).chain(above.iter().map(String::as_str));
        let matches = program.clone().ignore_errors(true).try_get_matches_from(words);
        let matches = matches.map_err(|error| Error::internal("a bare command").with_source(error))?;
        let own = above.iter().try_fold(&matches, |matches, word| matches.subcommand_matches(word));
        let lines = own.map(|own| self.format_options(command, above, own)).unwrap_or_default();
        if !lines.is_empty() {
            let _ = write!(text, "\n[{}]\n{lines}", above.join("."));
        }
        for inner in command.get_subcommands() {
            self.write_tables(program, inner, above, text)?;
        }
        above.pop();
        Ok(())
    }

    /// Returns a line for each option of a command.
    fn format_options(&self, command: &Command, words: &[String], matches: &ArgMatches) -> String {
        let options = command.get_arguments().filter(|argument| is_option(argument));
        options.map(|argument| self.format_line(argument, words, matches)).collect()
    }

    fn format_line(&self, argument: &Arg, words: &[String], matches: &ArgMatches) -> String {
        let (id, name) = (argument.get_id().as_str(), argument.get_long().unwrap_or_default());
        let values: Vec<String> = match matches.get_raw(id) {
            // An address may hold a password.
            Some(values) => values.map(|value| redact(&value.to_string_lossy()).into_owned()).collect(),
            None => return format!("# {name} is not set\n"),
        };
        let value = if argument.is_hide_env_values_set() {
            // As a comment: if the output is used as a config file, it must not become its token.
            return format!("# {name} = \"***\"{}\n", self.describe_origin(argument, name, words, matches));
        } else if matches!(argument.get_action(), clap::ArgAction::Append) {
            let values: Vec<String> = values.iter().map(|value| quoted(value)).collect();
            format!("[{}]", values.join(", "))
        } else {
            format_value(values.last().map_or("", String::as_str))
        };
        format!("{name} = {value}{}\n", self.describe_origin(argument, name, words, matches))
    }

    /// Returns the origin of a value, if origins are requested.
    fn describe_origin(&self, argument: &Arg, name: &str, words: &[String], matches: &ArgMatches) -> String {
        if !self.origin {
            return String::new();
        }
        let default = || "default".to_owned();
        let origin = match matches.value_source(argument.get_id().as_str()) {
            Some(ValueSource::CommandLine) => "command line".to_owned(),
            Some(ValueSource::EnvVariable) => {
                argument.get_env().map_or_else(String::new, |variable| variable.to_string_lossy().into_owned())
            }
            _ => self.file.and_then(|file| file.find_origin(words, name)).unwrap_or_else(default),
        };
        format!("  # {origin}")
    }
}

/// Formats a number or a flag as it is, anything else as text.
fn format_value(value: &str) -> String {
    let is_bare =
        value.parse::<i64>().is_ok_and(|number| number.to_string() == value) || ["true", "false"].contains(&value);
    if is_bare { value.to_owned() } else { quoted(value) }
}

fn quoted(value: &str) -> String {
    serde_json::Value::from(value).to_string()
}
