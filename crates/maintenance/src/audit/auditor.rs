//! One audit of one resource.

use std::sync::Arc;

use lake_compact::{CompactOptions, compact};
use lake_ingest::{Event, FullScanOutcome, IngestOptions, Landing, LandingOptions, Source, ingest};
use lake_model::{Cursor, Error, Kind, MICROS_PER_HOUR, Resource, Result, Window};
use lake_portal::{
    Decoder, Extent, PortalOptions, Scan, ScanOptions, SodaClient, describe_stuck_cursor, is_stuck_cursor,
};
use lake_query::{Reader, ResourceSnapshot};
use lake_store::{AuditOutcome, LandingMark, LastAudit};
use tokio_util::sync::CancellationToken;

use crate::audit::lake_counts::{differences, lake_counts};
use crate::audit::report::{Audit, RepairReport};

/// Comparisons that are made while the source keeps changing.
const MAX_TRIES: u32 = 3;
/// Keys of several rows that are named.
const MAX_DOUBLED: usize = 20;

/// How to audit.
#[derive(Clone, Debug)]
pub struct AuditOptions {
    /// How to reach the portal.
    pub portal: PortalOptions,
    /// Rows a page.
    pub page_size: usize,
    /// How to land what is new.
    pub landing: LandingOptions,
    /// Compare this window only.
    pub window: Option<Window>,
    /// Compare the keys one by one.
    pub keys: bool,
    /// Mend what differs.
    pub repair: bool,
    /// Whether a repair may delete more than 5 % of a resource.
    pub allow_deletes: bool,
}

/// Audits one resource.
pub struct Auditor<'a> {
    pub(crate) reader: &'a Reader,
    pub(crate) resource: Arc<Resource>,
    pub(crate) options: &'a AuditOptions,
    pub(crate) soda: SodaClient,
    pub(crate) stop: &'a CancellationToken,
    pub(crate) on_event: &'a mut (dyn FnMut(Event) + Send),
}

impl std::fmt::Debug for Auditor<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Auditor").field("resource", &self.resource.name).finish_non_exhaustive()
    }
}

impl<'a> Auditor<'a> {
    /// Returns an auditor of `resource`; `on_event` is called for each page that is read.
    ///
    /// # Errors
    /// If the window cuts an hour, the unit of counting, or the portal's client cannot be made.
    pub fn new(
        reader: &'a Reader,
        resource: &Arc<Resource>,
        options: &'a AuditOptions,
        stop: &'a CancellationToken,
        on_event: &'a mut (dyn FnMut(Event) + Send),
    ) -> Result<Self> {
        if options.window.is_some_and(|w| w.start % MICROS_PER_HOUR != 0 || w.end % MICROS_PER_HOUR != 0) {
            return Err(Error::invalid("counts are by the hour: a window to audit begins and ends on a full hour"));
        }
        let soda = SodaClient::new(&resource.name, &resource.portal, &resource.dataset, options.portal.clone())?;
        Ok(Self { reader, resource: Arc::clone(resource), options, soda, stop, on_event })
    }

    /// Ingests to the head, compares, and repairs if that is requested and they differ.
    ///
    /// # Errors
    /// If the portal or the store does not answer, or the source keeps changing.
    pub async fn audit(mut self) -> Result<Audit> {
        let name = self.resource.name.clone();
        self.run().await.map_err(|error| error.context(format!("auditing {name}")))
    }

    async fn run(&mut self) -> Result<Audit> {
        let mut report = RepairReport::default();
        let found = self.inspect(&mut report).await?;
        if !self.options.repair {
            return Ok(found);
        }
        if found.agrees() {
            return Ok(Audit { repair: Some(report).filter(|report| report.restarted), ..found });
        }
        let report = self.repair(&found, report).await?;
        self.compact(CompactOptions::default()).await?;
        let mut after = self.inspect(&mut RepairReport::default()).await?;
        if !after.agrees() && report.withheld.is_none() && after.doubled.is_empty() {
            // A difference that reading again did not repair may be in the counts themselves.
            self.compact(CompactOptions { recount: true, ..CompactOptions::default() }).await?;
            after = self.inspect(&mut RepairReport::default()).await?;
        }
        after.repair = Some(report);
        Ok(after)
    }

    async fn compact(&self, options: CompactOptions) -> Result<()> {
        compact(self.reader, &self.resource, options, |_| {}).await.map(|_| ())
    }

    /// Compares until the source does not change meanwhile, and saves the result in the lake. If the next run would
    /// continue in the future and that is not repaired, no rows are read to the head, and no keys are compared.
    async fn inspect(&mut self, report: &mut RepairReport) -> Result<Audit> {
        let mut doubt = String::new();
        for _ in 0..MAX_TRIES {
            let before = self.soda.fetch_extent().await?;
            let stuck = self.find_stuck_cursor(report).await?;
            if stuck.is_none() {
                self.ingest_to_head(&before, report).await?;
            }
            let found = match Box::pin(self.compare(stuck.clone())).await {
                Ok(Ok(found)) => found,
                Ok(Err(reason)) => {
                    doubt = reason;
                    continue;
                }
                // A finding, whatever else the portal does not answer.
                Err(error) if stuck.is_some() => {
                    tracing::warn!("{}: the counts were not compared: {error}", self.resource.name);
                    return Ok(Audit { resource: self.resource.name.clone(), stuck, ..Audit::default() });
                }
                Err(error) => return Err(error),
            };
            if self.soda.fetch_extent().await? == before {
                self.save_result(&found.to_last_audit(self.options.window)).await;
                return Ok(found);
            }
            "the source changed meanwhile".clone_into(&mut doubt);
            tracing::warn!(resource = self.resource.name, "the source changed meanwhile, comparing again");
        }
        self.save_result(&LastAudit::new(self.options.window, AuditOutcome::Inconclusive)).await;
        Err(Error::new(Kind::Unavailable, format!("the audit is inconclusive: {doubt}; try again")))
    }

