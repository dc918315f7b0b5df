/** The view of an answer: a table, and a map if it has cells, or a chart if one suits. */

import { useSignal } from "@preact/signals";
import { useCallback, useMemo } from "preact/hooks";
import { findChartShape } from "./chart-shape";
import { LazyChart, LazyMap } from "./lazy-views";
import type { Result } from "./result";
import { ResultTable } from "./result-table";

interface Props {
  result: Result;
  label: string;
  about?: ReadonlyMap<string, string>;
}

/** With more columns, the map or chart goes above the table. */
const MAX_SIDE_COLUMNS = 6;

/** The view. */
export function ResultView({ result, label, about }: Props) {
  const highlighted = useSignal<string | null>(null);
  const highlight = useCallback(
    (cell: string | null) => {
      highlighted.value = cell;
    },
    [highlighted],
  );
  const shape = useMemo(() => findChartShape(result.columns, result.rows), [result]);
  if (result.rows.length === 0) return <p class="empty">No rows.</p>;
  const cells = result.columns.some(column => column.kind === "cell");
  const hasVisual = cells || shape !== null;
  const layout = !hasVisual ? "" : result.columns.length <= MAX_SIDE_COLUMNS ? "side-by-side" : "stacked";
  return (
    <div class={`result-view ${layout}`}>
      <ResultTable
        result={result}
        label={`Rows: ${label}`}
        cell={highlighted.value}
        onCell={highlight}
        {...(about ? { about } : {})}
      />
      {shape && <LazyChart shape={shape} rows={result.rows} label={label} />}
      {cells && (
        <LazyMap columns={result.columns} rows={result.rows} highlighted={highlighted.value} onHover={highlight} />
      )}
    </div>
  );
}
