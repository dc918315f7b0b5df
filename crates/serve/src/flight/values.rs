//! The values of a statement's places, as a client binds them: one Arrow row.
//!
//! They come from outside, with a binding or within a ticket, and are checked before they are read: a message can claim
//! more than it holds.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use arrow::array::Array;
use arrow::datatypes::{DataType, Schema};
use arrow::ipc::root_as_message;
use arrow_flight::FlightData;
use arrow_flight::utils::flight_data_to_arrow_batch;
use bytes::Bytes;
use datafusion::common::{ParamValues, ScalarValue};
use lake_model::{Error, Kind, Result, ResultExt};
use lake_query::Statement;

/// One row of values, in the messages that it came in.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Values {
    /// The schema, as an Arrow message.
    #[prost(bytes = "bytes", tag = "1")]
    schema: Bytes,
    /// The row, as the header of an Arrow message ...
    #[prost(bytes = "bytes", tag = "2")]
    header: Bytes,
    /// ... and its buffers.
    #[prost(bytes = "bytes", tag = "3")]
    body: Bytes,
}

/// The name and value of each column.
type Named = Vec<(String, ScalarValue)>;

impl Values {
    /// The values in the messages of a binding; none if it has no column.
    ///
    /// # Errors
    /// If they are not one row.
    pub(super) fn of(messages: &[FlightData]) -> Result<Option<Self>> {
        let mut rows = messages.iter().filter(|message| !message.data_header.is_empty());
        let Some(schema) = rows.next() else { return Ok(None) };
        let (row, more) = (rows.next(), rows.next());
        let values = |row: &FlightData| Self {
            schema: schema.data_header.clone(),
            header: row.data_header.clone(),
            body: row.data_body.clone(),
        };
        match (row, more) {
            (Some(row), None) => {
                let values = values(row);
                Ok(if values.read()?.is_empty() { None } else { Some(values) })
            }
            (None, _) => Ok(None),
            (Some(_), Some(_)) => Err(Error::invalid(ONE_ROW)),
        }
    }

    /// The values for the places of `statement`: by position where those are numbers, else by name.
    ///
    /// # Errors
    /// If they are no row of plain values, or not as many as there are places.
    pub(super) fn bound(values: Option<&Self>, statement: &Statement) -> Result<ParamValues> {
        let named = values.map(Self::read).transpose()?.unwrap_or_default();
        let places = statement.parameters();
        if named.len() > places.len() {
            return Err(Error::invalid(format!(
                "the query has {} places for values, and {} are bound",
                places.len(),
                named.len()
            )));
        }
        if places.iter().all(|(place, _)| place.parse::<usize>().is_ok()) {
            return Ok(named.into_iter().map(|(_, value)| value).collect::<Vec<_>>().into());
        }
        Ok(named.into())
    }

    fn read(&self) -> Result<Named> {
        // The reader of Arrow messages panics on some that are wrong.
        let read = catch_unwind(AssertUnwindSafe(|| self.try_read()));
        read.unwrap_or_else(|_| Err(Error::invalid("the bound values are no Arrow batch")))
    }

    fn try_read(&self) -> Result<Named> {
        let wrong = || "the bound values are no Arrow batch";
        let schema = FlightData { data_header: self.schema.clone(), ..FlightData::default() };
        let schema = Arc::new(Schema::try_from(&schema).or_err(Kind::Invalid, wrong)?);
        if let Some(field) = schema.fields().iter().find(|field| !is_plain(field.data_type())) {
            let (name, kind) = (field.name(), field.data_type());
            return Err(Error::invalid(format!("the value bound as `{name}` is {kind}; bind plain values")));
        }
        let message = root_as_message(&self.header).map_err(|error| Error::invalid(format!("{}: {error}", wrong())))?;
        let batch = message.header_as_record_batch().ok_or_else(|| Error::invalid(wrong()))?;
        if batch.compression().is_some() {
            // Its length would be believed before it is there.
            return Err(Error::invalid("bound values must not be compressed"));
        }
        if batch.length() != 1 {
            return Err(Error::invalid(ONE_ROW));
        }
        let row =
            FlightData { data_header: self.header.clone(), data_body: self.body.clone(), ..FlightData::default() };
        let row = flight_data_to_arrow_batch(&row, Arc::clone(&schema), &HashMap::new());
        let row = row.or_err(Kind::Invalid, wrong)?;
        let values = schema.fields().iter().zip(row.columns()).map(|(field, column)| {
            let value = if column.is_null(0) && field.data_type() == &DataType::Null {
                ScalarValue::Null
            } else {
                ScalarValue::try_from_array(column, 0).or_err(Kind::Invalid, wrong)?
            };
            Ok((field.name().clone(), value))
        });
        values.collect()
    }
}

const ONE_ROW: &str = "a query takes one row of values; bind one row at a time";

fn is_plain(kind: &DataType) -> bool {
    !kind.is_nested() && !matches!(kind, DataType::Dictionary(..))
}

#[cfg(test)]
mod tests {
    use arrow::array::{ArrayRef, Int64Array, ListArray, RecordBatch, StringArray};
    use arrow::datatypes::Int32Type;
    use arrow_flight::utils::batches_to_flight_data;

    use super::*;

    fn messages(columns: Vec<(&str, ArrayRef)>) -> Vec<FlightData> {
        let batch = RecordBatch::try_from_iter(columns).expect("a batch");
        batches_to_flight_data(&batch.schema(), vec![batch.clone()]).expect("messages")
    }

    fn two() -> Vec<FlightData> {
        let (number, text) = (Int64Array::from(vec![7]), StringArray::from(vec![Some("a'b")]));
        messages(vec![("n", Arc::new(number)), ("t", Arc::new(text))])
    }

    #[test]
    fn a_row_is_read_as_it_was_bound() {
        let values = Values::of(&two()).expect("a row").expect("values");
        let expected = [("n", ScalarValue::from(7_i64)), ("t", ScalarValue::from("a'b"))];
        assert_eq!(values.read().expect("values"), expected.map(|(name, value)| (name.to_owned(), value)));
    }

    #[test]
    fn several_rows_and_nested_values_are_refused() {
        let rows = messages(vec![("n", Arc::new(Int64Array::from(vec![1, 2])))]);
        assert!(Values::of(&rows).expect_err("two rows").message().contains("one row"));
        let list = ListArray::from_iter_primitive::<Int32Type, _, _>(vec![Some(vec![Some(1)])]);
        let nested = Values::of(&messages(vec![("n", Arc::new(list))])).expect_err("a list");
        assert!(nested.message().contains("plain"), "{nested}");
    }

    #[test]
    fn messages_that_were_cut_or_changed_are_values_or_errors() {
        let good = Values::of(&two()).expect("a row").expect("values");
        for part in 0..3 {
            let length = [&good.schema, &good.header, &good.body][part].len();
            for at in 0..length {
                for change in [|_: u8| None, |byte: u8| Some(byte ^ 0xff), |byte: u8| Some(byte.wrapping_add(1))] {
                    let mut values = good.clone();
                    let bytes = match part {
                        0 => &mut values.schema,
                        1 => &mut values.header,
                        _ => &mut values.body,
                    };
                    let mut changed = bytes.to_vec();
                    match change(changed[at]) {
                        None => changed.truncate(at),
                        Some(byte) => changed[at] = byte,
                    }
                    *bytes = changed.into();
                    let _ = values.read();
                }
            }
        }
    }
}
