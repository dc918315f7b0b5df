/** The tables and their columns, to look up and to insert. */

import type { Problem } from "../api/client";
import { Failure } from "../components/panel";
import { type Catalog, identifier, SCHEMAS, type Table, tableName } from "./sql-catalog";

interface Props {
  catalog: Catalog | null;
  problem: Problem | null;
  insert: (text: string) => void;
}

function TableEntry({ table, insert }: { table: Table; insert: Props["insert"] }) {
  return (
    <details class="table-entry">
      <summary class="entry-head">
        <span class="mono">{table.name}</span>{" "}
        <small title={`${table.columns.length} columns`}>{table.columns.length}</small>
      </summary>
      <ul>
        <li>
          <button type="button" class="plain insert" onClick={() => insert(tableName(table))}>
            <span class="mono">{tableName(table)}</span> <small>insert the table's name</small>
          </button>
        </li>
        {table.columns.map(({ name, type }) => (
          <li key={name}>
            <button
              type="button"
              class="plain insert"
              onClick={() => insert(identifier(name))}
              title={`Insert ${name}`}
            >
              <span class="mono">{name}</span> <small>{type}</small>
            </button>
          </li>
        ))}
      </ul>
    </details>
  );
}

/** The tables by schema. */
export function CatalogPanel({ catalog, problem, insert }: Props) {
  if (problem) return <Failure problem={problem} />;
  if (!catalog) {
    return (
      <p class="waiting" role="status">
        Reading the catalog…
      </p>
    );
  }
  return (
    <>
      {SCHEMAS.map(([schema, about]) => {
        const tables = catalog.tables.filter(table => table.schema === schema);
        return tables.length === 0 ? null : (
          <section key={schema} aria-label={`Tables of ${schema}`}>
            <h3>
              {schema} <small class="what">{about}</small>
            </h3>
            {tables.map(table => (
              <TableEntry key={table.name} table={table} insert={insert} />
            ))}
          </section>
        );
      })}
    </>
  );
}
