-- Compacted counts and the signed counts of the batches above each watermark, netted.
SELECT resource, occurred_at, cell, category, subcategory, district, neighborhood, SUM(n) AS "count", "year"
FROM (
  SELECT resource, occurred_at, cell, category, subcategory, district, neighborhood, "count" AS n, "year"
  FROM stored.counts
  UNION ALL
  SELECT resource, occurred_at, cell, category, subcategory, district, neighborhood, "count" AS n,
    CAST(date_part('year', occurred_at) AS INT) AS "year"
  FROM stored.fast_counts
  WHERE {above}
)
GROUP BY resource, occurred_at, cell, category, subcategory, district, neighborhood, "year"
HAVING SUM(n) <> 0
