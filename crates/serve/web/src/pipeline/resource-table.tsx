/** The table of resources. */

import { useEffect, useState } from "preact/hooks";
import { resources } from "../api/resources";
import type { Resource } from "../api/types";
import { ErrorMessage } from "../components/panel";
import { formatDuration, formatInteger, formatSigned, formatTime } from "../util/format";
import { sortedResources } from "./pipeline-data";
import { classifyLag } from "./resource-lag";

/** Returns the seconds since the last answer of `/resources`, updated every five seconds. */
function useAnswerAge(): number {
  const [age, setAge] = useState(0);
  const rows = resources.value.rows;
  useEffect(() => {
    const since = performance.now();
    setAge(0);
    const timer = setInterval(() => setAge((performance.now() - since) / 1_000), 5_000);
    return () => clearInterval(timer);
  }, [rows]);
  return age;
}

function Compaction({ resource: { name, title, watermark, batches, pending_batches } }: { resource: Resource }) {
  return (
    <>
      <progress max={Math.max(1, batches)} value={watermark} aria-label={`Compacted batches of ${title ?? name}`} />
      <span class="soft">
        {pending_batches === 0
          ? `${watermark} of ${batches}`
          : `${watermark} of ${batches}, ${pending_batches} pending`}
      </span>
    </>
  );
}

function LagBadge({ resource, age }: { resource: Resource; age: number }) {
  const lag = classifyLag(resource, age);
  const cadence = resource.cadence_seconds;
  const about =
    cadence === null
      ? "No cadence declared"
      : `Cadence: ${formatDuration(cadence)}. Late after three cadences without a batch.`;
  return (
    <span class={`badge ${{ ok: "good", late: "bad", unknown: "" }[lag]}`} title={about}>
      {lag === "unknown" ? "no cadence" : lag}
    </span>
  );
}

function AuditCell({ resource: { last_audit: audit, landed } }: { resource: Resource }) {
  if (!landed) return null;
  if (!audit) return <span class="soft">not audited</span>;
  const [kind, text] = {
    none: ["good", "no drift"],
    drift: ["bad", audit.drift === null ? "drift" : `drift ${formatSigned(audit.drift)}`],
    inconclusive: ["warn", "inconclusive"],
  }[audit.outcome] ?? ["", audit.outcome];
  return (
    <>
      <span class={`badge ${kind}`}>{text}</span> <small>{formatTime(audit.at)}</small>
    </>
  );
}

function ResourceRow({ resource, age }: { resource: Resource; age: number }) {
  const { name, title, city, landed, incidents, unlocated, undated, rejects_open, exact, synthetic } = resource;
  return (
    <tr class={landed ? "" : "not-landed"}>
      <th scope="row" class="title">
        <strong>{title ?? name}</strong>
        <small>
          <code>{name}</code>
          {city && ` · ${city}`}
        </small>
      </th>
      <td class="number">{formatInteger(incidents)}</td>
      <td class="number">{formatInteger(unlocated)}</td>
      <td class="number">{formatInteger(undated)}</td>
      <td class="number">{rejects_open > 0 ? <span class="badge warn">{formatInteger(rejects_open)}</span> : 0}</td>
      <td class="compaction">{landed && <Compaction resource={resource} />}</td>
      <td>
        {landed ? (
          <>
            <LagBadge resource={resource} age={age} />{" "}
            <small title={`${formatTime(resource.last_landed_at)} UTC`}>
              {resource.lag_seconds === null ? "" : `${formatDuration(resource.lag_seconds + age)} ago`}
            </small>
          </>
        ) : (
          <span class="badge">not landed</span>
        )}
      </td>
      <td>
        {landed && (exact ? <span class="badge good">exact</span> : <span class="badge warn">unreconciled</span>)}{" "}
        {synthetic && <span class="badge warn">synthetic</span>}
      </td>
      <td>
        <AuditCell resource={resource} />
      </td>
    </tr>
  );
}

/** The table. */
export function ResourceTable() {
  const { rows, problem, loading } = resources.value;
  const age = useAnswerAge();
  const unaudited = sortedResources.value.some(resource => resource.landed && !resource.last_audit);
  return (
    <section class="panel" aria-labelledby="pipeline-resources" aria-busy={loading}>
      <header>
        <h2 id="pipeline-resources">Resources</h2>
      </header>
      {problem && <ErrorMessage problem={problem} />}
      {rows === null && !problem && (
        <p class="loading" role="status">
          Loading…
        </p>
      )}
      {rows?.length === 0 && <p class="empty">The lake has no resources.</p>}
      {rows !== null && rows.length > 0 && (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached with the keyboard
        <section class="scroll" tabIndex={0} aria-label="Table of resources">
          <table class="rows resources">
            <thead>
              <tr>
                <th scope="col" class="head">
                  Resource
                </th>
                <th scope="col" class="number head">
                  Incidents
                </th>
                <th scope="col" class="number head" title="Incidents without a usable location">
                  Unlocated
                </th>
                <th scope="col" class="number head" title="Incidents without a usable time">
                  Undated
                </th>
                <th scope="col" class="number head" title="Rows without a usable key">
                  Rejects
                </th>
                <th scope="col" class="head" title="Compacted batches of all landed batches">
                  Compacted
                </th>
                <th scope="col" class="head">
                  Last landed
                </th>
                <th scope="col" class="head">
                  Counts
                </th>
                <th scope="col" class="head">
                  Last audit
                </th>
              </tr>
            </thead>
            <tbody>
              {sortedResources.value.map(resource => (
                <ResourceRow key={resource.name} resource={resource} age={age} />
              ))}
            </tbody>
          </table>
        </section>
      )}
      {unaudited && (
        <p class="hint">
          Some resources have not been audited. Run <code>hotspots-lake audit</code> to compare the lake with the
          portal.
        </p>
      )}
    </section>
  );
}
