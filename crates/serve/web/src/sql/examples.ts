/** The example queries. The browser tests run each of them. */

export interface Example {
  title: string;
  sql: string;
}

export const EXAMPLES: readonly Example[] = [
  {
    title: "Hot cells on a map",
    sql: `-- H3 cells at resolution 8, about 0.7 km² each. The column "cell" is shown on a map.
SELECT h3_cell_to_parent(cell, 8) AS cell, SUM(count) AS count
FROM counts
WHERE cell IS NOT NULL
GROUP BY 1
HAVING SUM(count) > 0
ORDER BY count DESC`,
  },
  {
    title: "Distance from a point",
    sql: `-- The cells within eight steps of City Hall, and the distance of each in steps.
WITH around AS (
  SELECT unnest(h3_grid_disk(h3_latlng_to_cell(37.7793, -122.4193, 9), 8)) AS cell
)
SELECT around.cell, SUM(c.count) AS count, MIN(h3_grid_distance(around.cell, h3_latlng_to_cell(37.7793, -122.4193, 9))) AS ring
FROM around
JOIN (SELECT h3_cell_to_parent(cell, 9) AS cell, "count" FROM counts) AS c ON c.cell = around.cell
GROUP BY 1
ORDER BY count DESC`,
  },
  {
    title: "Hours of the week",
    sql: `-- Monday is 1. "counts" has a row per hour, cell and labels: sum "count" instead of counting rows.
SELECT (date_part('dow', occurred_at) + 6) % 7 + 1 AS weekday,
  date_part('hour', occurred_at) AS hour,
  SUM(count) AS count
FROM counts
WHERE occurred_at IS NOT NULL
GROUP BY 1, 2
ORDER BY 1, 2`,
  },
  {
    title: "Time to close",
    sql: `-- The median and the 90th percentile, in hours.
SELECT neighborhood, COUNT(*) AS closed,
  ROUND(percentile_cont(0.5) WITHIN GROUP (ORDER BY hours), 1) AS median_hours,
  ROUND(percentile_cont(0.9) WITHIN GROUP (ORDER BY hours), 1) AS p90_hours
FROM (
  SELECT neighborhood,
    CAST(CAST(closed_at AS BIGINT) - CAST(occurred_at AS BIGINT) AS DOUBLE) / 3600000000.0 AS hours
  FROM incidents
  WHERE closed_at >= occurred_at
)
GROUP BY neighborhood
ORDER BY closed DESC`,
  },
  {
    title: "Districts by month",
    sql: `SELECT date_trunc('month', occurred_at) AS month, upper(district) AS district, SUM(count) AS count
FROM counts
WHERE occurred_at IS NOT NULL AND district IS NOT NULL
GROUP BY 1, 2
ORDER BY 1, 2`,
  },
  {
    title: "Rejected rows",
    sql: `-- Rows without a usable key by reason, with an example as it was published.
SELECT resource, state, reason, COUNT(*) AS rows, MAX(landed_at) AS newest, MAX(original) AS for_example
FROM rejects
GROUP BY resource, state, reason
ORDER BY rows DESC`,
  },
  {
    title: "Batches",
    sql: `-- "raw" holds all landed versions of all rows as they were published, with their batch.
SELECT _batch AS batch, MIN(_landed_at) AS landed_at, COUNT(*) AS versions, COUNT(DISTINCT _key) AS keys,
  COUNT(*) FILTER (WHERE _deleted) AS deleted,
  COUNT(*) FILTER (WHERE _reject IS NOT NULL) AS rejected
FROM raw."311_cases"
GROUP BY _batch
ORDER BY _batch DESC`,
  },
];
