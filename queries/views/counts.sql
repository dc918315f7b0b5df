-- Compacted counts and the signed counts of the batches above each watermark, netted.
SELECT resource, occurred_at, cell, category, subcategory, district, neighborhood, SUM("count") AS "count", "year"
FROM pending."signed counts"
GROUP BY resource, occurred_at, cell, category, subcategory, district, neighborhood, "year"
HAVING SUM("count") <> 0
