//! Gauges of the lake and the engine.

use lake_query::ResourceSnapshot;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use super::labels::{Labels, label, register_counter, register_gauge};
use crate::app::App;

/// The metrics of each resource: the name, what it means, and the number; `None` if there is none.
type ResourceMetric = (&'static str, &'static str, fn(&ResourceSnapshot) -> Option<i64>);

const RESOURCE_METRICS: [ResourceMetric; 6] = [
    ("hotspots_resource_batches", "The last batch that landed", |resource| Some(resource.mark.batch)),
    ("hotspots_resource_watermark", "The last batch that is compacted", |resource| Some(resource.watermark())),
    ("hotspots_resource_unreconciled_batches", "Batches that a compaction has yet to confirm", |resource| {
        Some(resource.unreconciled())
    }),
    ("hotspots_resource_exact", "1 if answers equal a recount, else 0", |resource| Some(resource.is_exact().into())),
    ("hotspots_resource_raw_rows", "Landed versions of rows", |resource| i64::try_from(resource.raw.rows()).ok()),
    ("hotspots_resource_lag_seconds", "Time since the last batch landed", ResourceSnapshot::lag_seconds),
];

/// Tells of the engine, and of the lake if it can be read.
pub(super) async fn register(app: &App, registry: &mut Registry) {
    let whole = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
    let engine = app.reader.engine();
    let reserved = whole(engine.reserved_bytes());
    register_gauge(registry, "hotspots_engine_reserved_bytes", "Memory that queries use now", reserved);
    let limit = whole(engine.memory_bytes());
    register_gauge(registry, "hotspots_engine_limit_bytes", "Memory that queries may use before they spill", limit);
    register_gauge(
        registry,
        "hotspots_engine_running",
        "Requests that the engine works for",
        whole(app.admission.in_use()),
    );
    register_gauge(
        registry,
        "hotspots_engine_waiting",
        "Requests that wait for the engine",
        whole(app.admission.waiting()),
    );
    let collected = whole(app.answers.held_bytes());
    register_gauge(
        registry,
        "hotspots_http_collected_bytes",
        "Memory of answers that were collected to be sent",
        collected,
    );
    if let Some(segments) = app.reader.segments() {
        let bytes = i64::try_from(segments.bytes()).unwrap_or(i64::MAX);
        register_gauge(registry, "hotspots_decoded_bytes", "Memory of decoded counts and incidents", bytes);
        register_counter(
            registry,
            "hotspots_decoded_answers",
            "Questions answered from decoded counts and incidents",
            segments.answers(),
        );
    }
    let (running, idle) = app.sql_workers.counts();
    register_gauge(registry, "hotspots_sql_workers_running", "Processes at work for a query in SQL", running);
    register_gauge(registry, "hotspots_sql_workers_idle", "Processes that wait for a query in SQL", whole(idle));

    let lake_snapshot =
        app.reader.open_newest().await.inspect_err(|error| tracing::error!(%error, "the lake cannot be read"));
    register_gauge(
        registry,
        "hotspots_lake_readable",
        "1 if the lake can be read, else 0",
        i64::from(lake_snapshot.is_ok()),
    );
    let versions = Family::<Labels, Gauge>::default();
    registry.register("hotspots_table_version", "The version of each table that answers are of", versions.clone());
    let families = RESOURCE_METRICS.map(|(name, help, _)| {
        let family = Family::<Labels, Gauge>::default();
        registry.register(name, help, family.clone());
        family
    });
    let Ok(lake_snapshot) = lake_snapshot else { return };
    let tables = [
        ("fast_counts", &lake_snapshot.fast_counts),
        ("counts", &lake_snapshot.counts),
        ("incidents", &lake_snapshot.incidents),
        ("rejects", &lake_snapshot.rejects),
    ];
    for (table, snapshot) in tables.into_iter().chain(lake_snapshot.boundaries.iter().map(|read| ("boundaries", read)))
    {
        versions.get_or_create(&label("table", table)).set(i64::try_from(snapshot.version).unwrap_or(i64::MAX));
    }
    for (name, resource) in &lake_snapshot.resources {
        for (family, (_, _, read)) in families.iter().zip(RESOURCE_METRICS) {
            if let Some(value) = read(resource) {
                family.get_or_create(&label("resource", name)).set(value);
            }
        }
    }
}
