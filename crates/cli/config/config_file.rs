//! A config file: TOML whose keys are the long names of options. At its head they hold for every command that has the
//! option, in a table of a command's name for that command.

use std::path::{Path, PathBuf};

use clap::{Arg, ArgAction, Command};
use lake_model::{Error, Kind, Result, ResultExt as _, nearest, read_text_file};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::error_at_line;

/// A config file that was read and names only what there is.
#[derive(Debug)]
pub(crate) struct ConfigFile {
    path: PathBuf,
    settings: Vec<Setting>,
}

/// A value for an option.
#[derive(Debug, PartialEq, Eq)]
struct Setting {
    /// The command, word by word; empty for every command.
    command: Vec<String>,
    option: String,
    values: Vec<String>,
    line: usize,
}

/// Returns whether an argument is an option that may be set in a file.
pub(crate) fn is_option(argument: &Arg) -> bool {
    argument.get_long().is_some_and(|long| !["config", "help", "version"].contains(&long))
}

fn find_own_option<'a>(command: &'a Command, name: &str) -> Option<&'a Arg> {
    command.get_arguments().find(|argument| is_option(argument) && argument.get_long() == Some(name))
}

/// Returns the names of a command's options, and with `below` those of its subcommands.
fn list_options(command: &Command, below: bool) -> Vec<&str> {
    let own = command.get_arguments().filter(|argument| is_option(argument)).filter_map(Arg::get_long);
    let inner = command.get_subcommands().filter(|_| below).flat_map(|inner| list_options(inner, true));
    own.chain(inner).collect()
}

impl ConfigFile {
    /// Reads a file for the commands of `program`.
    ///
    /// # Errors
    /// If it cannot be read, is not TOML, or has an unknown name, with the line and the nearest name.
    pub(crate) fn read(path: PathBuf, program: &Command) -> Result<Self> {
        let text = read_text_file(&path).map_err(|error| error.context("the config file"))?;
        let settings = Parser { path: &path, text: &text, program }.parse()?;
        Ok(Self { path, settings })
    }

    /// Returns the program with the file's values as the defaults of its options.
    pub(crate) fn with_defaults(&self, program: Command) -> Command {
        self.set_defaults(program, &mut Vec::new())
    }

    fn set_defaults(&self, command: Command, words: &mut Vec<String>) -> Command {
        let command = command.mut_args(|argument| {
            let name = argument.get_long().filter(|_| is_option(&argument));
            let Some(setting) = name.and_then(|name| self.find_setting(words, name)) else { return argument };
            // Options keep the texts of their defaults until the process ends, and the file is read once.
            let values = setting.values.iter().map(|value| &*Box::leak(value.clone().into_boxed_str()));
            // Help shows defaults.
            let is_secret = argument.is_hide_env_values_set();
            argument.default_values(values.collect::<Vec<&'static str>>()).hide_default_value(is_secret)
        });
        command.mut_subcommands(|inner| {
            words.push(inner.get_name().to_owned());
            let inner = self.set_defaults(inner, words);
            words.pop();
            inner
        })
    }

    /// Returns the setting of a command's option: its own, else that of every command.
    fn find_setting(&self, command: &[String], option: &str) -> Option<&Setting> {
        let of = |command: &[String]| {
            self.settings.iter().find(|setting| setting.command == command && setting.option == option)
        };
        of(command).or_else(|| of(&[]))
    }

    /// Returns the file and line that set a command's option, if there is such a line.
    pub(crate) fn find_origin(&self, command: &[String], option: &str) -> Option<String> {
        self.find_setting(command, option).map(|setting| self.format_place(setting))
    }

    /// Returns the values that the file sets a command's option to.
    pub(super) fn find_values(&self, command: &[String], option: &str) -> Option<&[String]> {
        self.find_setting(command, option).map(|setting| setting.values.as_slice()).filter(|values| !values.is_empty())
    }

    /// Forgets the setting of a command's option.
    pub(super) fn remove_setting(&mut self, command: &[String], option: &str) {
        let at = |command: &[String]| {
            self.settings.iter().position(|setting| setting.command == command && setting.option == option)
        };
        if let Some(at) = at(command).or_else(|| at(&[])) {
            self.settings.remove(at);
        }
    }

    /// Returns the file and line where an option has this value.
    pub(crate) fn find_place(&self, option: &str, value: &str) -> Option<String> {
        let has = |setting: &&Setting| setting.option == option && setting.values.iter().any(|text| text == value);
        self.settings.iter().find(has).map(|setting| self.format_place(setting))
    }

    fn format_place(&self, setting: &Setting) -> String {
        format!("{}, line {}", self.path.display(), setting.line)
    }
}

/// A file as it is read.
struct Parser<'a> {
    path: &'a Path,
    text: &'a str,
    program: &'a Command,
}

