/** The named queries of the server, and the answer of the selected one. */

import { computed } from "@preact/signals";
import { watchAnswer } from "../api/answer";
import type { Question } from "../api/client";
import { lakeVersion } from "../api/live-updates";
import type { NamedQuery } from "../api/types";
import { inferColumns } from "../results/columns";
import type { Result } from "../results/result";
import { parseExactJson, toRow } from "../results/row";
import { page, queryName, queryValues } from "../state/view-state";

/** Rows that are shown; a download has all. */
export const MAX_ROWS = 10_000;

/** The named queries. */
export const namedQueries = watchAnswer<NamedQuery[]>(
  computed((): Question | null => (page.value === "queries" ? { path: "queries", params: [] } : null)),
);

/** Splits the name of a query into folder and rest. */
export function splitName(name: string): [folder: string, rest: string] {
  const slash = name.lastIndexOf("/");
  return slash < 0 ? ["", name] : [name.slice(0, slash), name.slice(slash + 1)];
}

/** Groups queries by folder, in order. */
export function groupByFolder(all: readonly NamedQuery[]): Map<string, NamedQuery[]> {
  const found = new Map<string, NamedQuery[]>();
  for (const query of all) {
    const [folder] = splitName(query.name);
    found.set(folder, [...(found.get(folder) ?? []), query]);
  }
  return found;
}

/** The query in the address. */
export const selectedQuery = computed(
  () => namedQueries.value.rows?.find(({ name }) => name === queryName.value) ?? null,
);

type QueryQuestion = Question<`queries/${string}`>;

/** Returns the question of a query with values; null if a required one is missing. */
export function toQuestion(query: NamedQuery, values: ReadonlyMap<string, string>): QueryQuestion | null {
  const given = query.parameters.flatMap(({ name }): [string, string][] => {
    const value = values.get(name);
    return value ? [[name, value]] : [];
  });
  const missing = query.parameters.some(({ name, required }) => required && !values.get(name));
  return missing ? null : { path: `queries/${query.name.split("/").map(encodeURIComponent).join("/")}`, params: given };
}

/** The question without a limit, for downloads and curl. */
export const queryQuestion = computed(() =>
  selectedQuery.value === null || page.value !== "queries" ? null : toQuestion(selectedQuery.value, queryValues.value),
);

const limitedQuestion = computed(() =>
  queryQuestion.value === null
    ? null
    : { path: queryQuestion.value.path, params: [...queryQuestion.value.params, ["limit", String(MAX_ROWS)] as const] },
);

/** The answer of the selected query, with exact 64-bit integers. */
export const queryAnswer = watchAnswer<object[]>(limitedQuestion, 0, lakeVersion, parseExactJson);

/** The answer with its columns; null while it is that of another query. */
export const queryResult = computed((): Result | null => {
  const { rows, meta, question } = queryAnswer.value;
  if (rows === null || meta === null || question === null || question.path !== queryQuestion.value?.path) return null;
  const read = rows.map(toRow);
  return { columns: inferColumns(read), rows: read, truncated: meta.truncated, exact: meta.exact, asOf: meta.asOf };
});
