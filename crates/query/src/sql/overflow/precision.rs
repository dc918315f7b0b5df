//! Whether decimals have no more digits than their type. The engine computes with more, and cuts what it shows.

use arrow::array::{Array, AsArray as _};
use arrow::datatypes::{DataType, Decimal32Type, Decimal64Type, Decimal128Type, Decimal256Type, DecimalType};

/// Returns whether each value has at most the digits of its type. Other values than decimals have.
pub(super) fn is_precise(array: &dyn Array) -> bool {
    match array.data_type() {
        DataType::Decimal32(precision, _) => all_fit::<Decimal32Type>(array, *precision),
        DataType::Decimal64(precision, _) => all_fit::<Decimal64Type>(array, *precision),
        DataType::Decimal128(precision, _) => all_fit::<Decimal128Type>(array, *precision),
        DataType::Decimal256(precision, _) => all_fit::<Decimal256Type>(array, *precision),
        _ => true,
    }
}

fn all_fit<T: DecimalType>(array: &dyn Array, precision: u8) -> bool {
    array.as_primitive::<T>().iter().flatten().all(|value| T::is_valid_decimal_precision(value, precision))
}
