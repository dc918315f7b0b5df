/** The named queries of the server, and the answer of the one that is chosen. */

import { computed } from "@preact/signals";
import { follow } from "../api/answer";
import type { Question } from "../api/client";
import { lakeVersion } from "../api/live-updates";
import { columnsOf } from "../results/columns";
import { parseExact, type Result, rowOf } from "../results/result";
import { page, queryName, queryValues } from "../state/view-state";

export interface Parameter {
  name: string;
  type: "text" | "integer" | "number" | "boolean" | "date" | "timestamp";
  required: boolean;
  default: string | null;
  about: string | null;
}

export interface NamedQuery {
  name: string;
  title: string;
  about: string | null;
  parameters: Parameter[];
  columns: { name: string; type: string; about: string | null }[] | null;
}

/** More rows than that are for a download. */
export const ROWS = 10_000;

/** All of them. */
export const queries = follow<NamedQuery[]>(
  computed((): Question | null => (page.value === "queries" ? { path: "queries", params: [] } : null)),
);

/** The folder of a query, and its name there. */
export function parts(name: string): [folder: string, rest: string] {
  const slash = name.lastIndexOf("/");
  return slash < 0 ? ["", name] : [name.slice(0, slash), name.slice(slash + 1)];
}

/** Queries by folder, in the order in which they come. */
export function folders(all: readonly NamedQuery[]): Map<string, NamedQuery[]> {
  const found = new Map<string, NamedQuery[]>();
  for (const query of all) {
    const [folder] = parts(query.name);
    found.set(folder, [...(found.get(folder) ?? []), query]);
  }
  return found;
}

/** The query that the address names. */
export const chosen = computed(() => queries.value.rows?.find(({ name }) => name === queryName.value) ?? null);

/** The request for a query with these values; `null` while one that it needs is missing. */
export function questionOf(query: NamedQuery, values: ReadonlyMap<string, string>): Question | null {
  const given = query.parameters.flatMap(({ name }): [string, string][] => {
    const value = values.get(name);
    return value ? [[name, value]] : [];
  });
  const missing = query.parameters.some(({ name, required }) => required && !values.get(name));
  return missing ? null : { path: `queries/${query.name.split("/").map(encodeURIComponent).join("/")}`, params: given };
}

/** The request without its limit: what a download and another program ask for. */
export const question = computed(() =>
  chosen.value === null || page.value !== "queries" ? null : questionOf(chosen.value, queryValues.value),
);

const limited = computed(() =>
  question.value === null
    ? null
    : { path: question.value.path, params: [...question.value.params, ["limit", String(ROWS)] as const] },
);

/** The answer, and again whenever the lake changes. Integers of 64 bits stay what they are. */
export const answer = follow<object[]>(limited, 0, lakeVersion, parseExact);

/** The answer's rows with their columns; `null` while they are those of another query. */
export const result = computed((): Result | null => {
  const { rows, meta, of } = answer.value;
  if (rows === null || meta === null || of === null || of.path !== question.value?.path) return null;
  const read = rows.map(rowOf);
  return { columns: columnsOf(read), rows: read, truncated: meta.truncated, exact: meta.exact, asOf: meta.asOf };
});
