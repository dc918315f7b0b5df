/** The pipeline page: the state of resources, batches, rejects and limits, live. */

import "../style/pages.css";
import "../style/pipeline.css";
import type { ComponentChildren } from "preact";
import { ChangeFeed } from "../pipeline/change-feed";
import { sortedResources } from "../pipeline/pipeline-data";
import { RejectsPanel } from "../pipeline/rejects-panel";
import { classifyLag } from "../pipeline/resource-lag";
import { ResourceTable } from "../pipeline/resource-table";
import { LimitsPanel, Readiness } from "../pipeline/server-panels";
import { formatCompact, formatInteger } from "../util/format";

function Tile({ name, children, title }: { name: string; children: ComponentChildren; title?: string }) {
  return (
    <div class="tile" title={title}>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

function Tiles() {
  const all = sortedResources.value;
  const landed = all.filter(resource => resource.landed);
  const sum = (of: (resource: (typeof all)[number]) => number) => landed.reduce((total, each) => total + of(each), 0);
  const incidents = sum(({ incidents }) => incidents);
  const late = landed.filter(resource => classifyLag(resource) === "late").length;
  const pending = sum(({ pending_batches }) => pending_batches);
  const rejects = sum(({ rejects_open }) => rejects_open);
  return (
    <dl class="tiles">
      <Tile name="Server">
        <Readiness />
      </Tile>
      <Tile name="Incidents" title={formatInteger(incidents)}>
        {formatCompact(incidents)}
      </Tile>
      <Tile name="Resources">
        {landed.length}
        <small class="unit"> of {all.length} landed</small>
      </Tile>
      <Tile name="Batches">
        {formatInteger(sum(({ batches }) => batches))}
        <small class="unit"> {pending === 0 ? "all compacted" : `${pending} pending`}</small>
      </Tile>
      <Tile name="Open rejects">{formatInteger(rejects)}</Tile>
      <Tile name="Late">
        {late}
        <small class="unit"> {late === 1 ? "resource" : "resources"}</small>
      </Tile>
    </dl>
  );
}

/** The pipeline page; it updates itself. */
export default function PipelinePage() {
  return (
    <main class="page pipeline-page">
      <h1 class="hidden">Pipeline</h1>
      <Tiles />
      <ResourceTable />
      <div class="columns-2">
        <ChangeFeed />
        <div class="stack">
          <RejectsPanel />
          <LimitsPanel />
        </div>
      </div>
    </main>
  );
}
