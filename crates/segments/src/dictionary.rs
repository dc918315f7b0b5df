//! The values of labels and cells, and their codes in segments.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use lake_model::FINEST_RESOLUTION;
use rustc_hash::FxHashMap;

use crate::code::{Code, NULL_CODE};
use crate::dimension::Dimension;
use crate::groups::Groups;

/// The values of all dimensions. Codes are given in the order of arrival and never change.
#[derive(Clone, Debug, Default)]
pub struct Dictionaries {
    cells: Cells,
    labels: [Texts; Dimension::LABELS.len()],
}

/// The dictionaries of a process, to which loading adds values while questions read them.
#[derive(Debug, Default)]
pub struct SharedDictionaries(RwLock<Arc<Dictionaries>>);

#[derive(Clone, Debug, Default)]
struct Cells {
    values: Vec<i64>,
    codes: FxHashMap<i64, Code>,
    /// By resolution.
    groups: [OnceLock<Arc<Groups<i64>>>; FINEST_RESOLUTION as usize + 1],
}

#[derive(Clone, Debug, Default)]
struct Texts {
    values: Vec<Arc<str>>,
    codes: HashMap<Arc<str>, Code>,
    groups: OnceLock<Arc<Groups<Arc<str>>>>,
}

impl Dictionaries {
    /// Returns the code of a text; `None` if no segment has it. Cells are no texts.
    pub fn code_of_text(&self, dimension: Dimension, text: &str) -> Option<Code> {
        self.texts(dimension)?.codes.get(text).copied()
    }

    /// Returns the number of codes of a dimension, that of null included.
    pub fn len(&self, dimension: Dimension) -> usize {
        1 + self.texts(dimension).map_or(self.cells.values.len(), |texts| texts.values.len())
    }

    /// Returns the cells at the finest resolution, by code from 1 on.
    pub fn cells(&self) -> &[i64] {
        &self.cells.values
    }

    /// Returns the texts of a label in the order of texts.
    pub fn texts_in_order(&self, dimension: Dimension) -> Option<Arc<Groups<Arc<str>>>> {
        let texts = self.texts(dimension)?;
        let groups = texts.groups.get_or_init(|| Arc::new(Groups::new(texts.values.iter().map(Arc::clone))));
        Some(Arc::clone(groups))
    }

    /// Returns the cells of a resolution up to the finest of the lake, and which of them each finest one is in.
    pub fn parents_in_order(&self, resolution: u8, parent: impl Fn(i64) -> i64) -> Arc<Groups<i64>> {
        let resolution = usize::from(resolution.min(FINEST_RESOLUTION));
        let make = || Arc::new(Groups::new(self.cells.values.iter().map(|cell| parent(*cell))));
        Arc::clone(self.cells.groups[resolution].get_or_init(make))
    }

    fn texts(&self, dimension: Dimension) -> Option<&Texts> {
        self.labels.get(Dimension::LABELS.iter().position(|label| *label == dimension)?)
    }
}

impl SharedDictionaries {
    /// Returns the dictionaries as they are now. A segment that was built before has no other codes.
    pub fn current(&self) -> Arc<Dictionaries> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Returns the codes of cells, which get one if they have none.
    pub(crate) fn encode_cells(&self, cells: &[i64]) -> Vec<Code> {
        let known = |dictionaries: &Dictionaries| -> Option<Vec<Code>> {
            cells.iter().map(|cell| dictionaries.cells.codes.get(cell).copied()).collect()
        };
        if let Some(codes) = known(&self.current()) {
            return codes;
        }
        let mut shared = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let own = &mut Arc::make_mut(&mut shared).cells;
        own.groups = Default::default();
        let codes = cells.iter().map(|cell| {
            *own.codes.entry(*cell).or_insert_with(|| {
                own.values.push(*cell);
                code_of_length(own.values.len())
            })
        });
        codes.collect()
    }

    /// Returns the codes of the texts of a label, which get one if they have none.
    pub(crate) fn encode_texts(&self, label: usize, texts: &[Option<&str>]) -> Vec<Code> {
        let known = |dictionaries: &Dictionaries| -> Option<Vec<Code>> {
            let codes = &dictionaries.labels[label].codes;
            texts.iter().map(|text| text.map_or(Some(NULL_CODE), |text| codes.get(text).copied())).collect()
        };
        if let Some(codes) = known(&self.current()) {
            return codes;
        }
        let mut shared = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let own = &mut Arc::make_mut(&mut shared).labels[label];
        own.groups = OnceLock::new();
        let codes = texts.iter().map(|text| {
            let Some(text) = text else { return NULL_CODE };
            if let Some(code) = own.codes.get(*text) {
                return *code;
            }
            let text: Arc<str> = Arc::from(*text);
            own.values.push(Arc::clone(&text));
            let code = code_of_length(own.values.len());
            own.codes.insert(text, code);
            code
        });
        codes.collect()
    }
}

/// Returns the code of the value that makes a dictionary this long. A dictionary of more than four billion values does not
/// fit into memory.
fn code_of_length(length: usize) -> Code {
    Code::try_from(length).unwrap_or(Code::MAX)
}
