//! The system fields of a page's rows as they come: their order, their faults, and the cursors that follow from them.

use lake_model::Cursor;

use crate::decode::page::StampFaults;
use crate::soda::stamps::parse_stamp;

/// The rows' system fields, as they come.
pub(crate) struct StampOrder {
    pub(crate) latest_stamp: i64,
    pub(crate) cursor: Option<Cursor>,
    /// The row of the greatest stamp.
    pub(crate) last: Option<Cursor>,
    greatest: i64,
    is_sorted_in_time: bool,
    is_sorted_as_text: bool,
    /// The row before: its stamp, as a time and as published.
    previous: (i64, String),
    faults: StampFaults,
}

impl StampOrder {
    pub(crate) fn new(latest_stamp: i64) -> Self {
        Self {
            latest_stamp,
            cursor: None,
            last: None,
            greatest: i64::MIN,
            is_sorted_in_time: true,
            is_sorted_as_text: true,
            previous: (i64::MIN, String::new()),
            faults: StampFaults::default(),
        }
    }

    /// Returns what is wrong with the fields seen so far.
    pub(crate) fn faults(&self) -> StampFaults {
        let unsorted = !self.is_sorted_in_time && !self.is_sorted_as_text;
        StampFaults { unsorted, ..self.faults.clone() }
    }

    /// Takes the next row's system fields and returns its stamp, where it can be true.
    pub(crate) fn push(&mut self, id: Option<&str>, updated_at: Option<&str>) -> Option<i64> {
        let stamp = updated_at.and_then(parse_stamp);
        let (Some(text), Some(at)) = (updated_at, stamp) else {
            self.faults.unusable += 1;
            if let Some(text) = updated_at {
                self.faults.unusable_example.get_or_insert_with(|| text.to_owned());
            }
            return None;
        };
        self.is_sorted_in_time &= self.previous.0 <= at;
        self.is_sorted_as_text &= self.previous.1.as_str() <= text;
        self.previous.0 = at;
        text.clone_into(&mut self.previous.1);
        let is_true = at <= self.latest_stamp;
        if !is_true {
            self.faults.future += 1;
            self.faults.future_example.get_or_insert_with(|| text.to_owned());
        }
        match id {
            None => self.faults.unusable += 1,
            Some(id) => {
                if is_true {
                    move_to(&mut self.cursor, text, id);
                }
                if self.greatest <= at {
                    self.greatest = at;
                    move_to(&mut self.last, text, id);
                }
            }
        }
        is_true.then_some(at)
    }
}

/// Moves a cursor to a row, in the memory that it has.
fn move_to(cursor: &mut Option<Cursor>, updated_at: &str, id: &str) {
    let cursor = cursor.get_or_insert_with(|| Cursor { updated_at: String::new(), id: String::new() });
    updated_at.clone_into(&mut cursor.updated_at);
    id.clone_into(&mut cursor.id);
}
