//! Aggregates of floating-point numbers over windows that move. The engine subtracts from a sum the values that leave
//! the window: after a large number little is left of the small ones, and after infinity nothing. Here nothing is
//! subtracted: the window is two stacks of partial results, and the value that leaves it is the top of one of them.

use std::collections::VecDeque;
use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::datatypes::{DataType, FieldRef, Schema};
use datafusion::common::ScalarValue;
use datafusion::error::Result;
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::utils::AggregateOrderSensitivity;
use datafusion::logical_expr::{
    Accumulator, AggregateUDF, AggregateUDFImpl, Documentation, GroupsAccumulator, ReversedUDAF, SetMonotonicity,
    Signature,
};
use datafusion::physical_expr::PhysicalExpr;

/// The aggregates that the engine takes values away from.
pub(super) const AGGREGATES: [&str; 17] = [
    "avg",
    "corr",
    "covar_pop",
    "covar_samp",
    "regr_avgx",
    "regr_avgy",
    "regr_intercept",
    "regr_r2",
    "regr_slope",
    "regr_sxx",
    "regr_sxy",
    "regr_syy",
    "stddev",
    "stddev_pop",
    "sum",
    "var",
    "var_pop",
];

/// The engine's function, with windows of our own.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Sliding {
    of: Arc<AggregateUDF>,
}

impl Sliding {
    pub(super) fn new(of: Arc<AggregateUDF>) -> Self {
        Self { of }
    }
}

impl AggregateUDFImpl for Sliding {
    fn name(&self) -> &str {
        self.of.name()
    }

    fn aliases(&self) -> &[String] {
        self.of.aliases()
    }

    fn signature(&self) -> &Signature {
        self.of.signature()
    }

    fn return_type(&self, arg_types: &[DataType]) -> Result<DataType> {
        self.of.return_type(arg_types)
    }

    fn coerce_types(&self, arg_types: &[DataType]) -> Result<Vec<DataType>> {
        self.of.coerce_types(arg_types)
    }

    fn is_nullable(&self) -> bool {
        self.of.is_nullable()
    }

    fn accumulator(&self, args: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        self.of.accumulator(args)
    }

    fn create_sliding_accumulator(&self, args: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        if args.is_distinct || args.return_field.data_type() != &DataType::Float64 {
            return self.of.create_sliding_accumulator(args);
        }
        Ok(Box::new(Window::new(Blueprint::new(Arc::clone(&self.of), &args))?))
    }

    fn state_fields(&self, args: StateFieldsArgs<'_>) -> Result<Vec<FieldRef>> {
        self.of.state_fields(args)
    }

    fn groups_accumulator_supported(&self, args: AccumulatorArgs<'_>) -> bool {
        self.of.groups_accumulator_supported(args)
    }

    fn create_groups_accumulator(&self, args: AccumulatorArgs<'_>) -> Result<Box<dyn GroupsAccumulator>> {
        self.of.create_groups_accumulator(args)
    }

    fn order_sensitivity(&self) -> AggregateOrderSensitivity {
        self.of.order_sensitivity()
    }

    fn reverse_expr(&self) -> ReversedUDAF {
        self.of.reverse_udf()
    }

    fn default_value(&self, data_type: &DataType) -> Result<ScalarValue> {
        self.of.default_value(data_type)
    }

    fn set_monotonicity(&self, data_type: &DataType) -> SetMonotonicity {
        self.of.inner().set_monotonicity(data_type)
    }

    fn documentation(&self) -> Option<&Documentation> {
        self.of.documentation()
    }
}

/// The factory of accumulators of one call.
#[derive(Debug)]
struct Blueprint {
    of: Arc<AggregateUDF>,
    name: String,
    schema: Schema,
    return_field: FieldRef,
    exprs: Vec<Arc<dyn PhysicalExpr>>,
    expr_fields: Vec<FieldRef>,
}

impl Blueprint {
    fn new(of: Arc<AggregateUDF>, args: &AccumulatorArgs<'_>) -> Self {
        Self {
            of,
            name: args.name.to_owned(),
            schema: args.schema.clone(),
            return_field: Arc::clone(&args.return_field),
            exprs: args.exprs.to_vec(),
            expr_fields: args.expr_fields.to_vec(),
        }
    }

    fn accumulator(&self) -> Result<Box<dyn Accumulator>> {
        self.of.accumulator(AccumulatorArgs {
            return_field: Arc::clone(&self.return_field),
            schema: &self.schema,
            ignore_nulls: false,
            order_bys: &[],
            is_reversed: false,
            name: &self.name,
            is_distinct: false,
            exprs: &self.exprs,
            expr_fields: &self.expr_fields,
        })
    }
}

/// A window: its older rows as parts from each row on to the last of them, its newer rows as they are, and as one part.
#[derive(Debug)]
struct Window {
    blueprint: Blueprint,
    /// The last is of all older rows.
    older: Vec<Vec<ScalarValue>>,
    newer: VecDeque<Vec<ArrayRef>>,
    newer_part: Box<dyn Accumulator>,
}

impl Window {
    fn new(blueprint: Blueprint) -> Result<Self> {
        let newer_part = blueprint.accumulator()?;
        Ok(Self { blueprint, older: Vec::new(), newer: VecDeque::new(), newer_part })
    }

    /// Makes the newer rows the older ones.
    fn turn(&mut self) -> Result<()> {
        let mut part = self.blueprint.accumulator()?;
        while let Some(row) = self.newer.pop_back() {
            part.update_batch(&row)?;
            self.older.push(part.state()?);
        }
        self.newer_part = self.blueprint.accumulator()?;
        Ok(())
    }

    /// Returns both parts as one.
    fn whole(&mut self) -> Result<Box<dyn Accumulator>> {
        let mut whole = self.blueprint.accumulator()?;
        if let Some(older) = self.older.last() {
            whole.merge_batch(&as_arrays(older)?)?;
        }
        whole.merge_batch(&as_arrays(&self.newer_part.state()?)?)?;
        Ok(whole)
    }
}

fn as_arrays(state: &[ScalarValue]) -> Result<Vec<ArrayRef>> {
    state.iter().map(ScalarValue::to_array).collect()
}

impl Accumulator for Window {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let rows = values.first().map_or(0, |values| values.len());
        self.newer.extend((0..rows).map(|row| values.iter().map(|values| values.slice(row, 1)).collect()));
        self.newer_part.update_batch(values)
    }

    fn retract_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        for _ in 0..values.first().map_or(0, |values| values.len()) {
            if self.older.is_empty() {
                self.turn()?;
            }
            self.older.pop();
        }
        Ok(())
    }

    fn supports_retract_batch(&self) -> bool {
        true
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        self.whole()?.evaluate()
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        self.whole()?.state()
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        self.newer_part.merge_batch(states)
    }

    fn size(&self) -> usize {
        let part = self.older.first().map_or(0, |part| part.len() * size_of::<ScalarValue>());
        let row = self.newer.front().map_or(0, |row| row.len() * (size_of::<ArrayRef>() + size_of::<f64>() * 16));
        size_of_val(self) + self.older.capacity() * part + self.newer.capacity() * row
    }
}
