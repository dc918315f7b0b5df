//! The parameters of a question as flags: one table drives the HTTP interface and the command line.

use std::borrow::Cow;
use std::ffi::OsString;
use std::marker::PhantomData;

use clap::builder::PossibleValuesParser;
use clap::error::ErrorKind;
use clap::{Arg, ArgAction, ArgMatches, Command, FromArgMatches};
use lake_analytics::{
    AGGREGATES_PARAMETERS, CELLS, FORMAT, HOTSPOTS_PARAMETERS, Parameter, ParameterError, ParameterTable, Parameters,
    Shape, ValueKind,
};

use crate::completion_candidates::complete_resources;

/// A question of the HTTP interface that the command line asks as well.
pub(crate) trait Question {
    /// The command.
    const COMMAND: &'static str;
    /// The parameters.
    const PARAMETERS: ParameterTable;
}

/// The question of `/aggregates`.
#[derive(Clone, Debug)]
pub(crate) struct AggregatesQuestion;

impl Question for AggregatesQuestion {
    const COMMAND: &'static str = "aggregates";
    const PARAMETERS: ParameterTable = AGGREGATES_PARAMETERS;
}

/// The question of `/hotspots`.
#[derive(Clone, Debug)]
pub(crate) struct HotspotsQuestion;

impl Question for HotspotsQuestion {
    const COMMAND: &'static str = "hotspots";
    const PARAMETERS: ParameterTable = HOTSPOTS_PARAMETERS;
}

/// The flags of a question, with their texts in the order given.
#[derive(Clone, Debug)]
pub(crate) struct ParameterFlags<Q> {
    texts: Vec<(&'static str, String)>,
    question: PhantomData<Q>,
}

impl<Q: Question> ParameterFlags<Q> {
    /// Returns the parameters of the flags.
    ///
    /// # Errors
    /// A parameter that is given twice and may be given once.
    pub(crate) fn parse(&self) -> Result<Parameters, ParameterError> {
        Parameters::from_pairs(
            Q::COMMAND,
            Q::PARAMETERS,
            self.texts.iter().map(|(name, text)| (Cow::from(*name), Cow::from(text))),
        )
    }
}

/// Returns the parameters that are flags of their own: the format and the form of cells belong to the output of every
/// command.
fn flags<Q: Question>() -> impl Iterator<Item = &'static Parameter> {
    Q::PARAMETERS.iter().filter(|parameter| ![FORMAT.name, CELLS.name].contains(&parameter.name))
}

/// Returns the name of a flag: `--geo-precision` for `geo_precision`, `--not-category` for `category!`.
fn flag_name(parameter: &Parameter) -> String {
    parameter.alias().unwrap_or_else(|| parameter.name.to_owned()).replace('_', "-")
}

fn arg(parameter: &'static Parameter) -> Arg {
    let arg = Arg::new(parameter.name).long(flag_name(parameter)).help(parameter.about).allow_hyphen_values(true);
    // A repeated flag of a parameter that may be given once is refused by name.
    let arg = arg.action(ArgAction::Append);
    let arg = match parameter.values {
        ValueKind::OneOf(names) => arg.value_name("NAME").value_parser(PossibleValuesParser::new(names)),
        ValueKind::Boolean => arg.value_name("BOOL").value_parser(PossibleValuesParser::new(["true", "false"])),
        ValueKind::Integer(..) | ValueKind::Proportion(_) => arg.value_name("N"),
        ValueKind::Text => arg.value_name(match parameter.shape {
            Shape::Numbers => "NUMBERS",
            Shape::Object => "GEOJSON",
            Shape::One | Shape::Many => "TEXT",
        }),
    };
    match parameter.name {
        "resource" | "resource!" => arg.add(complete_resources()),
        _ => arg,
    }
}

impl<Q: Question> clap::Args for ParameterFlags<Q> {
    fn augment_args(command: Command) -> Command {
        flags::<Q>().fold(command, |command, parameter| command.arg(arg(parameter)))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl<Q: Question> FromArgMatches for ParameterFlags<Q> {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let mut texts = Vec::new();
        for parameter in flags::<Q>() {
            for value in matches.get_raw(parameter.name).into_iter().flatten() {
                let text = value.to_owned().into_string().map_err(|value: OsString| {
                    let text = format!("--{} is not UTF-8 text: {}\n", flag_name(parameter), value.display());
                    clap::Error::raw(ErrorKind::InvalidUtf8, text)
                })?;
                texts.push((parameter.name, text));
            }
        }
        Ok(Self { texts, question: PhantomData })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}
