//! `now()` in microseconds, so that a column it is compared with is not cast to nanoseconds.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef, TimeUnit};
use datafusion::common::{ScalarValue, internal_err};
use datafusion::error::Result;
use datafusion::logical_expr::simplify::{ExprSimplifyResult, SimplifyContext};
use datafusion::logical_expr::{
    ColumnarValue, Documentation, Expr, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
};

/// `now()`, which is constant in a statement.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Now {
    of: Arc<ScalarUDF>,
}

impl Now {
    /// Returns the function in place of the engine's.
    pub(super) fn new(of: Arc<ScalarUDF>) -> Self {
        Self { of }
    }
}

impl ScalarUDFImpl for Now {
    fn name(&self) -> &str {
        self.of.name()
    }

    fn aliases(&self) -> &[String] {
        self.of.aliases()
    }

    fn signature(&self) -> &Signature {
        self.of.signature()
    }

    fn return_type(&self, _arg_types: &[DataType]) -> Result<DataType> {
        internal_err!("the type of now() follows from its zone")
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        let zone = match self.of.return_field_from_args(args)?.data_type() {
            DataType::Timestamp(_, zone) => zone.clone(),
            _ => None,
        };
        Ok(Arc::new(Field::new(self.name(), DataType::Timestamp(TimeUnit::Microsecond, zone), false)))
    }

    fn simplify(&self, args: Vec<Expr>, info: &SimplifyContext) -> Result<ExprSimplifyResult> {
        Ok(match self.of.simplify(args, info)? {
            ExprSimplifyResult::Simplified(Expr::Literal(ScalarValue::TimestampNanosecond(nanos, zone), _)) => {
                let micros = nanos.map(|nanos| nanos.div_euclid(1_000));
                let now = ScalarValue::TimestampMicrosecond(micros, zone);
                ExprSimplifyResult::Simplified(Expr::Literal(now, None))
            }
            other => other,
        })
    }

    fn documentation(&self) -> Option<&Documentation> {
        self.of.documentation()
    }

    fn invoke_with_args(&self, _args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        internal_err!("now() is a value before the first row is read")
    }
}
