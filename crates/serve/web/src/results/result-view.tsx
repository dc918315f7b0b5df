/** An answer: its table, and beside it a map where it has cells, or a chart where one suits. */

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

/** A wider table needs the whole breadth: the picture stands above it. */
const MAX_SIDE_COLUMNS = 6;

/** Shows an answer of any query. */
export function ResultView({ result, label, about }: Props) {
  const pointed = useSignal<string | null>(null);
  const point = useCallback(
    (cell: string | null) => {
      pointed.value = cell;
    },
    [pointed],
  );
  const shape = useMemo(() => findChartShape(result.columns, result.rows), [result]);
  if (result.rows.length === 0) return <p class="empty">No rows.</p>;
  const cells = result.columns.some(column => column.kind === "cell");
  const pictured = cells || shape !== null;
  const layout = !pictured ? "" : result.columns.length <= MAX_SIDE_COLUMNS ? "side-by-side" : "stacked";
  return (
    <div class={`result-view ${layout}`}>
      <ResultTable
        result={result}
        label={`Rows: ${label}`}
        cell={pointed.value}
        onCell={point}
        {...(about ? { about } : {})}
      />
      {shape && <LazyChart shape={shape} rows={result.rows} label={label} />}
      {cells && <LazyMap columns={result.columns} rows={result.rows} pointed={pointed.value} onPoint={point} />}
    </div>
  );
}
