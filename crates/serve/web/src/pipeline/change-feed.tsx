/** The feed of landed batches and compactions. */

import type { Change } from "../api/events";
import { LiveIndicator } from "../components/live-indicator";
import { formatInteger, formatSigned, formatTime } from "../util/format";
import { changeFeed, pastLoading, pastProblem } from "./pipeline-data";
import { Sparkline } from "./sparkline";

const MAX_SHOWN = 60;

function Item({ change }: { change: Change }) {
  const batch = change.kind === "batch";
  return (
    <li class={change.kind}>
      <time dateTime={change.committed_at}>{formatTime(change.committed_at ?? null).slice(5)}</time>
      <span class={`badge ${batch ? "" : "good"}`}>{batch ? `batch ${change.batch}` : change.kind}</span>
      <span class="description">
        <strong>{change.resource}</strong>{" "}
        <span class="soft">{batch ? "" : `compacted up to batch ${change.batch}`}</span>
      </span>
      {batch && (
        <span class="net" title={`${formatInteger(change.changes ?? 0)} changed counts`}>
          {formatSigned(change.net ?? 0)}
        </span>
      )}
    </li>
  );
}

/** The feed, newest first. */
export function ChangeFeed() {
  const all = changeFeed.value;
  const batches = all.filter(({ kind }) => kind === "batch");
  return (
    <section class="panel feed" aria-labelledby="pipeline-feed">
      <header>
        <h2 id="pipeline-feed">Landed batches</h2>
        <span class="note">incidents added per batch, newest first, UTC</span>
        <LiveIndicator />
      </header>
      {pastProblem.value && <p class="failure">{pastProblem.value}</p>}
      {batches.length > 1 && <Sparkline values={[...batches].reverse().map(({ net = 0 }) => net)} />}
      {pastLoading.value && (
        <p class="loading" role="status">
          Loading earlier batches…
        </p>
      )}
      {all.length === 0 && !pastLoading.value && (
        <p class="empty">No batches yet. New batches appear here as they land.</p>
      )}
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached with the keyboard */}
      <section class="scroll" tabIndex={0} aria-label="Batches and compactions">
        <ol>
          {all.slice(0, MAX_SHOWN).map(change => (
            <Item key={`${change.kind} ${change.resource} ${change.batch}`} change={change} />
          ))}
        </ol>
      </section>
    </section>
  );
}
