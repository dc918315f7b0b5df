/** The answer to a query: its rows and columns, and what its headers say. */

import { type Column, inferColumns } from "./columns";
import { parseNdjson, type Row } from "./row";

/** The rows of an answer with their columns and headers. */
export interface Result {
  columns: readonly Column[];
  rows: readonly Row[];
  /** Whether the limit cut the answer off. */
  truncated: boolean;
  exact: boolean;
  asOf: string | null;
}

/** Reads an answer in `format=ndjson`. */
export async function readResult(response: Response): Promise<Result> {
  const rows = parseNdjson(await response.text());
  return {
    columns: inferColumns(rows),
    rows,
    truncated: response.headers.get("lake-truncated") === "true",
    exact: response.headers.get("lake-exact") !== "false",
    asOf: response.headers.get("lake-as-of"),
  };
}
