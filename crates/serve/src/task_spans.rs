//! The span of a request, carried into the tasks that the engine starts for it: their log lines name the request too.

use std::any::Any;

use datafusion::common::runtime::{JoinSetTracer, set_join_set_tracer};
use futures::FutureExt as _;
use futures::future::BoxFuture;
use tracing::{Instrument as _, Span};

struct SpanPropagator;

static SPAN_PROPAGATOR: SpanPropagator = SpanPropagator;

impl JoinSetTracer for SpanPropagator {
    fn trace_future(&self, work: BoxFuture<'static, Box<dyn Any + Send>>) -> BoxFuture<'static, Box<dyn Any + Send>> {
        work.in_current_span().boxed()
    }

    fn trace_block(
        &self,
        work: Box<dyn FnOnce() -> Box<dyn Any + Send> + Send>,
    ) -> Box<dyn FnOnce() -> Box<dyn Any + Send> + Send> {
        let span = Span::current();
        Box::new(move || span.in_scope(work))
    }
}

/// Lets the engine's tasks carry the span in which they are started. Once a process is enough.
pub(crate) fn propagate_spans() {
    // A second server of the process finds it done.
    let _ = set_join_set_tracer(&SPAN_PROPAGATOR);
}
