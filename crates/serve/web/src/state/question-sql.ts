/** Translates questions into SQL. */

import type { Question } from "../api/client";

const quoteLiteral = (text: string) => `'${text.replaceAll("'", "''")}'`;

/** The engine requires seconds. */
const formatTimestamp = (text: string) =>
  `TIMESTAMP ${quoteLiteral(text.replace("T", " ").replace(/ \d\d:\d\d$/, "$&:00"))}`;

/** Units of `date_trunc` by `time_precision`. */
const DATE_TRUNC_UNITS = new Map([
  ["1h", "hour"],
  ["24h", "day"],
  ["1w", "week"],
  ["1mo", "month"],
  ["1y", "year"],
]);

/** The mean radius of the Earth (IUGG). */
const EARTH_RADIUS_M = 6_371_008.8;

/** Returns the condition that a point is within a distance of another (haversine). */
function withinDistance(text: string): string {
  const [lat, lng, metres] = text.split(",").map(Number);
  const half = (angle: string) => `power(sin(radians(${angle}) / 2), 2)`;
  const square = `${half(`latitude - (${lat})`)} + cos(radians(${lat})) * cos(radians(latitude)) * ${half(`longitude - (${lng})`)}`;
  return `2 * ${EARTH_RADIUS_M} * asin(sqrt(least(1.0, ${square}))) <= ${metres}`;
}

/** Returns the condition that a label has one of these values; "" matches incidents without one. */
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
  const conditions: string[] = [];
  for (const label of ["resource", "category", "subcategory", "district", "neighborhood"]) {
    const [included, excluded] = [values.get(label), values.get(`${label}!`)];
    if (included) conditions.push(`(${matchesLabel(label, included)})`);
    // Incidents without a label are not excluded.
    if (excluded) conditions.push(`(${matchesLabel(label, excluded)}) IS NOT TRUE`);
  }
  const start = values.get("start_time")?.[0];
  const end = values.get("end_time")?.[0];
  if (start) conditions.push(`occurred_at >= ${formatTimestamp(start)}`);
  if (end) conditions.push(`occurred_at < ${formatTimestamp(end)}`);
  const dated = values.get("dated")?.[0];
  if (dated) conditions.push(`occurred_at IS ${dated === "true" ? "NOT " : ""}NULL`);
  const hours = values.get("hour");
  if (hours) conditions.push(`date_part('hour', occurred_at) IN (${hours.join(", ")})`);
  // Sunday is 0 in SQL and 7 in the API.
  const weekdays = values.get("weekday");
  if (weekdays)
    conditions.push(`date_part('dow', occurred_at) IN (${weekdays.map(day => Number(day) % 7).join(", ")})`);
  const located = values.get("located")?.[0];
  if (located) conditions.push(`cell IS ${located === "true" ? "NOT " : ""}NULL`);
  const cells = values.get("cell");
  if (cells) {
    const within = cells.map(cell => {
      const resolution = Number.parseInt(cell[1] ?? "0", 16);
      return `h3_cell_to_parent(cell, ${resolution}) = h3_string_to_h3(${quoteLiteral(cell)})`;
    });
    conditions.push(within.length > 1 ? `(${within.join("\n    OR ")})` : (within[0] ?? "true"));
  }
  const polygon = values.get("polygon")?.[0];
  // The bounding box lets the engine skip distant rows.
  for (const box of [values.get("bbox")?.[0]?.split(",").map(Number), polygonBounds(polygon)]) {
    if (box) conditions.push(...withinBox(box));
  }
  if (polygon) conditions.push(`point_in_polygon(latitude, longitude, ${quoteLiteral(polygon)})`);
  const circle = values.get("near")?.[0];
  if (circle) conditions.push(withinDistance(circle));
  return conditions;
}

/** Returns the conditions that a point is in a box, which may cross the antimeridian: west above east, or beyond 180. */
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

/** Returns a question in SQL; null if it has no equivalent, such as hot spots or a named query. */
export function toSql(question: Question): string | null {
  const one = (name: string) => question.params.find(([param]) => param === name)?.[1];
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

/** Returns the filters of a question as a SQL condition. */
export function toCondition(question: Question): string {
  return listConditions(question).join(" AND ") || "true";
}
