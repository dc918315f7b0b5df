//! The values of a statement's places, as a client binds them: one row, as a handle and a ticket hold it.

use arrow::array::RecordBatch;
use arrow_flight::FlightData;
use arrow_flight::utils::batches_to_flight_data;
use bytes::Bytes;
use lake_model::{Error, Kind, Result, ResultExt};

use super::value_messages::{NamedValues, ONE_ROW, ValueMessages};

/// One row of plain values, in Arrow messages.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct BoundValues {
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

impl BoundValues {
    /// Returns the values in the messages of a binding; `None` if it has no column.
    ///
    /// # Errors
    /// If they are not one row of values.
    pub(super) fn from_messages(messages: &[FlightData]) -> Result<Option<Self>> {
        let mut parts = messages.iter().filter(|message| !message.data_header.is_empty());
        let Some(schema) = parts.next() else { return Ok(None) };
        let (dictionaries, rows): (Vec<&FlightData>, Vec<&FlightData>) =
            parts.partition(|part| ValueMessages::is_dictionary(part));
        let row = match rows[..] {
            [] => return Ok(None),
            [row] => row,
            _ => return Err(Error::invalid(ONE_ROW)),
        };
        let (header, body) = (row.data_header.clone(), row.data_body.clone());
        let row =
            ValueMessages { schema: &schema.data_header, dictionaries: &dictionaries, header: &header, body: &body };
        let named = row.read()?;
        if named.is_empty() {
            return Ok(None);
        }
        Ok(Some(match row.is_plain()? {
            true => Self { schema: schema.data_header.clone(), header, body },
            false => Self::plain(named)?,
        }))
    }

    /// Decodes the names and values.
    ///
    /// # Errors
    /// If they are no row of values.
    pub(super) fn read(&self) -> Result<NamedValues> {
        ValueMessages { schema: &self.schema, dictionaries: &[], header: &self.header, body: &self.body }.read()
    }

    /// Returns the same values with plain types: decoded from dictionaries and unions.
    fn plain(named: NamedValues) -> Result<Self> {
        let wrong = || "the bound values as plain ones";
        let columns = named.into_iter().map(|(name, value)| Ok((name, value.to_array()?, true)));
        let columns = columns.collect::<datafusion::error::Result<Vec<_>>>().or_err(Kind::Invalid, wrong)?;
        let batch = RecordBatch::try_from_iter_with_nullable(columns).or_err(Kind::Invalid, wrong)?;
        let messages = batches_to_flight_data(&batch.schema(), vec![batch.clone()]).or_err(Kind::Invalid, wrong)?;
        let [schema, row] = &messages[..] else { return Err(Error::internal(wrong())) };
        Ok(Self { schema: schema.data_header.clone(), header: row.data_header.clone(), body: row.data_body.clone() })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, DictionaryArray, Int64Array, ListArray, StringArray, UnionArray};
    use arrow::datatypes::{DataType, Field, Int32Type, UnionFields};
    use arrow_flight::encode::{DictionaryHandling, FlightDataEncoderBuilder};
    use datafusion::common::ScalarValue;
    use futures::TryStreamExt as _;

    use super::*;

    fn messages(columns: Vec<(&str, ArrayRef)>) -> Vec<FlightData> {
        let batch = RecordBatch::try_from_iter(columns).expect("a batch");
        // As clients send them: dictionaries as messages of their own.
        let encoder = FlightDataEncoderBuilder::new().with_dictionary_handling(DictionaryHandling::Resend);
        let messages = encoder.build(futures::stream::iter([Ok(batch)])).try_collect();
        futures::executor::block_on(messages).expect("messages")
    }

    fn two() -> Vec<FlightData> {
        let (number, text) = (Int64Array::from(vec![7]), StringArray::from(vec![Some("a'b")]));
        messages(vec![("n", Arc::new(number)), ("t", Arc::new(text))])
    }

    #[test]
    fn a_row_is_read_as_it_was_bound() {
        let values = BoundValues::from_messages(&two()).expect("a row").expect("values");
        let expected = [("n", ScalarValue::from(7_i64)), ("t", ScalarValue::from("a'b"))];
        assert_eq!(values.read().expect("values"), expected.map(|(name, value)| (name.to_owned(), value)));
    }

    #[test]
    fn several_rows_and_nested_values_are_refused() {
        let rows = messages(vec![("n", Arc::new(Int64Array::from(vec![1, 2])))]);
        assert!(BoundValues::from_messages(&rows).expect_err("two rows").message().contains("one row"));
        let list = ListArray::from_iter_primitive::<Int32Type, _, _>(vec![Some(vec![Some(1)])]);
        let nested = BoundValues::from_messages(&messages(vec![("n", Arc::new(list))])).expect_err("a list");
        let says = "value 1 of those bound, named `n`, is List";
        assert!(nested.message().starts_with(says), "{nested}");
    }

    #[test]
    fn a_value_of_a_dictionary_or_of_one_of_several_types_is_itself() {
        let dictionary: DictionaryArray<Int32Type> = ["a'b"].into_iter().collect();
        let choices = [Field::new("number", DataType::Int64, true), Field::new("text", DataType::Utf8, true)];
        let choices = UnionFields::try_new([0, 1], choices).expect("choices");
        let children: Vec<ArrayRef> = vec![Arc::new(Int64Array::from(vec![7])), Arc::new(StringArray::from(vec!["x"]))];
        let union = UnionArray::try_new(choices, vec![1].into(), Some(vec![0].into()), children).expect("a union");
        let number = Int64Array::from(vec![7]);
        let bound = messages(vec![("d", Arc::new(dictionary)), ("u", Arc::new(union)), ("n", Arc::new(number))]);
        let values = BoundValues::from_messages(&bound).expect("a row").expect("values");
        let expected =
            [("d", ScalarValue::from("a'b")), ("u", ScalarValue::from("x")), ("n", ScalarValue::from(7_i64))];
        assert_eq!(values.read().expect("values"), expected.map(|(name, value)| (name.to_owned(), value)));
        for (part, whole) in bound.iter().enumerate() {
            for length in 0..whole.data_header.len().max(whole.data_body.len()) {
                let mut cut = bound.clone();
                cut[part].data_header.truncate(length);
                cut[part].data_body.truncate(length);
                let _ = BoundValues::from_messages(&cut);
            }
        }
    }

    #[test]
    fn messages_that_were_cut_or_changed_are_values_or_errors() {
        let good = BoundValues::from_messages(&two()).expect("a row").expect("values");
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
