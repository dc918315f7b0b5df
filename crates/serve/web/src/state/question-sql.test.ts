import { expect, test } from "vitest";
import { toSql } from "./question-sql";

test("filters become SQL conditions with quotes and nulls", () => {
  const sql = toSql({
    path: "aggregates",
    params: [
      ["group_by", "cell,time"],
      ["geo_precision", "8"],
      ["time_precision", "1mo"],
      ["category", "Driver's licence"],
      ["category", ""],
      ["weekday", "7"],
      ["start_time", "2024-01-01"],
    ],
  });
  expect(sql).toContain("h3_cell_to_parent(cell, 8)");
  expect(sql).toContain("date_trunc('month', occurred_at)");
  expect(sql).toContain("(category IN ('Driver''s licence') OR category IS NULL)");
  expect(sql).toContain("date_part('dow', occurred_at) IN (0)");
  expect(sql).toContain("occurred_at >= TIMESTAMP '2024-01-01'");
  expect(sql).toContain("GROUP BY 1, 2");
});

test("statistics and named queries have no SQL", () => {
  expect(toSql({ path: "hotspots", params: [["category", "Noise"]] })).toBeNull();
  expect(toSql({ path: "queries/reports/months", params: [] })).toBeNull();
  expect(toSql({ path: "sql", params: [["query", "SELECT 1"]] })).toBe("SELECT 1");
});

test("a polygon is tested after bounding boxes", () => {
  const polygon = JSON.stringify({
    type: "Polygon",
    coordinates: [
      [
        [1, 2],
        [3, 2],
        [2, 5],
        [1, 2],
      ],
    ],
  });
  const sql = toSql({
    path: "aggregates",
    params: [
      ["group_by", ""],
      ["bbox", "0,1,2.5,4"],
      ["polygon", polygon],
    ],
  });
  expect(sql).toContain("longitude BETWEEN 0 AND 2.5");
  expect(sql).toContain("latitude BETWEEN 1 AND 4");
  expect(sql).toContain("longitude BETWEEN 1 AND 3");
  expect(sql).toContain("latitude BETWEEN 2 AND 5");
  expect(sql).toContain(`point_in_polygon(latitude, longitude, '${polygon}')`);
});

test("exclusions keep nulls, circles are great-circle distances", () => {
  const sql = toSql({
    path: "aggregates",
    params: [
      ["group_by", ""],
      ["category!", "Noise"],
      ["district!", "North"],
      ["district!", ""],
      ["near", "37.77,-122.42,500"],
    ],
  });
  expect(sql).toContain("(category IN ('Noise')) IS NOT TRUE");
  expect(sql).toContain("(district IN ('North') OR district IS NULL) IS NOT TRUE");
  expect(sql).toContain("radians(longitude - (-122.42))");
  expect(sql).toContain("<= 500");
});
