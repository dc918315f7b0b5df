/** How true the numbers are: exact or fast, as of when, made up for a demo, cut short. */

import { signal } from "@preact/signals";
import type { AnswerMeta } from "../api/client";
import { cityResources } from "../api/resources";
import { page } from "../state/view-state";
import { formatTime } from "../util/format";
import { LiveIndicator } from "./live-indicator";

/** What the headers said of the answer that the map shows. */
export const mapMeta = signal<AnswerMeta | null>(null);

/** The badges in the bar. */
export function StatusBadges() {
  const meta = page.value === "map" ? mapMeta.value : null;
  const pending = cityResources.value.reduce((sum, resource) => sum + resource.pending_batches, 0);
  const exact = meta ? meta.exact : cityResources.value.every(resource => resource.exact);
  const synthetic = meta ? meta.synthetic : cityResources.value.some(resource => resource.synthetic);
  if (cityResources.value.length === 0) return <div class="status-badges" />;
  const batches = `${pending} ${pending === 1 ? "batch" : "batches"}`;
  return (
    <div class="status-badges">
      {synthetic && (
        <span class="badge warn" title="Made up by the program to try it out: no city published them">
          synthetic demo data
        </span>
      )}
      {exact ? (
        <span class="badge good" title="Equal to a recount of every row that has landed">
          exact
        </span>
      ) : (
        <span class="badge warn" title="Counted before a change of a definition: compact to recount">
          unreconciled
        </span>
      )}
      <span class="badge" title={`${batches} counted as they landed, and not yet compacted`}>
        {pending === 0 ? "compacted" : `fast: ${batches}`}
      </span>
      {meta?.truncated && (
        <span class="badge bad" title="More cells than one answer may hold: zoom in or filter">
          cut short
        </span>
      )}
      {meta?.asOf && (
        <span class="as-of" title="The newest commit that these numbers hold, UTC">
          as of {formatTime(meta.asOf)} UTC
        </span>
      )}
      <LiveIndicator />
    </div>
  );
}
