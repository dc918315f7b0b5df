//! Shell completion: the scripts that shells load, and the answers to their requests for words.

use clap::CommandFactory as _;
use clap_complete::CompleteEnv;
use clap_complete::env::Shells;
use lake_model::{Error, Result};

use crate::args::Args;

/// The variable by which a shell's script requests completions.
const VARIABLE: &str = "COMPLETE";
const PROGRAM: &str = "hotspots-lake";

/// Answers a request of a shell for words; returns whether there was one.
pub(crate) fn answer_shell() -> bool {
    let directory = std::env::current_dir().ok();
    let environment = CompleteEnv::with_factory(Args::command).var(VARIABLE);
    // A shell that gets no words offers none; completion has no other way to report an error.
    environment.try_complete(std::env::args_os(), directory.as_deref()).unwrap_or(true)
}

/// Returns the script by which a shell asks this program for words.
///
/// # Errors
/// If the shell is not known, which the parser of the command line excludes.
pub(crate) fn write_script(shell: clap_complete::Shell) -> Result<String> {
    let (name, shells) = (shell.to_string(), Shells::builtins());
    let completer = shells.completer(&name).ok_or_else(|| Error::internal(format!("completions of {name}")))?;
    let mut script = Vec::new();
    completer
        .write_registration(VARIABLE, PROGRAM, PROGRAM, PROGRAM, &mut script)
        .map_err(|error| Error::internal(format!("the completions of {name}")).with_source(error))?;
    Ok(String::from_utf8_lossy(&script).into_owned())
}
