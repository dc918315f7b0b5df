-- By resource and year: the differences of all buckets between the stored counts and the stored incidents, without
-- their signs.
SELECT resource, "year", SUM(ABS(difference)) AS differences
FROM (
  SELECT resource, "year", SUM(n) AS difference
  FROM (
    SELECT resource, "year", occurred_at, cell, category, subcategory, district, neighborhood, "count" AS n
    FROM stored.counts
    UNION ALL
    SELECT resource, "year", date_trunc('hour', occurred_at) AS occurred_at, cell, category, subcategory, district,
      neighborhood, CAST(-1 AS BIGINT) AS n
    FROM stored.incidents
  )
  GROUP BY resource, "year", occurred_at, cell, category, subcategory, district, neighborhood
  HAVING SUM(n) <> 0
)
GROUP BY resource, "year"
ORDER BY resource, "year"
