//! The distinct labels of a resource and their numbers: versions hold numbers in place of texts.

use std::collections::HashMap;

/// The distinct labels and their numbers; number 0 is null.
#[derive(Debug, Default)]
pub(crate) struct LabelDictionary {
    numbers: HashMap<String, u32>,
    pub(crate) texts: Vec<String>,
    /// How many of the texts the index on disk holds.
    pub(crate) saved: usize,
}

impl LabelDictionary {
    pub(crate) fn number_of(&mut self, text: Option<&str>) -> u32 {
        let Some(text) = text else { return 0 };
        if let Some(&number) = self.numbers.get(text) {
            return number;
        }
        self.texts.push(text.to_owned());
        let number = u32::try_from(self.texts.len()).unwrap_or(u32::MAX);
        self.numbers.insert(text.to_owned(), number);
        number
    }

    pub(crate) fn label(&self, number: u32) -> Option<&str> {
        let at = usize::try_from(number).ok()?.checked_sub(1)?;
        self.texts.get(at).map(String::as_str)
    }
}
