//! Whether dates of digits in a file are in the order in which they are read.

use lake_model::{ColumnType, DateOrder, Error, Result};

use crate::decode::decoder::Decoder;
use crate::decode::findings::shown;
use crate::decode::times::evident_order;

/// The evidence for the order of dates in each column.
pub(crate) struct DateOrders<'d> {
    decoder: &'d Decoder,
    /// By declared column: whether a date is in the order that is read, and the first that is in the other.
    columns: Vec<(bool, Option<String>)>,
}

impl<'d> DateOrders<'d> {
    pub(crate) fn new(decoder: &'d Decoder) -> Self {
        Self { decoder, columns: vec![(false, None); decoder.resource().columns.len()] }
    }

    /// Takes a value into account; `place` is its position in the file.
    pub(crate) fn add(&mut self, name: &str, text: &str, place: impl FnOnce() -> String) {
        let is_time = |index: &usize| self.decoder.resource().columns[*index].kind == ColumnType::Timestamp;
        let Some(index) = self.decoder.column_index(name).filter(is_time) else { return };
        let (agrees, contrary) = &mut self.columns[index];
        match evident_order(text) {
            None => {}
            Some(order) if order == self.decoder.times().order() => *agrees = true,
            Some(_) if contrary.is_none() => *contrary = Some(format!("{} holds {}", place(), shown(text))),
            Some(_) => {}
        }
    }

    /// Checks that no column has all its unmistakable dates in the other order: then the others would be read wrong.
    ///
    /// # Errors
    /// If one has.
    pub(crate) fn check(self) -> Result<()> {
        for (column, (agrees, contrary)) in self.decoder.resource().columns.iter().zip(self.columns) {
            let Some(contrary) = contrary.filter(|_| !agrees) else { continue };
            let (read, other) = match self.decoder.times().order() {
                DateOrder::MonthFirst => ("month first", "day-first"),
                DateOrder::DayFirst => ("day first", "month-first"),
            };
            return Err(Error::invalid(format!(
                "{contrary} in `{}`, whose dates are read {read}; if they are the other way round, declare `date_order = \
                 \"{other}\"` in the resource file",
                column.name
            )));
        }
        Ok(())
    }
}
