//! The H3 functions of SQL, under the names that SQL users of H3 expect. Cells are signed 64-bit integers: bit 63 of an
//! H3 index is always 0.
//!
//! Semantics follow the H3 library's documentation (h3geo.org/docs/api); its errors are null here.

use std::str::FromStr;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Float64Array, Float64Builder, Int64Array, Int64Builder, ListBuilder,
    StringArray, StringBuilder,
};
use arrow::datatypes::{DataType, Field, Float64Type, Int64Type};
use datafusion::error::Result;
use datafusion::logical_expr::{ColumnarValue, ScalarUDF, Volatility, create_udf};
use h3o::{CellIndex, LatLng, Resolution};

use crate::geometry::outline::cell_wkt;

fn cell(index: i64) -> Option<CellIndex> {
    CellIndex::try_from(u64::try_from(index).ok()?).ok()
}

fn index(cell: CellIndex) -> Option<i64> {
    i64::try_from(u64::from(cell)).ok()
}

fn resolution(res: i64) -> Option<Resolution> {
    Resolution::try_from(u8::try_from(res).ok()?).ok()
}

/// Returns the parent of `cell` at a coarser resolution, by bits: resolution in bits 52 to 55, unused digits all ones
/// (h3geo.org/docs/core-library/h3Indexing). `None` if `res` is not a resolution or is finer than the cell.
pub fn cell_to_parent(cell: i64, res: i64) -> Option<i64> {
    let own = (cell >> 52) & 0xf;
    if cell <= 0 || !(0..=own).contains(&res) {
        return None;
    }
    let unused = (1_i64 << (3 * (15 - res))) - 1;
    Some(cell & !(0xf << 52) | res << 52 | unused)
}

/// Returns the area of a cell, square kilometres; `None` of a number that is not a cell.
pub fn cell_area_km2(index: i64) -> Option<f64> {
    Some(cell(index)?.area_km2())
}

/// Formats a cell as hexadecimal text.
pub fn cell_text(cell: i64) -> String {
    format!("{cell:x}")
}

/// Parses a cell from its hexadecimal text.
pub fn parse_cell(text: &str) -> Option<i64> {
    index(CellIndex::from_str(text).ok()?)
}

/// Returns the cells at most `k` steps of the grid away from a cell, itself included, in no order; none around a number
/// that is not a cell.
pub fn cell_disk(index: i64, k: u32) -> Vec<i64> {
    let Some(cell) = cell(index) else { return Vec::new() };
    grid_disk(cell, i64::from(k)).unwrap_or_default().into_iter().filter_map(self::index).collect()
}

fn latlng_to_cell(lat: f64, lng: f64, res: i64) -> Option<i64> {
    index(LatLng::new(lat, lng).ok()?.to_cell(resolution(res)?))
}

type Body = fn(&[ArrayRef]) -> ArrayRef;

fn udf(name: &str, inputs: &[DataType], output: DataType, body: Body) -> ScalarUDF {
    let run = move |arguments: &[ColumnarValue]| -> Result<ColumnarValue> {
        let scalar = arguments.iter().all(|a| matches!(a, ColumnarValue::Scalar(_)));
        let result = body(&ColumnarValue::values_to_arrays(arguments)?);
        if scalar {
            let value = datafusion::common::ScalarValue::try_from_array(&result, 0)?;
            return Ok(ColumnarValue::Scalar(value));
        }
        Ok(ColumnarValue::Array(result))
    };
    create_udf(name, inputs.to_vec(), output, Volatility::Immutable, Arc::new(run))
}

fn ints(array: &ArrayRef) -> &Int64Array {
    array.as_primitive::<Int64Type>()
}

fn reals(array: &ArrayRef) -> &Float64Array {
    array.as_primitive::<Float64Type>()
}

fn at<A: Array, T>(array: &A, row: usize, value: impl Fn(&A, usize) -> T) -> Option<T> {
    array.is_valid(row).then(|| value(array, row))
}

fn each_int(array: &ArrayRef, f: impl Fn(i64) -> Option<i64>) -> ArrayRef {
    Arc::new(ints(array).iter().map(|v| f(v?)).collect::<Int64Array>())
}

fn each_pair(a: &ArrayRef, b: &ArrayRef, f: impl Fn(i64, i64) -> Option<i64>) -> ArrayRef {
    Arc::new(ints(a).iter().zip(ints(b)).map(|(a, b)| f(a?, b?)).collect::<Int64Array>())
}

fn each_real(array: &ArrayRef, f: impl Fn(i64) -> Option<f64>) -> ArrayRef {
    Arc::new(ints(array).iter().map(|v| f(v?)).collect::<Float64Array>())
}

fn each_text(array: &ArrayRef, f: impl Fn(i64) -> Option<String>) -> ArrayRef {
    Arc::new(ints(array).iter().map(|v| f(v?)).collect::<StringArray>())
}

fn list_of(kind: DataType) -> DataType {
    DataType::List(Arc::new(Field::new_list_field(kind, true)))
}

fn cells_list(a: &ArrayRef, k: &ArrayRef, f: impl Fn(CellIndex, i64) -> Option<Vec<CellIndex>>) -> ArrayRef {
    let mut lists = ListBuilder::new(Int64Builder::new());
    for (a, k) in ints(a).iter().zip(ints(k)) {
        match a.and_then(cell).zip(k).and_then(|(cell, k)| f(cell, k)) {
            Some(cells) => lists.append_value(cells.into_iter().map(index)),
            None => lists.append_null(),
        }
    }
    Arc::new(lists.finish())
}

