//! The whole job: landing from a portal in this process, compaction, answers.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use lake_compact::{CompactOptions, compact};
use lake_ingest::{IngestOptions, LandingOptions, Source, ingest};
use lake_model::{Catalog, Error, Kind, Resource, Result, ResultExt, Window};
use lake_portal::PortalOptions;
use lake_query::{Engine, EngineOptions, Reader};
use lake_serve::{Access, Limits, Server};
use lake_soda_sim::{Column, Portal, synthetic};
use lake_store::{Lake, Location};
use tokio_util::sync::CancellationToken;

use crate::{bytes_under, peak_mib, rate, say};

/// Rows made at a time, so that the portal's rows and not their making fill the memory.
const CHUNK: usize = 50_000;
const CASES: &str = "vw6y-z8j6";

/// Moves a repeated row to another place and hour, so that repetition does not make the counts small.
fn spread(row: &mut serde_json::Map<String, serde_json::Value>, round: usize) {
    if let Some(latitude) = row.get("lat").and_then(|v| v.as_str()?.parse::<f64>().ok())
        && latitude != 0.0
    {
        row.insert("lat".to_owned(), format!("{:.6}", latitude + round as f64 * 0.0011).into());
    }
    if let Some(time) = row.get("requested_datetime").and_then(|v| v.as_str())
        && let (Some(date), Some(minutes)) = (time.get(..11), time.get(13..))
    {
        let moved = format!("{date}{:02}{minutes}", round % 24);
        row.insert("requested_datetime".to_owned(), moved.into());
    }
}

/// A portal with so many 311 cases: the demo's, repeated under other keys, at other places and hours.
fn portal_of(rows: usize) -> Portal {
    let model = synthetic::san_francisco(CHUNK * 100 / 45, 311);
    let portal = Portal::new();
    portal.set_gzip(false);
    let columns: Vec<Column> = model.columns(CASES);
    portal.add_dataset(CASES, "benchmark", columns);
    let mut pattern = model.rows(CASES);
    for row in &mut pattern {
        row.retain(|name, _| !name.starts_with(':'));
        // About the size of a real row.
        row.insert("status_notes".to_owned(), "Synthetic note. ".repeat(16).into());
    }
    let mut made = 0;
    while made < rows {
        let mut chunk = pattern.clone();
        chunk.truncate(rows - made);
        for (n, row) in chunk.iter_mut().enumerate() {
            row.insert("service_request_id".to_owned(), (10_000_000 + made + n).to_string().into());
            spread(row, made / CHUNK);
        }
        made += chunk.len();
        let stamp = 1_700_000_000_000 + i64::try_from(made).unwrap_or(0);
        portal.insert(CASES, chunk, stamp);
    }
    portal
}

