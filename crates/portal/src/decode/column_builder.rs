//! The columns of a page while it is decoded.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanBuilder, Float64Builder, Int64Builder, NullBufferBuilder, StringBuilder, StructArray,
    TimestampMicrosecondBuilder,
};
use arrow::datatypes::{DataType, Field, Fields};
use lake_model::ColumnType;

use crate::decode::value::Typed;

/// A column of a declared type.
pub(crate) enum ColumnBuilder {
    Text(StringBuilder),
    Integer(Int64Builder),
    Number(Float64Builder),
    Boolean(BooleanBuilder),
    Time(TimestampMicrosecondBuilder),
    Point { longitude: Float64Builder, latitude: Float64Builder, present: NullBufferBuilder },
}

impl ColumnBuilder {
    pub(crate) fn new(kind: ColumnType) -> Self {
        match kind {
            ColumnType::Text => Self::Text(StringBuilder::new()),
            ColumnType::Integer => Self::Integer(Int64Builder::new()),
            ColumnType::Number => Self::Number(Float64Builder::new()),
            ColumnType::Boolean => Self::Boolean(BooleanBuilder::new()),
            ColumnType::Timestamp => Self::Time(TimestampMicrosecondBuilder::new()),
            ColumnType::Point => Self::Point {
                longitude: Float64Builder::new(),
                latitude: Float64Builder::new(),
                present: NullBufferBuilder::new(0),
            },
        }
    }

    /// Appends the value, or null where there is none (or it is of another type, which the decoder prevents).
    pub(crate) fn append(&mut self, value: Option<&Typed<'_>>) {
        match (self, value) {
            (Self::Text(column), Some(Typed::Text(text))) => column.append_value(text),
            (Self::Text(column), _) => column.append_null(),
            (Self::Integer(column), Some(Typed::Integer(n))) => column.append_value(*n),
            (Self::Integer(column), _) => column.append_null(),
            (Self::Number(column), Some(Typed::Number(x))) => column.append_value(*x),
            (Self::Number(column), _) => column.append_null(),
            (Self::Boolean(column), Some(Typed::Boolean(b))) => column.append_value(*b),
            (Self::Boolean(column), _) => column.append_null(),
            (Self::Time(column), Some(Typed::Time(micros))) => column.append_value(*micros),
            (Self::Time(column), _) => column.append_null(),
            (Self::Point { longitude, latitude, present }, Some(Typed::Point { longitude: x, latitude: y })) => {
                longitude.append_value(*x);
                latitude.append_value(*y);
                present.append_non_null();
            }
            (Self::Point { longitude, latitude, present }, _) => {
                longitude.append_null();
                latitude.append_null();
                present.append_null();
            }
        }
    }

    pub(crate) fn finish(self) -> ArrayRef {
        match self {
            Self::Text(mut column) => Arc::new(column.finish()),
            Self::Integer(mut column) => Arc::new(column.finish()),
            Self::Number(mut column) => Arc::new(column.finish()),
            Self::Boolean(mut column) => Arc::new(column.finish()),
            Self::Time(mut column) => Arc::new(column.finish()),
            Self::Point { mut longitude, mut latitude, mut present } => {
                let field = |name| Field::new(name, DataType::Float64, true);
                let fields = Fields::from(vec![field("longitude"), field("latitude")]);
                let children: Vec<ArrayRef> = vec![Arc::new(longitude.finish()), Arc::new(latitude.finish())];
                Arc::new(StructArray::new(fields, children, present.finish()))
            }
        }
    }
}
