/** The kinds of columns, inferred from their values: JSON has no types. */

import type { Row, Value } from "./row";

export type Kind = "number" | "year" | "time" | "cell" | "boolean" | "text" | "nested";

export interface Column {
  name: string;
  kind: Kind;
}

/** Rows from which the kind of a column is inferred. */
const MAX_SAMPLED_ROWS = 500;
const TIME = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?Z?)?$/;
const LONG_INTEGER = /^-?\d{16,}$/;

/** Parses an H3 cell: hexadecimal text, or a 64-bit integer as text. */
export function parseCell(value: Value | undefined): string | null {
  if (typeof value !== "string") return null;
  if (/^8[0-9a-f]{14}$/.test(value)) return value;
  if (!/^\d{18}$/.test(value)) return null;
  const hex = BigInt(value).toString(16);
  return /^8[0-9a-f]{14}$/.test(hex) ? hex : null;
}

function findKind(value: Value): Kind {
  if (typeof value === "number") return "number";
  if (typeof value === "boolean") return "boolean";
  if (typeof value === "object") return "nested";
  if (parseCell(value) !== null) return "cell";
  if (LONG_INTEGER.test(value)) return "number";
  return TIME.test(value) ? "time" : "text";
}

/** Returns the kind of a column with these values: text if they are of several kinds. */
export function findCommonKind(values: Iterable<Value | undefined>): Kind {
  let found: Kind | null = null;
  for (const value of values) {
    if (value === null || value === undefined) continue;
    const next = findKind(value);
    if (found === null) found = next;
    else if (found !== next) return "text";
  }
  return found ?? "text";
}

/** Infers the columns of rows. */
export function inferColumns(rows: readonly Row[]): Column[] {
  const names = [...(rows[0]?.keys() ?? [])];
  const some = rows.slice(0, MAX_SAMPLED_ROWS);
  return names.map(name => {
    const found = findCommonKind(some.map(row => row.get(name)));
    return { name, kind: found === "number" && /(^|_)year$/.test(name) ? "year" : found };
  });
}

/** Formats a value for a table. */
export function formatValue(value: Value | undefined, kind: Kind): string {
  if (value === null || value === undefined) return "null";
  if (typeof value === "object") return JSON.stringify(value);
  if (typeof value === "number" && kind === "number") return value.toLocaleString("en", DECIMALS);
  return kind === "time" && typeof value === "string"
    ? value.replace("T", " ").replace(/ 00:00:00$/, "")
    : String(value);
}

const DECIMALS = { maximumFractionDigits: 6 };
