-- What the lake answered before, in no order and not summed: its compacted counts, and the signed counts of later batches.
SELECT "year", occurred_at, cell, category, subcategory, district, neighborhood, "count"
FROM stored.counts
WHERE resource = {resource} AND ({years})
UNION ALL
SELECT "year", occurred_at, cell, category, subcategory, district, neighborhood, "count"
FROM ({signed})
WHERE {years}
