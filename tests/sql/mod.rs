//! SQL: answers, limits, rules, errors.

mod answers;
pub(crate) mod bounds;
mod fuzzer;
mod mistakes;
mod numbers;
mod over_http;
mod rules;
