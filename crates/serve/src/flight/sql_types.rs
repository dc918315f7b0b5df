//! The SQL types that the engine has, as ODBC and JDBC drivers ask for them.

use arrow::array::RecordBatch;
use arrow_flight::sql::metadata::{XdbcTypeInfo, XdbcTypeInfoDataBuilder};
use arrow_flight::sql::{Nullable, Searchable, XdbcDataType};
use lake_model::{Kind, Result, ResultExt};

/// A type: its name, its kind, and its size: digits, bits, letters or bytes.
struct Type {
    name: &'static str,
    kind: XdbcDataType,
    size: i32,
    /// The base of `size` where it counts digits.
    radix: Option<i32>,
    /// The text before and after a literal.
    quotes: Option<(&'static str, &'static str)>,
}

const fn number(name: &'static str, kind: XdbcDataType, size: i32, radix: i32) -> Type {
    Type { name, kind, size, radix: Some(radix), quotes: None }
}

const fn quoted(name: &'static str, kind: XdbcDataType, size: i32, before: &'static str) -> Type {
    Type { name, kind, size, radix: None, quotes: Some((before, "'")) }
}

/// In the order that the protocol wants: by the number of the type.
const TYPES: [Type; 13] = [
    Type { name: "BOOLEAN", kind: XdbcDataType::XdbcBit, size: 1, radix: None, quotes: None },
    number("TINYINT", XdbcDataType::XdbcTinyint, 8, 2),
    number("BIGINT", XdbcDataType::XdbcBigint, 64, 2),
    quoted("BYTEA", XdbcDataType::XdbcVarbinary, i32::MAX, "X'"),
    number("DECIMAL", XdbcDataType::XdbcDecimal, 76, 10),
    number("INTEGER", XdbcDataType::XdbcInteger, 32, 2),
    number("SMALLINT", XdbcDataType::XdbcSmallint, 16, 2),
    number("REAL", XdbcDataType::XdbcReal, 24, 2),
    number("DOUBLE", XdbcDataType::XdbcDouble, 53, 2),
    quoted("VARCHAR", XdbcDataType::XdbcVarchar, i32::MAX, "'"),
    quoted("DATE", XdbcDataType::XdbcDate, 10, "DATE '"),
    quoted("TIME", XdbcDataType::XdbcTime, 18, "TIME '"),
    quoted("TIMESTAMP", XdbcDataType::XdbcTimestamp, 29, "TIMESTAMP '"),
];

/// Returns the types, or the one with this number.
///
/// # Errors
/// Never, as every row is well-formed.
pub(super) fn rows(kind: Option<i32>) -> Result<RecordBatch> {
    let mut builder = XdbcTypeInfoDataBuilder::new();
    for known in TYPES {
        let is_text = known.kind == XdbcDataType::XdbcVarchar;
        builder.append(XdbcTypeInfo {
            type_name: known.name.to_owned(),
            data_type: known.kind,
            column_size: Some(known.size),
            literal_prefix: known.quotes.map(|(before, _)| before.to_owned()),
            literal_suffix: known.quotes.map(|(_, after)| after.to_owned()),
            create_params: None,
            nullable: Nullable::NullabilityNullable,
            case_sensitive: is_text,
            searchable: if is_text { Searchable::Full } else { Searchable::Basic },
            unsigned_attribute: known.radix.map(|_| false),
            fixed_prec_scale: false,
            auto_increment: known.radix.map(|_| false),
            local_type_name: Some(known.name.to_owned()),
            minimum_scale: None,
            maximum_scale: None,
            sql_data_type: known.kind,
            datetime_subcode: None,
            num_prec_radix: known.radix,
            interval_precision: None,
        });
    }
    let types = builder.build().and_then(|types| types.record_batch(kind));
    types.or_err(Kind::Internal, || "the types of SQL")
}
