/** The named queries of the server, and the answer of the one that is chosen. */

import { computed } from "@preact/signals";
import { watchAnswer } from "../api/answer";
import type { Question } from "../api/client";
import { lakeVersion } from "../api/live-updates";
import type { NamedQuery } from "../api/types";
import { inferColumns } from "../results/columns";
import type { Result } from "../results/result";
import { parseExactJson, toRow } from "../results/row";
import { page, queryName, queryValues } from "../state/view-state";

/** More rows than that are for a download. */
export const MAX_ROWS = 10_000;

/** All of them. */
export const namedQueries = watchAnswer<NamedQuery[]>(
  computed((): Question | null => (page.value === "queries" ? { path: "queries", params: [] } : null)),
);

/** The folder of a query, and its name there. */
export function splitName(name: string): [folder: string, rest: string] {
  const slash = name.lastIndexOf("/");
  return slash < 0 ? ["", name] : [name.slice(0, slash), name.slice(slash + 1)];
}

/** Queries by folder, in the order in which they come. */
export function groupByFolder(all: readonly NamedQuery[]): Map<string, NamedQuery[]> {
  const found = new Map<string, NamedQuery[]>();
  for (const query of all) {
    const [folder] = splitName(query.name);
    found.set(folder, [...(found.get(folder) ?? []), query]);
  }
  return found;
}

/** The query that the address names. */
export const selectedQuery = computed(
  () => namedQueries.value.rows?.find(({ name }) => name === queryName.value) ?? null,
);

/** The request for a query with these values; `null` while one that it needs is missing. */
export function toQuestion(query: NamedQuery, values: ReadonlyMap<string, string>): Question | null {
  const given = query.parameters.flatMap(({ name }): [string, string][] => {
    const value = values.get(name);
    return value ? [[name, value]] : [];
  });
  const missing = query.parameters.some(({ name, required }) => required && !values.get(name));
  return missing ? null : { path: `queries/${query.name.split("/").map(encodeURIComponent).join("/")}`, params: given };
}

/** The request without its limit: what a download and another program ask for. */
export const queryQuestion = computed(() =>
  selectedQuery.value === null || page.value !== "queries" ? null : toQuestion(selectedQuery.value, queryValues.value),
);

const limitedQuestion = computed(() =>
  queryQuestion.value === null
    ? null
    : { path: queryQuestion.value.path, params: [...queryQuestion.value.params, ["limit", String(MAX_ROWS)] as const] },
);

/** The answer, and again whenever the lake changes. Integers of 64 bits stay what they are. */
export const queryAnswer = watchAnswer<object[]>(limitedQuestion, 0, lakeVersion, parseExactJson);

/** The answer's rows with their columns; `null` while they are those of another query. */
export const queryResult = computed((): Result | null => {
  const { rows, meta, question } = queryAnswer.value;
  if (rows === null || meta === null || question === null || question.path !== queryQuestion.value?.path) return null;
  const read = rows.map(toRow);
  return { columns: inferColumns(read), rows: read, truncated: meta.truncated, exact: meta.exact, asOf: meta.asOf };
});