/// The most cells one call may list: a disk of 577 rings, the children nine levels down.
const MAX_CELLS: i64 = 1_000_000;

fn grid_disk(cell: CellIndex, k: i64) -> Option<Vec<CellIndex>> {
    let size = k.checked_mul(k + 1)?.checked_mul(3)?.checked_add(1)?;
    (k >= 0 && size <= MAX_CELLS).then(|| cell.grid_disk::<Vec<_>>(u32::try_from(k).unwrap_or(0)))
}

fn children(cell: CellIndex, res: i64) -> Option<Vec<CellIndex>> {
    let res = resolution(res)?;
    let few = i64::try_from(cell.children_count(res)).is_ok_and(|n| n <= MAX_CELLS);
    (res >= cell.resolution() && few).then(|| cell.children(res).collect())
}

/// Returns every H3 function.
pub(crate) fn h3_functions() -> Vec<ScalarUDF> {
    use DataType::{Boolean, Float64, Int64, Utf8};
    vec![
        udf("h3_latlng_to_cell", &[Float64, Float64, Int64], Int64, |a| {
            let (lat, lng, res) = (reals(&a[0]), reals(&a[1]), ints(&a[2]));
            let cells = (0..lat.len()).map(|row| {
                latlng_to_cell(
                    at(lat, row, Float64Array::value)?,
                    at(lng, row, Float64Array::value)?,
                    at(res, row, Int64Array::value)?,
                )
            });
            Arc::new(cells.collect::<Int64Array>())
        }),
        udf("h3_cell_to_parent", &[Int64, Int64], Int64, |a| each_pair(&a[0], &a[1], cell_to_parent)),
        udf("h3_cell_to_center_child", &[Int64, Int64], Int64, |a| {
            each_pair(&a[0], &a[1], |c, res| index(cell(c)?.center_child(resolution(res)?)?))
        }),
        udf("h3_cell_to_children", &[Int64, Int64], list_of(Int64), |a| cells_list(&a[0], &a[1], children)),
        udf("h3_grid_disk", &[Int64, Int64], list_of(Int64), |a| cells_list(&a[0], &a[1], grid_disk)),
        udf("h3_grid_distance", &[Int64, Int64], Int64, |a| {
            each_pair(&a[0], &a[1], |a, b| cell(a)?.grid_distance(cell(b)?).ok().map(i64::from))
        }),
        udf("h3_get_resolution", &[Int64], Int64, |a| {
            each_int(&a[0], |c| Some(i64::from(u8::from(cell(c)?.resolution()))))
        }),
        udf("h3_is_valid_cell", &[Int64], Boolean, |a| {
            Arc::new(ints(&a[0]).iter().map(|c| Some(cell(c?).is_some())).collect::<BooleanArray>())
        }),
        udf("h3_cell_to_lat", &[Int64], Float64, |a| each_real(&a[0], |c| Some(LatLng::from(cell(c)?).lat()))),
        udf("h3_cell_to_lng", &[Int64], Float64, |a| each_real(&a[0], |c| Some(LatLng::from(cell(c)?).lng()))),
        udf("h3_cell_to_latlng", &[Int64], list_of(Float64), |a| {
            let mut lists = ListBuilder::new(Float64Builder::new());
            for value in ints(&a[0]) {
                match value.and_then(cell).map(LatLng::from) {
                    Some(place) => lists.append_value([Some(place.lat()), Some(place.lng())]),
                    None => lists.append_null(),
                }
            }
            Arc::new(lists.finish())
        }),
        udf("h3_cell_area_km2", &[Int64], Float64, |a| each_real(&a[0], cell_area_km2)),
        udf("h3_cell_to_boundary_wkt", &[Int64], Utf8, |a| each_text(&a[0], cell_wkt)),
        udf("h3_h3_to_string", &[Int64], Utf8, |a| each_text(&a[0], |c| Some(cell_text(c)))),
        udf("h3_string_to_h3", &[Utf8], Int64, |a| {
            Arc::new(a[0].as_string::<i32>().iter().map(|text| parse_cell(text?)).collect::<Int64Array>())
        }),
    ]
}

/// Returns `cell` columns as text, for outputs whose readers would lose digits of a 64-bit integer.
pub(crate) fn cells_as_text(cells: &Int64Array) -> StringArray {
    let mut texts = StringBuilder::with_capacity(cells.len(), cells.len() * 15);
    for value in cells {
        texts.append_option(value.map(cell_text));
    }
    texts.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parent_by_bits_is_the_parent_of_the_library() {
        for (lat, lng) in [(37.77, -122.42), (-33.9, 151.2), (0.1, 0.1), (89.0, 10.0), (58.157, 11.5)] {
            let finest = LatLng::new(lat, lng).expect("a place").to_cell(Resolution::Ten);
            for res in 0..=10_u8 {
                let by_library = finest.parent(Resolution::try_from(res).expect("a resolution")).and_then(index);
                assert_eq!(cell_to_parent(index(finest).expect("63 bits"), res.into()), by_library);
            }
            assert_eq!(cell_to_parent(index(finest).expect("63 bits"), 11), None);
        }
    }

    #[test]
    fn text_and_cell_are_each_others_inverse() {
        let finest = latlng_to_cell(37.77, -122.42, 10).expect("a cell");
        assert_eq!(parse_cell(&cell_text(finest)), Some(finest));
        assert_eq!(parse_cell("not a cell"), None);
    }
}
