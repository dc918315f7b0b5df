/** Rows of an answer, with what is needed to show them. */

import { type Column, columnsOf } from "./columns";

export type Value = string | number | boolean | null | readonly unknown[] | object;
/** Values by the name of their column. A map and no object: a column may have any name, `constructor` and `__proto__` too. */
export type Row = ReadonlyMap<string, Value>;

/** An answer's rows and how they came. */
export interface Result {
  columns: readonly Column[];
  rows: readonly Row[];
  /** Whether there are more rows than the limit. */
  truncated: boolean;
  exact: boolean;
  asOf: string | null;
}

const TOKEN = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;
/** Every integer of fewer digits is a double's own. */
const LONG = /^-?\d{16,}$/;

/** JSON in which integers that a double cannot hold stay what they are, as text. */
export function parseExact<T>(json: string): T {
  return JSON.parse(
    /\d{16}/.test(json) ? json.replace(TOKEN, token => (LONG.test(token) ? `"${token}"` : token)) : json,
  );
}

/** A row as it comes in JSON. */
export const rowOf = (object: object): Row => new Map<string, Value>(Object.entries(object));

/** Rows of newline-delimited JSON. */
export function parseLines(text: string): Row[] {
  return text.split("\n").flatMap(line => (line === "" ? [] : [rowOf(parseExact<object>(line))]));
}

/** Reads an answer in `format=ndjson`. */
export async function readResult(response: Response): Promise<Result> {
  const rows = parseLines(await response.text());
  return {
    columns: columnsOf(rows),
    rows,
    truncated: response.headers.get("lake-truncated") === "true",
    exact: response.headers.get("lake-exact") !== "false",
    asOf: response.headers.get("lake-as-of"),
  };
}
