/** The SQL catalog: tables, columns and functions, from the server's information_schema. */

import { fetchSql } from "../api/client";

export interface TableColumn {
  name: string;
  type: string;
}

export interface Table {
  schema: string;
  name: string;
  columns: TableColumn[];
}

export interface Routine {
  name: string;
  /** An example of a call; null if the server gives none. */
  syntax: string | null;
  about: string | null;
}

export interface SqlCatalog {
  tables: Table[];
  routines: Routine[];
}

/** The schemas, in the order in which they are shown. */
export const SCHEMAS: readonly [name: string, about: string][] = [
  ["main", "Current incidents and counts: start here"],
  ["raw", "All landed versions of all rows, as published"],
  ["stored", "The stored tables, with batches that are not compacted"],
];

const COLUMNS = `SELECT table_schema, table_name, column_name, data_type FROM information_schema.columns
WHERE table_schema IN (${SCHEMAS.map(([name]) => `'${name}'`).join(", ")})`;

const ROUTINES = `SELECT routine_name, min(syntax_example) AS syntax, min(description) AS about
FROM information_schema.routines GROUP BY routine_name ORDER BY routine_name`;

const SCHEMA_ORDER = SCHEMAS.map(([name]) => name);

/** Whether a function is one of H3; these are listed first. */
export const isH3 = (name: string): boolean => name.startsWith("h3_");

/** Fetches the catalog. */
export async function fetchCatalog(): Promise<SqlCatalog> {
  const [columns, routines] = await Promise.all([
    fetchSql<{ table_schema: string; table_name: string; column_name: string; data_type: string }>(COLUMNS),
    fetchSql<{ routine_name: string; syntax: string | null; about: string | null }>(ROUTINES),
  ]);
  const tables = new Map<string, Table>();
  for (const row of columns.rows) {
    const key = `${row.table_schema}.${row.table_name}`;
    const table = tables.get(key) ?? { schema: row.table_schema, name: row.table_name, columns: [] };
    table.columns.push({ name: row.column_name, type: toSqlType(row.data_type) });
    tables.set(key, table);
  }
  return {
    tables: [...tables.values()].sort(
      (a, b) => SCHEMA_ORDER.indexOf(a.schema) - SCHEMA_ORDER.indexOf(b.schema) || (a.name < b.name ? -1 : 1),
    ),
    routines: routines.rows
      .map(({ routine_name, syntax, about }) => ({ name: routine_name, syntax, about }))
      .sort((a, b) => Number(isH3(b.name)) - Number(isH3(a.name))),
  };
}

/** Returns the SQL name of an Arrow type. */
export function toSqlType(type: string): string {
  if (/^(Utf8|LargeUtf8|Utf8View)$/.test(type)) return "text";
  if (/^U?Int\d+$/.test(type)) return "integer";
  if (/^(Float\d+|Decimal)/.test(type)) return "number";
  if (type.startsWith("Timestamp")) return "timestamp";
  if (type.startsWith("Date")) return "date";
  return type.replace(/\(.*$/s, "").toLowerCase();
}

/** Returns an identifier for SQL, quoted if necessary. */
export const quoteIdentifier = (name: string): string =>
  /^[a-z_][a-z0-9_]*$/.test(name) ? name : `"${name.replaceAll('"', '""')}"`;

/** Returns the name of a table for SQL, with its schema unless that is `main`. */
export const qualifyTable = (table: Pick<Table, "schema" | "name">): string =>
  table.schema === "main" ? quoteIdentifier(table.name) : `${table.schema}.${quoteIdentifier(table.name)}`;
