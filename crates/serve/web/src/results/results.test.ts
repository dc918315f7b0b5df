import { describe, expect, it } from "vitest";
import { findChartShape } from "./chart-shape";
import { findCommonKind, formatValue, inferColumns, parseCell } from "./columns";
import { parseExactJson, parseNdjson, toRow } from "./row";

describe("exact JSON", () => {
  it("keeps integers beyond a double as text", () => {
    const text =
      '{"a":608692975718891519,"b":"608692975718891519 \\"12345678901234567890","c":0.1234567890123456789,"d":12,"e":-9007199254740993}';
    expect(parseExactJson(text)).toEqual({
      a: "608692975718891519",
      b: '608692975718891519 "12345678901234567890',
      c: Number("0.1234567890123456789"),
      d: 12,
      e: "-9007199254740993",
    });
  });
  it("parses newline-delimited JSON", () => {
    expect(parseNdjson('{"a":1}\n{"a":null}\n').map(row => [...row])).toEqual([[["a", 1]], [["a", null]]]);
    expect(parseNdjson("")).toEqual([]);
  });
  it("accepts columns named like members of Object", () => {
    const [row] = parseNdjson('{"__proto__":1,"constructor":"x"}');
    expect([row?.get("__proto__"), row?.get("constructor"), row?.get("toString")]).toEqual([1, "x", undefined]);
    expect(inferColumns(row ? [row] : []).map(({ name }) => name)).toEqual(["__proto__", "constructor"]);
  });
});

describe("columns", () => {
  it("infers kinds from values", () => {
    expect(findCommonKind([null, 1, 2.5])).toBe("number");
    expect(findCommonKind(["9007199254740993"])).toBe("number");
    expect(findCommonKind(["8a283080c907fff"])).toBe("cell");
    expect(findCommonKind(["608692975718891519"])).toBe("cell");
    expect(findCommonKind(["2024-01-01T00:00:00", "2024-01-02"])).toBe("time");
    expect(findCommonKind([1, "a"])).toBe("text");
    expect(findCommonKind([null])).toBe("text");
    expect(findCommonKind([{ a: 1 }])).toBe("nested");
  });
  it("turns 64-bit integers into cells", () => {
    expect(parseCell("608692975718891519")).toBe("872830952ffffff");
    expect(parseCell("123456789012345678")).toBeNull();
    expect(parseCell("MISSION")).toBeNull();
    expect(parseCell(5)).toBeNull();
  });
  it("formats values", () => {
    expect(formatValue(null, "text")).toBe("null");
    expect(formatValue(2024, "year")).toBe("2024");
    expect(formatValue(1234567, "number")).toBe("1,234,567");
    expect(formatValue("2024-01-01T00:00:00", "time")).toBe("2024-01-01");
    expect(formatValue({ a: 1 }, "nested")).toBe('{"a":1}');
  });
});

describe("shapes", () => {
  const shape = (objects: object[]) => {
    const rows = objects.map(toRow);
    return findChartShape(inferColumns(rows), rows);
  };
  it("finds lines, bars and weeks", () => {
    expect(
      shape([
        { month: "2024-01-01T00:00:00", district: "A", count: 1 },
        { month: "2024-02-01T00:00:00", district: "A", count: 2 },
      ]),
    ).toEqual({ kind: "line", x: "month", y: "count", series: "district" });
    expect(
      shape([
        { category: "a", count: 1 },
        { category: null, count: 2 },
      ]),
    ).toEqual({ kind: "bars", x: "category", y: "count" });
    expect(
      shape([
        { day: "2024-02-01", count: 3 },
        { day: "2024-01-01", count: 2 },
      ]),
    ).toEqual({ kind: "bars", x: "day", y: "count" });
    expect(
      shape([
        { weekday: 1, hour: 0, count: 1 },
        { weekday: 1, hour: 1, count: 1 },
      ]),
    ).toEqual({ kind: "week", y: "count" });
    expect(
      shape([
        { resource: "a", year: 2023, count: 5 },
        { resource: "a", year: 2024, count: 6 },
      ]),
    ).toEqual({ kind: "line", x: "year", y: "count", series: "resource" });
  });
  it("finds no chart for unsuitable rows", () => {
    expect(shape([{ a: 1 }])).toBeNull();
    expect(
      shape([
        { cell: "8a283080c907fff", count: 1 },
        { cell: "8a283080c907fff", count: 1 },
      ]),
    ).toBeNull();
    expect(shape([{ a: "x" }, { a: "y" }])).toBeNull();
  });
});
