//! `a << n` and `a >> n`. The engine takes `n` modulo the bits of the type, and loses the bits that are shifted out.

use arrow::array::{ArrayRef, AsArray as _, Decimal128Array};
use arrow::compute::{CastOptions, cast, cast_with_options};
use arrow::datatypes::{DataType, Decimal128Type, DecimalType as _};
use datafusion::common::{exec_err, internal_err};
use datafusion::error::Result;

/// A type that represents every 64-bit integer.
const WIDE: DataType = DataType::Decimal128(20, 0);

/// Shifts integers of a type.
///
/// # Errors
/// If a number of bits is negative or as large as the type, or a result does not fit.
pub(super) fn shift(sides: &[ArrayRef], kind: &DataType, is_left: bool) -> Result<ArrayRef> {
    let [numbers, bits] = sides else { return internal_err!("a shift has two sides") };
    let width = kind.primitive_width().unwrap_or(size_of::<i64>()) * 8;
    let (numbers, bits) = (cast(numbers, &WIDE)?, cast(bits, &WIDE)?);
    let rows = numbers.as_primitive::<Decimal128Type>().iter().zip(bits.as_primitive::<Decimal128Type>());
    let shifted = rows.map(|row| {
        let (Some(number), Some(bits)) = row else { return Ok(None) };
        let Some(count) =
            u32::try_from(bits).ok().filter(|count| usize::try_from(*count).is_ok_and(|count| count < width))
        else {
            return exec_err!("a number of {width} bits is shifted by 0 to {} bits, not {bits}", width - 1);
        };
        Ok(Some(if is_left { number << count } else { number >> count }))
    });
    let shifted =
        shifted.collect::<Result<Decimal128Array>>()?.with_precision_and_scale(Decimal128Type::MAX_PRECISION, 0)?;
    let options = CastOptions { safe: false, ..CastOptions::default() };
    match cast_with_options(&shifted, kind, &options) {
        Ok(shifted) => Ok(shifted),
        Err(_) => exec_err!(
            "Arithmetic overflow: a shift to the left loses bits; multiply decimals: CAST(x AS DECIMAL(38, 0)) * 2"
        ),
    }
}
