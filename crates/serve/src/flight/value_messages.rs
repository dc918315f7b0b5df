//! One row of values out of Arrow messages.
//!
//! They come from outside, with a binding or within a ticket, and are checked before they are read: a message can claim
//! more than it holds.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use arrow::array::{Array as _, ArrayRef};
use arrow::buffer::Buffer;
use arrow::datatypes::{DataType, Schema, SchemaRef};
use arrow::ipc::reader::read_dictionary;
use arrow::ipc::{Message, MessageHeader, root_as_message};
use arrow_flight::FlightData;
use arrow_flight::utils::flight_data_to_arrow_batch;
use bytes::Bytes;
use datafusion::common::ScalarValue;
use lake_model::{Error, Kind, Result, ResultExt};

/// The name and value of each column.
pub(super) type NamedValues = Vec<(String, ScalarValue)>;

/// The error of more rows, or fewer.
pub(super) const ONE_ROW: &str = "a query takes one row of values; bind one row at a time";

const NO_BATCH: &str = "the bound values are not an Arrow batch";
/// Its length would be believed before it is there.
const COMPRESSED: &str = "bound values must not be compressed";

/// The messages of one row.
pub(super) struct ValueMessages<'a> {
    pub(super) schema: &'a Bytes,
    pub(super) dictionaries: &'a [&'a FlightData],
    pub(super) header: &'a Bytes,
    pub(super) body: &'a Bytes,
}

impl ValueMessages<'_> {
    /// Returns whether a message is a dictionary, which rows refer to.
    pub(super) fn is_dictionary(part: &FlightData) -> bool {
        root_as_message(&part.data_header).is_ok_and(|message| message.header_type() == MessageHeader::DictionaryBatch)
    }

    /// Returns whether its columns have plain types.
    ///
    /// # Errors
    /// If it has no schema.
    pub(super) fn is_plain(&self) -> Result<bool> {
        Ok(self.schema()?.fields().iter().all(|field| is_plain(field.data_type())))
    }

    /// Decodes its values, those of dictionaries and unions as plain values.
    ///
    /// # Errors
    /// If it is not one row of values.
    pub(super) fn read(&self) -> Result<NamedValues> {
        // The reader of Arrow messages panics on some that are wrong.
        let read = catch_unwind(AssertUnwindSafe(|| self.try_read()));
        read.unwrap_or_else(|_| Err(Error::invalid(NO_BATCH)))
    }

    fn schema(&self) -> Result<SchemaRef> {
        let schema = FlightData { data_header: self.schema.clone(), ..FlightData::default() };
        Ok(Arc::new(Schema::try_from(&schema).or_err(Kind::Invalid, || NO_BATCH)?))
    }

    fn try_read(&self) -> Result<NamedValues> {
        let schema = self.schema()?;
        let mut fields = schema.fields().iter().enumerate();
        if let Some((at, field)) = fields.find(|(_, field)| !can_be_bound(field.data_type())) {
            let (number, name, kind) = (at + 1, field.name(), field.data_type());
            let remedy = "bind texts, numbers, booleans, dates and times";
            return Err(Error::invalid(format!("value {number} of those bound, named `{name}`, is {kind}; {remedy}")));
        }
        let message = message(self.header)?;
        let batch = message.header_as_record_batch().ok_or_else(|| Error::invalid(NO_BATCH))?;
        if batch.compression().is_some() {
            return Err(Error::invalid(COMPRESSED));
        }
        if batch.length() != 1 {
            return Err(Error::invalid(ONE_ROW));
        }
        let dictionaries = self.read_dictionaries(&schema)?;
        let row =
            FlightData { data_header: self.header.clone(), data_body: self.body.clone(), ..FlightData::default() };
        let row = flight_data_to_arrow_batch(&row, Arc::clone(&schema), &dictionaries);
        let row = row.or_err(Kind::Invalid, || NO_BATCH)?;
        let values = schema.fields().iter().zip(row.columns()).map(|(field, column)| {
            let value = if column.is_null(0) && field.data_type() == &DataType::Null {
                ScalarValue::Null
            } else {
                plain(ScalarValue::try_from_array(column, 0).or_err(Kind::Invalid, || NO_BATCH)?)
            };
            Ok((field.name().clone(), value))
        });
        values.collect()
    }

    fn read_dictionaries(&self, schema: &Schema) -> Result<HashMap<i64, ArrayRef>> {
        let mut read = HashMap::new();
        for part in self.dictionaries {
            let message = message(&part.data_header)?;
            let batch = message.header_as_dictionary_batch().ok_or_else(|| Error::invalid(NO_BATCH))?;
            if batch.data().is_some_and(|values| values.compression().is_some()) {
                return Err(Error::invalid(COMPRESSED));
            }
            let values = Buffer::from(part.data_body.as_ref());
            read_dictionary(&values, batch, schema, &mut read, &message.version())
                .or_err(Kind::Invalid, || NO_BATCH)?;
        }
        Ok(read)
    }
}

fn message(header: &Bytes) -> Result<Message<'_>> {
    root_as_message(header).map_err(|error| Error::invalid(format!("{NO_BATCH}: {error}")))
}

fn is_plain(kind: &DataType) -> bool {
    !kind.is_nested() && !matches!(kind, DataType::Dictionary(..))
}

/// Returns whether a type can be bound: plain values, and dictionaries or unions of them, which some drivers send for a
/// value whose type they do not know beforehand.
fn can_be_bound(kind: &DataType) -> bool {
    match kind {
        DataType::Dictionary(_, values) => is_plain(values),
        DataType::Union(choices, _) => choices.iter().all(|(_, choice)| is_plain(choice.data_type())),
        kind => is_plain(kind),
    }
}

fn plain(value: ScalarValue) -> ScalarValue {
    match value {
        ScalarValue::Dictionary(_, value) | ScalarValue::Union(Some((_, value)), ..) => plain(*value),
        ScalarValue::Union(None, ..) => ScalarValue::Null,
        value => value,
    }
}
