//! The test of a drawn area in SQL.

use std::sync::Arc;

use arrow::array::{Array, AsArray, BooleanArray, StringArray};
use arrow::datatypes::{DataType, Float64Type};
use datafusion::common::{ScalarValue, exec_err};
use datafusion::error::Result;
use datafusion::logical_expr::{ColumnarValue, ScalarUDF, Volatility, create_udf};

use crate::geometry::area::Area;

const NAME: &str = "point_in_polygon";

/// Returns the function `point_in_polygon(latitude, longitude, geojson)`: whether a point is inside a GeoJSON Polygon
/// or MultiPolygon, or on its boundary, as with the parameter `polygon` of the HTTP interface. Null if any of the three
/// is null.
pub(crate) fn point_in_polygon() -> ScalarUDF {
    let inputs = vec![DataType::Float64, DataType::Float64, DataType::Utf8];
    create_udf(NAME, inputs, DataType::Boolean, Volatility::Immutable, Arc::new(run))
}

fn run(arguments: &[ColumnarValue]) -> Result<ColumnarValue> {
    let scalar = arguments.iter().all(|argument| matches!(argument, ColumnarValue::Scalar(_)));
    // One polygon for all rows is read once, and not once a row.
    let texts = match &arguments[2] {
        ColumnarValue::Scalar(text) => text.to_array()?,
        ColumnarValue::Array(texts) => Arc::clone(texts),
    };
    let areas = areas(texts.as_string::<i32>())?;
    let points = ColumnarValue::values_to_arrays(&arguments[..2])?;
    let (latitudes, longitudes) = (points[0].as_primitive::<Float64Type>(), points[1].as_primitive::<Float64Type>());
    let rows = if areas.len() == 1 { latitudes.len() } else { areas.len() };
    let inside = (0..rows).map(|row| {
        let area = if areas.len() == 1 { &areas[0] } else { &areas[row] };
        // A scalar point is one value for all rows.
        let at = |values: &arrow::array::Float64Array| {
            let row = if values.len() == 1 { 0 } else { row };
            values.is_valid(row).then(|| values.value(row))
        };
        Some(area.as_ref()?.contains(at(latitudes)?, at(longitudes)?))
    });
    let inside: BooleanArray = inside.collect();
    if scalar {
        return Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&inside, 0)?));
    }
    Ok(ColumnarValue::Array(Arc::new(inside)))
}

fn areas(texts: &StringArray) -> Result<Vec<Option<Area>>> {
    let read = |text: Option<&str>| match text.map(|text| Area::parse(text, usize::MAX)).transpose() {
        Ok(area) => Ok(area),
        Err(why) => exec_err!("the third argument of {NAME} is to be a GeoJSON Polygon or MultiPolygon: {why}"),
    };
    texts.iter().map(read).collect()
}