impl Parser<'_> {
    fn parse(&self) -> Result<Vec<Setting>> {
        let table = DeTable::parse(self.text).map_err(|error| {
            let line = error.span().map_or(1, |span| self.line_of(span.start));
            error_at_line(self.path, line, error.message())
        })?;
        let mut settings = Vec::new();
        self.read_table(table.get_ref(), self.program, &mut Vec::new(), &mut settings)?;
        Ok(settings)
    }

    fn line_of(&self, at: usize) -> usize {
        self.text.bytes().take(at).filter(|byte| *byte == b'\n').count() + 1
    }

    fn read_table(
        &self,
        table: &DeTable<'_>,
        command: &Command,
        words: &mut Vec<String>,
        settings: &mut Vec<Setting>,
    ) -> Result<()> {
        for (key, value) in table {
            let (name, line) = (key.get_ref().as_ref(), self.line_of(key.span().start));
            if let Some(inner) = value.get_ref().as_table() {
                let Some(found) = command.get_subcommands().find(|inner| inner.get_name() == name) else {
                    return Err(self.unknown_name_error(
                        "command",
                        name,
                        line,
                        command.get_subcommands().map(Command::get_name),
                    ));
                };
                words.push(name.to_owned());
                self.read_table(inner, found, words, settings)?;
                words.pop();
                continue;
            }
            let argument = self.find_option(name, line, command, words)?;
            let values = parse_values(argument, value).map_err(|error| error_at_line(self.path, line, error))?;
            settings.push(Setting { command: words.clone(), option: name.to_owned(), values, line });
        }
        Ok(())
    }

    /// Returns the option of this name, of this command or, at the file's head, of any.
    fn find_option<'c>(&self, name: &str, line: usize, command: &'c Command, words: &[String]) -> Result<&'c Arg> {
        let anywhere = words.is_empty();
        if let Some(found) = if anywhere { find_in_subcommands(command, name) } else { find_own_option(command, name) }
        {
            return Ok(found);
        }
        if !anywhere && find_own_option(self.program, name).is_some() {
            let what = format!("`{name}` is an option of every command: move it above the tables");
            return Err(error_at_line(self.path, line, what));
        }
        Err(self.unknown_name_error("option", name, line, list_options(command, anywhere).into_iter()))
    }

    fn unknown_name_error<'n>(
        &self,
        kind: &str,
        name: &str,
        line: usize,
        names: impl Iterator<Item = &'n str>,
    ) -> Error {
        let hint = nearest(name, names).map_or_else(
            || "`hotspots-lake config show` prints all there are".to_owned(),
            |near| format!("did you mean `{near}`?"),
        );
        error_at_line(self.path, line, format!("there is no {kind} `{name}`; {hint}"))
    }
}

/// Returns the option of this name of a command, or of one of its subcommands.
fn find_in_subcommands<'c>(command: &'c Command, name: &str) -> Option<&'c Arg> {
    find_own_option(command, name)
        .or_else(|| command.get_subcommands().find_map(|inner| find_in_subcommands(inner, name)))
}

