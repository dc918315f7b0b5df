import { expect, test } from "vitest";
import { address, body, Problem, wire } from "./ask";

const corners = (n: number): string => {
  const ring = Array.from({ length: n }, (_, at) => [-122.4 + at / 1e4, 37.7 + at / 1e4]);
  return JSON.stringify({ type: "Polygon", coordinates: [[...ring, ring[0]]] });
};

test("a question is asked by its address, and posted where that is long", () => {
  const short = { path: "facets", params: [["facet", "category"]] as const };
  expect(wire(short)).toEqual({ path: "facets?facet=category", body: null });
  for (const path of ["aggregates", "facets", "incidents", "hotspots"]) {
    const polygon = corners(400);
    const { path: sent, body } = wire({ path, params: [["polygon", polygon] as const] });
    expect(sent).toBe(path);
    expect(JSON.parse(body ?? "")).toEqual({ polygon: JSON.parse(polygon) });
  }
});

test("no address is longer than proxies take: what cannot be posted is refused in words", () => {
  const values = (length: number) => ({ path: "queries/a", params: [["name", "x".repeat(length)] as const] });
  expect(wire(values(7_900)).path.length).toBeLessThan(8_000);
  expect(() => wire(values(8_000))).toThrow(Problem);
});

test("names that come more than once are an array, whatever they are called", () => {
  const params = [
    ["category", "__proto__"],
    ["category", "constructor"],
    ["__proto__", "a"],
    ["__proto__", "b"],
    ["toString", "c"],
  ] as const;
  const text = body(params);
  expect(text).toBe('{"category":["__proto__","constructor"],"__proto__":["a","b"],"toString":"c"}');
  expect(address({ path: "aggregates", params })).toContain("category=__proto__&category=constructor");
});
