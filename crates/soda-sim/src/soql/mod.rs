//! The supported part of SoQL: text to tokens, to a tree, to checked expressions.

pub(crate) mod ast;
pub(crate) mod bounds;
pub(crate) mod cell;
pub(crate) mod check;
pub(crate) mod eval;
pub(crate) mod expr;
pub(crate) mod failure;
pub(crate) mod grouped;
pub(crate) mod implicit_name;
pub(crate) mod lexer;
pub(crate) mod like;
pub(crate) mod params;
pub(crate) mod parser;
pub(crate) mod query;

#[cfg(test)]
mod tests;
