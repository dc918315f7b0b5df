/** The whole state of the lake, live: what landed, what is counted, what could not be used. */

import "../style/pages.css";
import "../style/pipeline.css";
import type { ComponentChildren } from "preact";
import { Feed } from "../pipeline/change-feed";
import { pipeline } from "../pipeline/pipeline-data";
import { Rejects } from "../pipeline/rejects-panel";
import { lagOf } from "../pipeline/resource-lag";
import { ResourceTable } from "../pipeline/resource-table";
import { Limits, Readiness } from "../pipeline/server-panels";
import { short, whole } from "../util/format";

function Tile({ name, children, title }: { name: string; children: ComponentChildren; title?: string }) {
  return (
    <div class="tile" title={title}>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

function Tiles() {
  const all = pipeline.value;
  const landed = all.filter(resource => resource.landed);
  const sum = (of: (resource: (typeof all)[number]) => number) => landed.reduce((total, each) => total + of(each), 0);
  const incidents = sum(({ incidents }) => incidents);
  const late = landed.filter(resource => lagOf(resource) === "late").length;
  const pending = sum(({ pending_batches }) => pending_batches);
  const rejects = sum(({ rejects_open }) => rejects_open);
  return (
    <dl class="tiles">
      <Tile name="Server">
        <Readiness />
      </Tile>
      <Tile name="Incidents" title={whole(incidents)}>
        {short(incidents)}
      </Tile>
      <Tile name="Resources">
        {landed.length}
        <small class="unit"> of {all.length} landed</small>
      </Tile>
      <Tile name="Batches">
        {whole(sum(({ batches }) => batches))}
        <small class="unit"> {pending === 0 ? "all compacted" : `${pending} pending`}</small>
      </Tile>
      <Tile name="Open rejects">{whole(rejects)}</Tile>
      <Tile name="Late">
        {late}
        <small class="unit"> {late === 1 ? "resource" : "resources"}</small>
      </Tile>
    </dl>
  );
}

/** Nothing here is asked for by hand: the page follows the lake. */
export default function PipelinePage() {
  return (
    <main class="page pipeline-page">
      <h1 class="hidden">Pipeline</h1>
      <Tiles />
      <ResourceTable />
      <div class="columns-2">
        <Feed />
        <div class="stack">
          <Rejects />
          <Limits />
        </div>
      </div>
    </main>
  );
}
