//! The texts of labels as numbers, so that rows are small and are compared and grouped by numbers.

use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::{ArrayRef, DictionaryArray, StringArray, UInt32Array};
use arrow::datatypes::UInt32Type;
use datafusion::common::HashMap;
use lake_model::{Error, Kind, Result, ResultExt};

/// The columns of incidents that are labels. All but the status are counted.
pub(crate) const LABELS: [&str; 5] = ["category", "subcategory", "district", "neighborhood", "status"];

/// The labels that are counted, the first ones of [`LABELS`].
pub(crate) const COUNTED_LABELS: usize = 4;

/// The number of a label that is null. It sorts after all others, as null does.
pub(crate) const NO_LABEL: u32 = u32::MAX;

/// Numbers of the texts of one column, in the order in which they were met.
#[derive(Default)]
struct ColumnTexts {
    numbers: HashMap<Arc<str>, u32>,
    texts: Vec<Arc<str>>,
    bytes: usize,
}

/// The texts of all label columns, shared by the tasks that read rows.
pub(crate) struct LabelDictionary {
    columns: [Mutex<ColumnTexts>; LABELS.len()],
    max_bytes: usize,
}

impl LabelDictionary {
    /// Returns a dictionary without texts that may grow to `max_bytes` a column.
    pub(crate) fn new(max_bytes: usize) -> Self {
        Self { columns: Default::default(), max_bytes }
    }

    fn number_of(&self, column: usize, text: &str) -> Result<(Arc<str>, u32)> {
        let mut texts = self.columns[column].lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((text, number)) = texts.numbers.get_key_value(text) {
            return Ok((Arc::clone(text), *number));
        }
        texts.bytes += text.len() + 64;
        let number = u32::try_from(texts.texts.len()).ok().filter(|number| *number < NO_LABEL);
        let number = number.filter(|_| texts.bytes <= self.max_bytes).ok_or_else(|| {
            let text = format!("the different values of `{}` do not fit into memory", LABELS[column]);
            Error::new(Kind::Exhausted, text)
        })?;
        let text: Arc<str> = Arc::from(text);
        texts.numbers.insert(Arc::clone(&text), number);
        texts.texts.push(Arc::clone(&text));
        Ok((text, number))
    }

    /// Returns the texts met so far in their order, and the rank of each number.
    pub(crate) fn sort(&self) -> SortedLabels {
        let sorted = self.columns.each_ref().map(|column| {
            let texts = &column.lock().unwrap_or_else(PoisonError::into_inner).texts;
            let mut order: Vec<usize> = (0..texts.len()).collect();
            order.sort_unstable_by(|a, b| texts[*a].cmp(&texts[*b]));
            let mut ranks = vec![NO_LABEL; texts.len()];
            for (rank, number) in (0_u32..).zip(&order) {
                ranks[*number] = rank;
            }
            (Arc::new(order.iter().map(|number| Some(&*texts[*number])).collect::<StringArray>()), ranks)
        });
        let texts = sorted.each_ref().map(|(texts, _)| Arc::clone(texts));
        SortedLabels { texts, ranks: sorted.map(|(_, ranks)| ranks) }
    }
}

/// Turns texts into numbers of a shared dictionary, and remembers those it has met.
pub(crate) struct LabelReader {
    shared: Arc<LabelDictionary>,
    known: [HashMap<Arc<str>, u32>; LABELS.len()],
}

impl LabelReader {
    /// Returns a reader for one task.
    pub(crate) fn new(shared: &Arc<LabelDictionary>) -> Self {
        Self { shared: Arc::clone(shared), known: Default::default() }
    }

    /// Returns the numbers of a column's texts.
    ///
    /// # Errors
    /// If there are more different texts than fit into memory.
    pub(crate) fn read_column(&mut self, column: usize, texts: &StringArray) -> Result<Vec<u32>> {
        let known = &mut self.known[column];
        let numbers = texts.iter().map(|text| {
            let Some(text) = text else { return Ok(NO_LABEL) };
            if let Some(number) = known.get(text) {
                return Ok(*number);
            }
            let (text, number) = self.shared.number_of(column, text)?;
            known.insert(text, number);
            Ok(number)
        });
        numbers.collect()
    }
}

/// The texts of all label columns, sorted: the rank of a text is its place.
pub(crate) struct SortedLabels {
    texts: [Arc<StringArray>; LABELS.len()],
    ranks: [Vec<u32>; LABELS.len()],
}

impl SortedLabels {
    /// Returns the rank of a number.
    pub(crate) fn rank(&self, column: usize, number: u32) -> u32 {
        usize::try_from(number).ok().and_then(|number| self.ranks[column].get(number)).copied().unwrap_or(NO_LABEL)
    }

    /// Returns the texts of a column by their ranks.
    pub(crate) fn texts(&self, column: usize) -> &StringArray {
        &self.texts[column]
    }

    /// Returns the labels of these ranks as an array of a file's column.
    pub(crate) fn to_array(&self, column: usize, ranks: impl Iterator<Item = u32>) -> Result<ArrayRef> {
        let keys: UInt32Array = ranks.map(|rank| (rank != NO_LABEL).then_some(rank)).collect();
        let array = DictionaryArray::<UInt32Type>::try_new(keys, Arc::clone(&self.texts[column]) as ArrayRef);
        Ok(Arc::new(array.or_err(Kind::Internal, || LABELS[column])?))
    }
}
