//! A function that looks at the sizes of its arguments before it is called.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::datatypes::{DataType, FieldRef};
use datafusion::common::{plan_err, resources_err};
use datafusion::error::Result;
use datafusion::logical_expr::sort_properties::{ExprProperties, SortProperties};
use datafusion::logical_expr::{
    ColumnarValue, Documentation, Expr, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
};

use super::MOST_BYTES;
use super::sizes::Estimate;

/// Fields of a value at most, and of the values in it.
const MOST_FIELDS: usize = 1_000;

/// A function and what tells how much it would make.
#[derive(Debug)]
pub(super) struct Bounded {
    of: Arc<ScalarUDF>,
    estimate: Estimate,
}

impl Bounded {
    pub(super) fn new(of: Arc<ScalarUDF>, estimate: Estimate) -> Self {
        Self { of, estimate }
    }
}

impl PartialEq for Bounded {
    fn eq(&self, other: &Self) -> bool {
        self.of == other.of
    }
}

impl Eq for Bounded {}

impl Hash for Bounded {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.of.hash(state);
    }
}

// What is not here is not passed on: above all `simplify`, which would put the unbounded function in this one's place.
impl ScalarUDFImpl for Bounded {
    fn name(&self) -> &str {
        self.of.name()
    }

    fn aliases(&self) -> &[String] {
        self.of.aliases()
    }

    fn schema_name(&self, args: &[Expr]) -> Result<String> {
        self.of.schema_name(args)
    }

    fn signature(&self) -> &Signature {
        self.of.signature()
    }

    fn coerce_types(&self, arg_types: &[DataType]) -> Result<Vec<DataType>> {
        self.of.coerce_types(arg_types)
    }

    fn return_type(&self, arg_types: &[DataType]) -> Result<DataType> {
        few_fields(self.name(), arg_types.iter())?;
        self.of.return_type(arg_types)
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        few_fields(self.name(), args.arg_fields.iter().map(|field| field.data_type()))?;
        self.of.return_field_from_args(args)
    }

    fn is_strict(&self) -> bool {
        self.of.is_strict()
    }

    fn output_ordering(&self, inputs: &[ExprProperties]) -> Result<SortProperties> {
        self.of.output_ordering(inputs)
    }

    fn preserves_lex_ordering(&self, inputs: &[ExprProperties]) -> Result<bool> {
        self.of.preserves_lex_ordering(inputs)
    }

    fn documentation(&self) -> Option<&Documentation> {
        self.of.documentation()
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        check(self.name(), (self.estimate)(&args.args, args.number_rows)?)?;
        self.of.invoke_with_args(args)
    }
}

/// Fails if a value would have more fields than one may: a type is as large as its fields are many, before there is a row.
fn few_fields<'a>(name: &str, kinds: impl Iterator<Item = &'a DataType>) -> Result<()> {
    let (mut open, mut fields): (Vec<&DataType>, usize) = (kinds.collect(), 0);
    while let Some(kind) = open.pop() {
        fields += 1;
        if fields > MOST_FIELDS {
            return plan_err!("{name} would make values of more than {MOST_FIELDS} fields; take fewer");
        }
        match kind {
            DataType::Struct(fields) => open.extend(fields.iter().map(|field| field.data_type())),
            DataType::List(of) | DataType::LargeList(of) | DataType::FixedSizeList(of, _) | DataType::Map(of, _) => {
                open.push(of.data_type());
            }
            _ => {}
        }
    }
    Ok(())
}

/// Fails if a call would make more bytes than one may.
pub(super) fn check(name: &str, bytes: u64) -> Result<()> {
    if bytes <= MOST_BYTES {
        return Ok(());
    }
    let (mib, most) = (bytes >> 20, MOST_BYTES >> 20);
    resources_err!(
        "{name} would make up to {mib} MiB at once, where there may be {most} (`max_function_mib` of /limits); make \
         shorter values"
    )
}
