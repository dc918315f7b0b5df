//! All input from outside (pages, definitions, windows, cursors, questions, polygons, tickets, headers, paths) is
//! parsed or rejected with an error, and never ends the program.
//!
//! Inputs are mutations of `tests/corpus/<target>`, drawn from a fixed seed. One with a new kind of answer joins the
//! pool; one that breaks a promise is written into the corpus, and so is tried first from then on. `HOTSPOTS_SEED`
//! draws others, `HOTSPOTS_FUZZ_SECONDS` sets how long each target runs.

mod definitions;
mod requests;
mod rows;
mod tickets;

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use lake_model::{Error, Kind};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use crate::harness::{DEFAULT_SEED, requested_seed};

/// The answer, in brief; or the broken promise.
type Verdict = Result<String, String>;

/// The greatest number of inputs in the pool, without the corpus.
const MAX_KEPT: usize = 2_000;

struct Fuzz {
    target: &'static str,
    words: &'static [&'static str],
}

fn folder(target: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/corpus").join(target)
}

fn corpus(target: &str) -> Vec<Vec<u8>> {
    let entries = std::fs::read_dir(folder(target)).expect("a corpus");
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    paths.sort();
    paths.into_iter().map(|path| std::fs::read(path).expect("an input")).collect()
}

/// Draws a number from 0 to below `of`.
fn below(random: &mut StdRng, of: usize) -> usize {
    if of == 0 { 0 } else { random.random_range(0..of) }
}

impl Fuzz {
    /// Tries the corpus, then so many mutations of it, or for the time of the environment variable.
    fn run(&self, inputs: usize, mut check: impl FnMut(&[u8]) -> Verdict) {
        let seed = requested_seed().unwrap_or(DEFAULT_SEED);
        let seconds = std::env::var("HOTSPOTS_FUZZ_SECONDS").ok().map(|s| s.parse::<u64>().expect("seconds"));
        let mut random = StdRng::seed_from_u64(seed);
        let mut pool = corpus(self.target);
        let mut ways = BTreeSet::new();
        let (began, mut tried) = (Instant::now(), 0);
        for input in pool.clone() {
            ways.insert(self.try_one(&input, &mut check));
            tried += 1;
        }
        while seconds.map_or(tried < inputs, |most| began.elapsed() < Duration::from_secs(most)) {
            let input = self.mutated(&pool, &mut random);
            let way = self.try_one(&input, &mut check);
            if ways.insert(way) && pool.len() < MAX_KEPT {
                pool.push(input);
            }
            tried += 1;
        }
        eprintln!("{}: {tried} inputs, {} ways to answer, HOTSPOTS_SEED={seed}", self.target, ways.len());
    }

    fn try_one(&self, input: &[u8], check: &mut impl FnMut(&[u8]) -> Verdict) -> String {
        let broken = match catch_unwind(AssertUnwindSafe(|| check(input))) {
            Ok(Ok(way)) => return way,
            Ok(Err(broken)) => broken,
            Err(_) => "it panicked".to_owned(),
        };
        let hash =
            input.iter().fold(0xcbf2_9ce4_8422_2325_u64, |h, b| (h ^ u64::from(*b)).wrapping_mul(0x100_0000_01b3));
        let path = folder(self.target).join(format!("found-{hash:016x}"));
        std::fs::write(&path, input).expect("the corpus can be written");
        panic!("{}: {broken}\n{}\nkept as {}", self.target, String::from_utf8_lossy(input), path.display());
    }

    fn mutated(&self, pool: &[Vec<u8>], random: &mut StdRng) -> Vec<u8> {
        let mut input = pool[below(random, pool.len())].clone();
        let mut changed = false;
        // One change mostly: most texts with many are refused at the first.
        while !std::mem::replace(&mut changed, random.random_bool(0.6)) {
            let at = below(random, input.len());
            let end = (at + 1 + below(random, 12)).min(input.len());
            match random.random_range(0..12) {
                0 if at < input.len() => input[at] ^= 1 << random.random_range(0..8),
                1 if at < input.len() => input[at] = random.random(),
                2 => drop(input.drain(at..end)),
                3 => {
                    let again = input[at..end].to_vec();
                    input.splice(at..at, again);
                }
                4 => {
                    let other = &pool[below(random, pool.len())];
                    let from = below(random, other.len());
                    let until = (from + 1 + below(random, 40)).min(other.len());
                    input.splice(at..end, other[from..until].iter().copied());
                }
                5 => input.truncate(at),
                6 => self.change_number(&mut input, at, random),
                7 => drop(input.drain(line(&input, at))),
                8 => {
                    // A line of this or another input once more.
                    let other = &pool[below(random, pool.len())];
                    let taken = other[line(other, below(random, other.len()))].to_vec();
                    let place = line(&input, at).start;
                    input.splice(place..place, taken);
                }
                _ => {
                    let word = self.words[below(random, self.words.len())];
                    let until = if random.random_bool(0.5) { end } else { at };
                    input.splice(at..until, word.bytes());
                }
            }
        }
        input
    }

    /// Replaces the number after `at`.
    fn change_number(&self, input: &mut Vec<u8>, at: usize, random: &mut StdRng) {
        const NUMBERS: [&str; 14] = [
            "0",
            "-1",
            "1",
            "9999",
            "10000",
            "00",
            "1e400",
            "-0.0",
            "NaN",
            "9223372036854775807",
            "9223372036854775808",
            "-9223372036854775808",
            "0.1",
            "1e-320",
        ];
        let Some(start) = input.iter().skip(at).position(u8::is_ascii_digit).map(|n| n + at) else { return };
        let length = input[start..].iter().take_while(|b| b.is_ascii_digit()).count();
        input.splice(start..start + length, NUMBERS[below(random, NUMBERS.len())].bytes());
    }
}

/// Returns the line around a place, with its end.
fn line(input: &[u8], at: usize) -> std::ops::Range<usize> {
    let start = input[..at].iter().rposition(|b| *b == b'\n').map_or(0, |n| n + 1);
    let end = input[at..].iter().position(|b| *b == b'\n').map_or(input.len(), |n| at + n + 1);
    start..end
}

/// Returns the program's own words in an answer: without numbers and quotes of the input.
fn ours(text: &str) -> String {
    let unquoted: String = text.split('`').step_by(2).collect();
    let unquoted = unquoted.split('"').next().unwrap_or_default();
    unquoted.chars().filter(|c| c.is_ascii_alphabetic() || *c == ' ').take(60).collect()
}

fn words_of(error: &Error, kinds: &[Kind]) -> Verdict {
    let text = error.to_string();
    if text.trim().is_empty() {
        return Err("an error without words".to_owned());
    }
    if !kinds.contains(&error.kind()) {
        return Err(format!("an error of kind {:?}: {text}", error.kind()));
    }
    Ok(ours(&text))
}
