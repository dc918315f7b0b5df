//! `token new`: a token is made here and shown once; what is kept is its hash.

use lake_model::Result;
use lake_serve::fresh_token;

use crate::args::{Token, TokenCommand};
use crate::output;

pub(crate) fn run(args: Token) -> Result<u8> {
    let TokenCommand::New { name, scope } = args.command;
    let (token, line) = fresh_token(&name, scope)?;
    output::note("The token, which is nowhere else, and then its line for the file of --token-file:");
    output::print(&format!("{}\n{line}\n", token.expose()))?;
    Ok(0)
}
