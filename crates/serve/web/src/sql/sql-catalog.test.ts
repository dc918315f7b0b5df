import { expect, it } from "vitest";
import { qualifyTable, quoteIdentifier, toSqlType } from "./sql-catalog";

it("quotes identifiers only if necessary", () => {
  expect(quoteIdentifier("cell")).toBe("cell");
  expect(quoteIdentifier("311_cases")).toBe('"311_cases"');
  expect(quoteIdentifier('a"b')).toBe('"a""b"');
  expect(qualifyTable({ schema: "raw", name: "311_cases" })).toBe('raw."311_cases"');
  expect(qualifyTable({ schema: "main", name: "counts" })).toBe("counts");
});

it("shows Arrow types by their SQL names", () => {
  expect(toSqlType("Utf8")).toBe("text");
  expect(toSqlType("Int64")).toBe("integer");
  expect(toSqlType("Timestamp(µs)")).toBe("timestamp");
  expect(toSqlType('Struct("longitude": Float64, "latitude": Float64)')).toBe("struct");
});
