import { expect, it } from "vitest";
import { findTables, toNamespace } from "./completion";
import type { Table } from "./sql-catalog";

const table = (schema: string, name: string): Table => ({ schema, name, columns: [{ name: "a", type: "text" }] });
const tables = [
  table("main", "counts"),
  table("main", "incidents"),
  table("raw", "311_cases"),
  table("stored", "counts"),
];

it("finds the tables that a query names", () => {
  const named = (sql: string) => findTables(sql, tables).map(({ schema, name }) => `${schema}.${name}`);
  expect(named("SELECT * FROM counts")).toEqual(["main.counts"]);
  expect(named('select a from raw."311_cases" JOIN incidents i on true')).toEqual(["main.incidents", "raw.311_cases"]);
  expect(named("SELECT 1")).toEqual([]);
});

it("groups tables by schema", () => {
  expect(toNamespace({ tables, routines: [] })).toEqual({
    main: { counts: ["a"], incidents: ["a"] },
    raw: { "311_cases": ["a"] },
    stored: { counts: ["a"] },
  });
});