/// Measures with so many rows of about 1 kB, in `folder`.
pub(crate) async fn measure(rows: usize, folder: &Path) -> Result<()> {
    let begun = Instant::now();
    let portal = portal_of(rows);
    let bytes: usize = portal.rows(CASES).first().map_or(0, |row| serde_json::to_string(row).map_or(0, |t| t.len()));
    say("rows at the portal", rows);
    say("bytes a published row", bytes);
    say("making them", format!("{:.1} s", begun.elapsed().as_secs_f64()));
    say("peak memory, the portal's rows alone", format!("{} MiB", peak_mib()));
    let serving = portal.serve(([127, 0, 0, 1], 0).into()).await.or_err(Kind::Unavailable, || "the portal")?;

    let catalog = Arc::new(Catalog::built_in()?);
    let resource = catalog.get("311-cases")?;
    let text = folder.to_str().ok_or_else(|| Error::invalid("the temporary directory is not text"))?;
    let lake = Lake::create(Location::parse(text)?).await?;
    let options = IngestOptions {
        source: Source::Portal(PortalOptions { base_url: Some(serving.url()), ..PortalOptions::default() }),
        page_size: 50_000,
        max_pages: None,
        full: None,
        until: None,
        landing: LandingOptions { index_directory: folder.join(".index"), synthetic: true },
    };
    let stop = CancellationToken::new();
    let begun = Instant::now();
    ingest(&lake, &resource, &options, &stop, |_| {}).await?;
    say("landed", rate(rows, begun.elapsed()));
    portal.restamp(CASES, 1_790_000_000_000, |_| {});
    let begun = Instant::now();
    ingest(&lake, &resource, &options, &stop, |_| {}).await?;
    say("landed, re-stamped without change", rate(rows, begun.elapsed()));

    let engine = Engine::new(EngineOptions::default(), lake.location())?;
    let reader = Arc::new(Reader::new(lake, engine, Arc::clone(&catalog)));
    compaction(&reader, &resource, rows).await?;
    answers(reader).await?;
    for table in ["raw", "incidents", "counts", "fast_counts", ".index"] {
        say(
            &format!("on disk a row: {table}"),
            format!("{:.1} bytes", bytes_under(&folder.join(table)) as f64 / rows as f64),
        );
    }
    say("peak memory, portal and lake in one process", format!("{} MiB", peak_mib()));
    serving.stop().await;
    Ok(())
}

async fn compaction(reader: &Reader, resource: &Arc<Resource>, rows: usize) -> Result<()> {
    let begun = Instant::now();
    compact(reader, resource, CompactOptions::default(), |_| {}).await?;
    say("compacted the first time", format!("{:.2} s, {}", begun.elapsed().as_secs_f64(), rate(rows, begun.elapsed())));
    let begun = Instant::now();
    let window = Some(Window::parse("2000..2040")?);
    compact(reader, resource, CompactOptions { window, ..CompactOptions::default() }, |_| {}).await?;
    say("recounted from raw", format!("{:.2} s, {}", begun.elapsed().as_secs_f64(), rate(rows, begun.elapsed())));
    Ok(())
}

async fn answers(reader: Arc<Reader>) -> Result<()> {
    let server = Server::bind(([127, 0, 0, 1], 0).into(), None).await?;
    let base = server.url();
    let stop = CancellationToken::new();
    let running = tokio::spawn(server.run(reader, Access::open(), Limits::default(), stop.clone()));
    let questions: BTreeMap<&str, &str> = BTreeMap::from([
        ("heat map of a year, res 9", "group_by=cell&geo_precision=9&start_time=2024-01-01&end_time=2025-01-01"),
        ("heat map of all time, res 8", "group_by=cell&geo_precision=8"),
        ("months by category", "group_by=time,category&time_precision=1mo"),
        ("weekday by hour", "group_by=weekday,hour"),
        (
            "days of a year in a box",
            "group_by=time&bbox=-122.43,37.75,-122.40,37.79&start_time=2024-01-01&end_time=2025-01-01",
        ),
        ("the default question of a week", "start_time=2024-03-04&end_time=2024-03-11"),
    ]);
    let client = reqwest_client()?;
    for (name, query) in questions {
        let mut times = Vec::new();
        for _ in 0..9 {
            let begun = Instant::now();
            let answer = client.get(format!("{base}/aggregates?{query}")).send().await;
            let answer = answer.or_err(Kind::Unavailable, || name)?;
            let good = answer.status().is_success();
            let body = answer.bytes().await.or_err(Kind::Unavailable, || name)?;
            if !good {
                return Err(Error::internal(String::from_utf8_lossy(&body).into_owned()));
            }
            times.push(begun.elapsed());
        }
        times.sort();
        say(name, format!("{:.1} ms", times[times.len() / 2].as_secs_f64() * 1000.0));
    }
    stop.cancel();
    running.await.or_err(Kind::Internal, || "the server")?
}

fn reqwest_client() -> Result<reqwest::Client> {
    reqwest::Client::builder().build().or_err(Kind::Internal, || "the HTTP client")
}
