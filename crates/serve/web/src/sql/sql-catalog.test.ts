import { expect, it } from "vitest";
import { identifier, plainType, tableName } from "./sql-catalog";

it("quotes what needs it", () => {
  expect(identifier("cell")).toBe("cell");
  expect(identifier("311_cases")).toBe('"311_cases"');
  expect(identifier('a"b')).toBe('"a""b"');
  expect(tableName({ schema: "raw", name: "311_cases" })).toBe('raw."311_cases"');
  expect(tableName({ schema: "main", name: "counts" })).toBe("counts");
});

it("says types in the words of SQL", () => {
  expect(plainType("Utf8")).toBe("text");
  expect(plainType("Int64")).toBe("integer");
  expect(plainType("Timestamp(µs)")).toBe("timestamp");
  expect(plainType('Struct("longitude": Float64, "latitude": Float64)')).toBe("struct");
});
