//! `man`: the manual pages, made from the help texts.

use std::path::PathBuf;

use clap::CommandFactory as _;
use lake_model::{Error, Kind, Result, ResultExt as _};

use crate::args::Args;
use crate::output;

pub(crate) fn run(directory: Option<PathBuf>) -> Result<u8> {
    let command = Args::command();
    let Some(directory) = directory else {
        let mut page = Vec::new();
        clap_mangen::Man::new(command)
            .render(&mut page)
            .map_err(|error| Error::internal("the manual page").with_source(error))?;
        output::print(&String::from_utf8_lossy(&page))?;
        return Ok(0);
    };
    let failed = || format!("the manual pages cannot be written to {}", directory.display());
    std::fs::create_dir_all(&directory).or_err(Kind::Invalid, failed)?;
    clap_mangen::generate_to(command, &directory).or_err(Kind::Invalid, failed)?;
    Ok(0)
}
