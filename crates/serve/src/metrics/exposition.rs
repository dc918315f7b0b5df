//! All metrics as text, as Prometheus reads them.

use lake_model::{Kind, Result, ResultExt};
use prometheus_client::encoding::text::{encode_eof, encode_registry};
use prometheus_client::registry::Registry;

use super::{lake, process};
use crate::app::App;

/// The media type of the output of [`write`].
pub(crate) const MEDIA_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Writes all metrics in the OpenMetrics text format.
///
/// # Errors
/// Never, as text can be written to memory.
pub(crate) async fn write(app: &App) -> Result<String> {
    // Of its own for each scrape: two at once must not see each other's half.
    let mut registry = Registry::default();
    app.metrics.register(&mut registry);
    lake::register(app, &mut registry).await;
    process::register(&mut registry);
    let mut text = String::new();
    encode_registry(&mut text, &registry)
        .and_then(|()| encode_eof(&mut text))
        .or_err(Kind::Internal, || "writing the metrics")?;
    Ok(text)
}
