/** An answer: its table, beside it a map where it has cells, above it a chart where one suits. */

import { useSignal } from "@preact/signals";
import { useCallback, useMemo } from "preact/hooks";
import { LazyChart, LazyMap } from "./lazy";
import type { Result } from "./read";
import { shapeOf } from "./shape";
import { ResultTable } from "./table";

interface Props {
  result: Result;
  label: string;
  about?: Readonly<Record<string, string>>;
}

/** Shows an answer of any query. */
export function ResultView({ result, label, about }: Props) {
  const pointed = useSignal<string | null>(null);
  const point = useCallback(
    (cell: string | null) => {
      pointed.value = cell;
    },
    [pointed],
  );
  const shape = useMemo(() => shapeOf(result.columns, result.rows), [result]);
  if (result.rows.length === 0) return <p class="empty">No rows.</p>;
  const cells = result.columns.some(column => column.kind === "cell");
  return (
    <div class={`result-view ${cells ? "beside" : ""}`}>
      {shape && <LazyChart shape={shape} rows={result.rows} label={label} />}
      <ResultTable
        result={result}
        label={`Rows: ${label}`}
        cell={pointed.value}
        onCell={point}
        {...(about ? { about } : {})}
      />
      {cells && <LazyMap columns={result.columns} rows={result.rows} pointed={pointed.value} onPoint={point} />}
    </div>
  );
}
