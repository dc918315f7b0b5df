/** The badges in the header: synthetic, exact, compacted, truncated, and the time of the newest commit. */

import { signal } from "@preact/signals";
import type { AnswerMeta } from "../api/client";
import { cityResources } from "../api/resources";
import { page } from "../state/view-state";
import { formatTime } from "../util/format";
import { LiveIndicator } from "./live-indicator";

/** The headers of the answer that the map shows. */
export const mapMeta = signal<AnswerMeta | null>(null);

/** The badges. */
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
        <span class="badge warn" title="Synthetic rows of the demo, not published by a city">
          synthetic demo data
        </span>
      )}
      {exact ? (
        <span class="badge good" title="Equal to a recount of all landed rows">
          exact
        </span>
      ) : (
        <span class="badge warn" title="Counted under an earlier definition. Run compact to recount.">
          unreconciled
        </span>
      )}
      <span class="badge" title={`${batches} not yet compacted`}>
        {pending === 0 ? "compacted" : `fast: ${batches}`}
      </span>
      {meta?.truncated && (
        <span class="badge bad" title="The answer has more cells than the limit. Zoom in or filter.">
          truncated
        </span>
      )}
      {meta?.asOf && (
        <span class="as-of" title="Time of the newest commit in this answer (UTC)">
          as of {formatTime(meta.asOf)} UTC
        </span>
      )}
      <LiveIndicator />
    </div>
  );
}