    /// Returns where the next run would continue, if that is in the future by the portal's clock. If repairs are
    /// allowed, the next run starts from the beginning instead.
    async fn find_stuck_cursor(&self, report: &mut RepairReport) -> Result<Option<Cursor>> {
        let raw = self.reader.lake().raw(&self.resource.name)?;
        let snapshot = match raw.snapshot().await {
            // Nothing has landed yet.
            Err(error) if error.kind() == Kind::NotFound => return Ok(None),
            snapshot => snapshot?,
        };
        let cursor = LandingMark::read(&raw, &snapshot).await?.cursor;
        let Some(cursor) = cursor.filter(|cursor| is_stuck_cursor(cursor, self.soda.latest_stamp())) else {
            return Ok(None);
        };
        tracing::warn!("{}", describe_stuck_cursor(&self.resource.name, &cursor));
        if !self.options.repair {
            return Ok(Some(cursor));
        }
        let mut landing = Landing::open(self.reader.lake(), &self.resource, &self.options.landing).await?;
        landing.restart_scan().await?;
        report.restarted = true;
        Ok(None)
    }

    /// Saves the result, and ignores a failure: the audit itself is valid without it.
    async fn save_result(&self, audit: &LastAudit) {
        let name = &self.resource.name;
        if let Err(error) = self.reader.lake().save_last_audit(name, audit).await {
            tracing::warn!(resource = name, "`/resources` will not show this audit: {error}");
        }
    }

    async fn ingest_to_head(&mut self, extent: &Extent, report: &mut RepairReport) -> Result<()> {
        let options = IngestOptions {
            source: Source::Portal(self.options.portal.clone()),
            page_size: self.options.page_size,
            max_pages: None,
            full: None,
            until: extent.newest.clone(),
            landing: self.options.landing.clone(),
        };
        let lake = self.reader.lake();
        let is_restarted = report.restarted;
        let mut on_event = |event: Event| {
            match event {
                Event::Page(landed) if is_restarted => report.add(landed),
                Event::Page(_) => {}
            }
            (self.on_event)(event);
        };
        match ingest(lake, &self.resource, &options, self.stop, &mut on_event).await {
            Ok(outcome) if outcome.stopped => Err(Error::new(Kind::Unavailable, "it was stopped")),
            Ok(_) => Ok(()),
            // Another process lands this resource: as good, if it is at the head.
            Err(error) if error.kind() == Kind::Conflict => {
                let raw = lake.raw(&self.resource.name)?;
                let after = LandingMark::read(&raw, &*raw.snapshot().await?).await?.cursor;
                let decoder = Arc::new(Decoder::new(&self.resource));
                let mut rest =
                    Scan::begin(self.soda.clone(), decoder, ScanOptions { after, ..self.plan_key_scan().await? });
                match rest.next().await {
                    None => Ok(()),
                    Some(Ok(_)) => Err(error),
                    Some(Err(refused)) => Err(refused),
                }
            }
            Err(error) => Err(error),
        }
    }

    /// Compares once; returns the reason if the comparison proves nothing.
    async fn compare(&mut self, stuck: Option<Cursor>) -> Result<std::result::Result<Audit, String>> {
        let (resource, window) = (&self.resource, self.options.window);
        let portal = self.soda.fetch_monthly_counts(resource, window).await?;
        let lake_snapshot = self.reader.open_newest().await?;
        let redefined = lake_snapshot.resources.get(&resource.name).is_some_and(ResourceSnapshot::is_redefined);
        let lake_snapshot = if redefined {
            self.compact(CompactOptions::default()).await?;
            self.reader.open_newest().await?
        } else {
            lake_snapshot
        };
        if !lake_snapshot.is_exact(std::slice::from_ref(&resource.name)) {
            return Ok(Err("another process is landing rows".to_owned()));
        }
        let session = self.reader.session(&lake_snapshot).await?;
        let lake = lake_counts(&session, resource, window).await?;
        let mut found = Audit {
            resource: resource.name.clone(),
            portal_rows: portal.values().sum(),
            lake_rows: lake.values().sum(),
            differences: differences(&portal, &lake),
            stuck,
            ..Audit::default()
        };
        if self.options.keys && found.stuck.is_none() {
            let mut landing = Landing::open(self.reader.lake(), resource, &self.options.landing).await?;
            let scan = self.plan_key_scan().await?;
            match landing
                .run_full_scan(&self.soda, scan, false, self.stop, |landed| (self.on_event)(Event::Page(landed)))
                .await?
            {
                FullScanOutcome::Complete(scan) => {
                    (found.gone, found.missing, found.outdated) = (scan.gone, scan.missing, scan.outdated);
                }
                FullScanOutcome::Inconclusive(reason) => return Ok(Err(reason)),
            }
        }
        if !found.agrees() {
            match self.soda.fetch_doubled_keys(resource, MAX_DOUBLED).await {
                Ok(doubled) => found.doubled = doubled,
                // Only an explanation is missing then.
                Err(error) => tracing::warn!(resource = resource.name, "the portal does not count by key: {error}"),
            }
        }
        Ok(Ok(found))
    }

    /// Returns a scan of the keys only.
    pub(crate) async fn plan_key_scan(&self) -> Result<ScanOptions> {
        let mut select = ":id,:updated_at".to_owned();
        for column in &self.resource.key {
            select.push(',');
            select.push_str(&self.soda.resolve_column_name(&self.resource, column).await?);
        }
        Ok(ScanOptions { select: Some(select), ..ScanOptions::whole(self.options.page_size) })
    }
}
