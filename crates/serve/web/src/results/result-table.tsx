/** The table of an answer. */

import { useEffect, useMemo, useRef } from "preact/hooks";
import { formatInteger } from "../util/format";
import { formatValue, parseCell } from "./columns";
import type { Result } from "./result";

/** Rows that are rendered; a download has all. */
const MAX_RENDERED_ROWS = 1_000;

interface Props {
  result: Result;
  label: string;
  /** Descriptions of columns by name. */
  about?: ReadonlyMap<string, string>;
  /** The cell that is highlighted on the map. */
  cell?: string | null;
  onCell?: (cell: string) => void;
}

/** The first rows, with a sticky header. */
export function ResultTable({ result, label, about, cell, onCell }: Props) {
  const { columns, rows } = result;
  const scroll = useRef<HTMLDivElement>(null);
  const located = columns.find(column => column.kind === "cell")?.name;
  // A new answer is shown from its first row.
  useEffect(() => scroll.current?.scrollTo(0, 0), [result]);
  const body = useMemo(
    () =>
      rows.slice(0, MAX_RENDERED_ROWS).map((row, n) => {
        const at = located === undefined ? null : parseCell(row.get(located));
        return (
          <tr key={n} data-cell={at ?? undefined} onMouseEnter={at && onCell ? () => onCell(at) : undefined}>
            <th scope="row">{formatInteger(n + 1)}</th>
            {columns.map(({ name, kind }) => {
              const value = row.get(name);
              const missing = value === null || value === undefined;
              return (
                <td key={name} class={`${kind}${missing ? " null" : ""}`}>
                  {formatValue(value, kind)}
                </td>
              );
            })}
          </tr>
        );
      }),
    [rows, columns, located, onCell],
  );
  useEffect(() => {
    const body = scroll.current;
    for (const row of body?.querySelectorAll("tr.highlighted") ?? []) row.classList.remove("highlighted");
    if (cell) body?.querySelector(`tr[data-cell="${cell}"]`)?.classList.add("highlighted");
  }, [cell]);
  return (
    <div class="result-table">
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached with the keyboard */}
      <section class="scroll" ref={scroll} tabIndex={0} aria-label={label}>
        <table class="rows result">
          <thead>
            <tr>
              <th scope="col" class="row-number">
                #
              </th>
              {columns.map(({ name, kind }) => (
                <th key={name} scope="col" class={kind} title={about?.get(name)}>
                  {name}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>{body}</tbody>
        </table>
      </section>
      {rows.length > MAX_RENDERED_ROWS && (
        <p class="hint">
          The first {formatInteger(MAX_RENDERED_ROWS)} of {formatInteger(rows.length)} rows. Download the answer for
          all.
        </p>
      )}
    </div>
  );
}
