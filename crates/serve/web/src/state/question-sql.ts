/** The same question in SQL, for who goes on from here. */

import type { Question } from "../api/client";

const quoteLiteral = (text: string) => `'${text.replaceAll("'", "''")}'`;

/** The engine takes a time with its seconds. */
const formatTimestamp = (text: string) =>
  `TIMESTAMP ${quoteLiteral(text.replace("T", " ").replace(/ \d\d:\d\d$/, "$&:00"))}`;

/** How a bucket of time begins, by the name of its length. */
const DATE_TRUNC_UNITS = new Map([
  ["1h", "hour"],
  ["24h", "day"],
  ["1w", "week"],
  ["1mo", "month"],
  ["1y", "year"],
]);

/** The Earth's mean radius, metres (IUGG). */
const EARTH_RADIUS_M = 6_371_008.8;

/** Whether a point is within a distance of another: by great circle (haversine) on a sphere. */
function withinDistance(text: string): string {
  const [lat, lng, metres] = text.split(",").map(Number);
  const half = (angle: string) => `power(sin(radians(${angle}) / 2), 2)`;
  const square = `${half(`latitude - (${lat})`)} + cos(radians(${lat})) * cos(radians(latitude)) * ${half(`longitude - (${lng})`)}`;
  return `2 * ${EARTH_RADIUS_M} * asin(sqrt(least(1.0, ${square}))) <= ${metres}`;
}

/** Whether a label has one of these values; an empty one stands for none. */
function matchesLabel(label: string, values: readonly string[]): string {
  const named = values.filter(value => value !== "");
  return [
    ...(named.length > 0 ? [`${label} IN (${named.map(quoteLiteral).join(", ")})`] : []),
    ...(named.length < values.length ? [`${label} IS NULL`] : []),
  ].join(" OR ");
}

function listConditions(question: Question): string[] {
  const values = new Map<string, string[]>();
  for (const [name, value] of question.params) values.set(name, [...(values.get(name) ?? []), value]);
  const tests: string[] = [];
  for (const label of ["resource", "category", "subcategory", "district", "neighborhood"]) {
    const [wanted, unwanted] = [values.get(label), values.get(`${label}!`)];
    if (wanted) tests.push(`(${matchesLabel(label, wanted)})`);
    // What is not named stays, incidents without a label as well.
    if (unwanted) tests.push(`(${matchesLabel(label, unwanted)}) IS NOT TRUE`);
  }
  const start = values.get("start_time")?.[0];
  const end = values.get("end_time")?.[0];
  if (start) tests.push(`occurred_at >= ${formatTimestamp(start)}`);
  if (end) tests.push(`occurred_at < ${formatTimestamp(end)}`);
  const dated = values.get("dated")?.[0];
  if (dated) tests.push(`occurred_at IS ${dated === "true" ? "NOT " : ""}NULL`);
  const hours = values.get("hour");
  if (hours) tests.push(`date_part('hour', occurred_at) IN (${hours.join(", ")})`);
  // Sunday is 0 in SQL and 7 here.
  const weekdays = values.get("weekday");
  if (weekdays) tests.push(`date_part('dow', occurred_at) IN (${weekdays.map(day => Number(day) % 7).join(", ")})`);
  const located = values.get("located")?.[0];
  if (located) tests.push(`cell IS ${located === "true" ? "NOT " : ""}NULL`);
  const cells = values.get("cell");
  if (cells) {
    const within = cells.map(cell => {
      const resolution = Number.parseInt(cell[1] ?? "0", 16);
      return `h3_cell_to_parent(cell, ${resolution}) = h3_string_to_h3(${quoteLiteral(cell)})`;
    });
    tests.push(within.length > 1 ? `(${within.join("\n    OR ")})` : (within[0] ?? "true"));
  }
  const polygon = values.get("polygon")?.[0];
  // The box around a polygon keeps what is far from it from being read.
  for (const box of [values.get("bbox")?.[0]?.split(",").map(Number), polygonBounds(polygon)]) {
    if (box) tests.push(...withinBox(box));
  }
  if (polygon) tests.push(`point_in_polygon(latitude, longitude, ${quoteLiteral(polygon)})`);
  const circle = values.get("near")?.[0];
  if (circle) tests.push(withinDistance(circle));
  return tests;
}

/** Whether a point is in a box, whose longitudes may go across the 180th meridian: west above east, or beyond 180. */
function withinBox([west = -180, south = -90, east = 180, north = 90]: readonly number[]): string[] {
  const latitude = `latitude BETWEEN ${south} AND ${north}`;
  if (west < -180 || east > 180) return [latitude];
  if (west > east) return [`(longitude >= ${west} OR longitude <= ${east})`, latitude];
  return [`longitude BETWEEN ${west} AND ${east}`, latitude];
}

function polygonBounds(polygon: string | undefined): number[] | null {
  if (!polygon) return null;
  const ring: [number, number][] = JSON.parse(polygon).coordinates[0];
  const [lng, lat] = [ring.map(at => at[0]), ring.map(at => at[1])];
  return [Math.min(...lng), Math.min(...lat), Math.max(...lng), Math.max(...lat)];
}

function whereClause(question: Question): string {
  const all = listConditions(question);
  return all.length === 0 ? "" : `WHERE ${all.join("\n  AND ")}\n`;
}

/** A question in SQL; null where none says it: a statistic over neighbours, a named query. */
export function toSql(question: Question): string | null {
  const one = (name: string) => question.params.find(([given]) => given === name)?.[1];
  if (question.path === "sql") return one("query") ?? null;
  if (!["aggregates", "facets", "incidents"].includes(question.path)) return null;
  if (question.path === "incidents") {
    return `SELECT *\nFROM incidents\n${whereClause(question)}ORDER BY occurred_at DESC\nLIMIT ${one("limit") ?? 1000}`;
  }
  const dimensions = (one("group_by") ?? one("facet") ?? "").split(",").filter(name => name !== "");
  const values = new Map([
    ["cell", `h3_h3_to_string(h3_cell_to_parent(cell, ${one("geo_precision") ?? 9})) AS cell`],
    [
      "time",
      `date_trunc('${DATE_TRUNC_UNITS.get(one("time_precision") ?? "24h") ?? "day"}', occurred_at) AS occurred_at`,
    ],
    ["hour", "date_part('hour', occurred_at) AS hour"],
    ["weekday", "(date_part('dow', occurred_at) + 6) % 7 + 1 AS weekday"],
  ]);
  const columns = dimensions.map(name => values.get(name) ?? name);
  const grouped = dimensions.length === 0 ? "" : `GROUP BY ${dimensions.map((_, n) => n + 1).join(", ")}\n`;
  return `SELECT ${[...columns, "count(*) AS count"].join(", ")}\nFROM incidents\n${whereClause(question)}${grouped}ORDER BY count DESC`;
}

/** The tests of a question's filters as a condition in SQL. */
export function toCondition(question: Question): string {
  return listConditions(question).join(" AND ") || "true";
}
