/** Completion in the editor: columns of the tables that the query names, and functions, those of H3 first. */

import type { Completion, CompletionContext, CompletionResult } from "@codemirror/autocomplete";
import type { SQLNamespace } from "@codemirror/lang-sql";
import { isH3, quoteIdentifier, SCHEMAS, type SqlCatalog, type Table } from "./sql-catalog";

/** Returns the tables that a query names after FROM or JOIN. */
export function findTables(sql: string, tables: readonly Table[]): Table[] {
  const named = new Set<string>();
  const clause = /\b(?:from|join)\s+(?:(\w+)\s*\.\s*)?("?)(\w+)\2/gi;
  for (const [, schema = "main", , name] of sql.matchAll(clause)) named.add(`${schema}.${name}`.toLowerCase());
  return tables.filter(table => named.has(`${table.schema}.${table.name}`.toLowerCase()));
}

/** Returns the catalog as lang-sql takes it: columns by table by schema. */
export function toNamespace(catalog: SqlCatalog): SQLNamespace {
  const schemas = new Map<string, [string, string[]][]>(SCHEMAS.map(([schema]) => [schema, []]));
  for (const { schema, name, columns } of catalog.tables) {
    schemas.get(schema)?.push([name, columns.map(column => column.name)]);
  }
  return createPlainMap([...schemas].map(([schema, tables]) => [schema, createPlainMap(tables)]));
}

/** Returns an object without a prototype: a table may be named like a member of every object. */
function createPlainMap<T>(members: readonly (readonly [string, T])[]): { [name: string]: T } {
  const object = Object.create(null);
  for (const [name, value] of members) object[name] = value;
  return object;
}

/** Returns the completion source for columns and functions. */
export function createCompleter(catalog: SqlCatalog): (context: CompletionContext) => CompletionResult | null {
  const functions = catalog.routines.map(
    ({ name, syntax, about }): Completion => ({
      label: name,
      type: "function",
      ...(syntax ? { detail: syntax.replace(name, "").replaceAll(/\s+/g, " ").slice(0, 40) } : {}),
      ...(about ? { info: about.trim() } : {}),
      boost: isH3(name) ? 20 : -10,
      // The cursor goes between the parentheses.
      apply: (view, _, from, to) =>
        view.dispatch({ changes: { from, to, insert: `${name}()` }, selection: { anchor: from + name.length + 1 } }),
    }),
  );
  return context => {
    const word = context.matchBefore(/[\w"]+/);
    const before = word?.from ?? context.pos;
    // lang-sql completes columns after a dot.
    if (context.state.sliceDoc(before - 1, before) === "." || (word === null && !context.explicit)) return null;
    const columns = new Map<string, Completion>();
    const tables = findTables(context.state.doc.toString(), catalog.tables);
    for (const table of tables) {
      for (const { name, type } of table.columns) {
        columns.set(name, { label: name, type: "property", detail: type, apply: quoteIdentifier(name), boost: 30 });
      }
    }
    return { from: before, options: [...columns.values(), ...functions], validFor: /^\w*$/ };
  };
}
