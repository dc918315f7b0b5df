/** The panel of tables and columns; a click inserts a name into the query. */

import type { Problem } from "../api/client";
import { ErrorMessage } from "../components/panel";
import { qualifyTable, quoteIdentifier, SCHEMAS, type SqlCatalog, type Table } from "./sql-catalog";

interface Props {
  catalog: SqlCatalog | null;
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
          <button type="button" class="plain insert" onClick={() => insert(qualifyTable(table))}>
            <span class="mono">{qualifyTable(table)}</span> <small>insert the table name</small>
          </button>
        </li>
        {table.columns.map(({ name, type }) => (
          <li key={name}>
            <button
              type="button"
              class="plain insert"
              onClick={() => insert(quoteIdentifier(name))}
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

/** Lists the tables by schema. */
export function CatalogPanel({ catalog, problem, insert }: Props) {
  if (problem) return <ErrorMessage problem={problem} />;
  if (!catalog) {
    return (
      <p class="loading" role="status">
        Loading the tables…
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
              {schema} <small class="description">{about}</small>
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
