//! So many keys: landing them, landing them again, and rebuilding the key index from `raw`.

use std::io::{BufWriter, Write as _};
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use lake_ingest::{IngestOptions, Landing, LandingOptions, Source, ingest};
use lake_model::{Catalog, Kind, Result, ResultExt};
use lake_store::{Lake, Location};
use tokio_util::sync::CancellationToken;

use crate::{bytes_under, peak_mib, rate, say};

/// A multiplier without a common factor with the number of keys' range: keys come in no order.
const STRIDE: u64 = 7_919_000_001;
const RANGE: u64 = 1 << 40;

fn write_rows(path: &Path, rows: u64) -> std::io::Result<()> {
    let mut out = BufWriter::new(std::fs::File::create(path)?);
    writeln!(out, "service_request_id,requested_datetime,service_name,lat,long")?;
    for n in 0..rows {
        let id = n.wrapping_mul(STRIDE) % RANGE;
        let (year, month, day, hour) = (2010 + n % 15, 1 + n % 12, 1 + n % 28, n % 24);
        let (lat, long) = (37_700 + n * 31 % 110, 122_380 + n * 17 % 130);
        writeln!(
            out,
            "{id},{year}-{month:02}-{day:02}T{hour:02}:15:00,Kind {},37.{},-122.{}",
            n % 40,
            lat - 37_000,
            long - 122_000
        )?;
    }
    out.flush()
}

/// Measures with so many keys, in `folder`.
pub(crate) async fn measure(rows: u64, folder: &Path) -> Result<()> {
    let failed = || format!("writing to {}", folder.display());
    std::fs::create_dir_all(folder).or_err(Kind::Unavailable, failed)?;
    let path = folder.join("rows.csv");
    write_rows(&path, rows).or_err(Kind::Unavailable, failed)?;
    let catalog = Catalog::built_in()?;
    let resource = catalog.get("311-cases")?;
    let place = folder.join("lake").display().to_string();
    let lake = Lake::create(Location::parse(&place)?).await?;
    let landing = LandingOptions { index_directory: folder.join("index"), synthetic: true };
    let options = IngestOptions {
        source: Source::File(path),
        page_size: 50_000,
        max_pages: None,
        full: None,
        until: None,
        landing: landing.clone(),
    };
    let stop = CancellationToken::new();
    let count = usize::try_from(rows).or_err(Kind::Invalid, || "the number of rows")?;
    say("distinct keys", rows);
    for run in ["landed", "landed again, nothing new"] {
        let begun = Instant::now();
        let outcome = ingest(&lake, &resource, &options, &stop, |_| {}).await?;
        say(run, rate(count, begun.elapsed()));
        say("  new, unchanged", format!("{}, {}", outcome.rows.new, outcome.rows.unchanged));
        say("  peak memory so far", format!("{} MiB", peak_mib()));
    }
    say("index on disk a key", format!("{:.1} bytes", bytes_under(&landing.index_directory) as f64 / rows as f64));
    std::fs::remove_dir_all(&landing.index_directory).or_err(Kind::Unavailable, failed)?;
    let begun = Instant::now();
    let rebuilt = Landing::open(&lake, &Arc::clone(&resource), &landing).await?;
    say("rebuilt from raw", rate(count, begun.elapsed()));
    say("  batches", rebuilt.batch());
    say("  peak memory so far", format!("{} MiB", peak_mib()));
    Ok(())
}