/// Returns the texts of a value, as on a command line.
fn parse_values(argument: &Arg, value: &Spanned<DeValue<'_>>) -> Result<Vec<String>> {
    let name = argument.get_long().unwrap_or_default();
    let many = matches!(argument.get_action(), ArgAction::Append);
    let is_flag = matches!(argument.get_action(), ArgAction::SetTrue | ArgAction::SetFalse);
    match value.get_ref() {
        DeValue::Array(items) if many => items.iter().map(|item| parse_value(name, item.get_ref())).collect(),
        DeValue::Array(_) => Err(Error::invalid(format!("`{name}` is an array: expected one value"))),
        other if is_flag && !other.is_bool() => {
            Err(Error::invalid(format!("`{name}` is a flag: expected true or false")))
        }
        other => Ok(vec![parse_value(name, other)?]),
    }
}

fn parse_value(name: &str, value: &DeValue<'_>) -> Result<String> {
    Ok(match value {
        DeValue::String(text) => text.to_string(),
        DeValue::Boolean(flag) => flag.to_string(),
        DeValue::Float(number) => number.as_str().to_owned(),
        DeValue::Datetime(time) => time.to_string(),
        DeValue::Integer(number) => i128::from_str_radix(number.as_str(), number.radix())
            .or_err(Kind::Invalid, || format!("`{name}` is not a valid integer"))?
            .to_string(),
        DeValue::Array(_) | DeValue::Table(_) => {
            return Err(Error::invalid(format!("`{name}` is not a value: expected a string, a number, true or false")));
        }
    })
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;
    use crate::args::Args;

    fn settings(text: &str) -> Result<Vec<Setting>> {
        Parser { path: Path::new("lake.toml"), text, program: &Args::command() }.parse()
    }

    #[test]
    fn options_are_read_for_all_commands_or_one() {
        let read = settings(
            "lake = \"s3://bucket/lake\"\nmemory-mib = 2_048\n\n[serve]\nhttp = \"0.0.0.0:80\"\naccess-log = true\n\
             trusted-proxy = [\"10.0.0.1\", \"10.0.0.2\"]\n",
        );
        let read = read.expect("settings");
        let setting = |command: &[&str], option: &str| {
            let of = |s: &&Setting| s.command == command && s.option == option;
            let found = read.iter().find(of).unwrap_or_else(|| panic!("{option}"));
            (found.values.clone(), found.line)
        };
        assert_eq!(setting(&[], "memory-mib"), (vec!["2048".to_owned()], 2));
        assert_eq!(setting(&["serve"], "http"), (vec!["0.0.0.0:80".to_owned()], 5));
        assert_eq!(setting(&["serve"], "trusted-proxy").0.len(), 2);
    }

    #[test]
    fn what_there_is_not_is_named_with_its_line_and_its_neighbour() {
        for (text, says) in [
            ("\n\nlaek = \"x\"", "line 3: there is no option `laek`; did you mean `lake`?"),
            ("[serv]\nhttp = \"x\"", "line 1: there is no command `serv`; did you mean `serve`?"),
            ("[serve]\nhttpp = \"x\"", "line 2: there is no option `httpp`; did you mean `http`?"),
            ("[serve]\nwindow = \"x\"", "line 2: there is no option `window`"),
            ("[serve]\nlake = \"x\"", "line 2: `lake` is an option of every command"),
            ("quiet = 1", "line 1: `quiet` is a flag: expected true or false"),
            ("lake = [\"x\"]", "line 1: `lake` is an array: expected one value"),
            ("lake = ", "line 1: "),
            ("config = \"other\"", "line 1: there is no option `config`"),
        ] {
            let error = settings(text).expect_err(text);
            assert!(error.message().starts_with(&format!("lake.toml, {says}")), "{error}");
        }
    }
}
