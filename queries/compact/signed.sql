-- The signed counts of the batches above {above}, up to {through}, with their years.
SELECT {year} AS "year", occurred_at, cell, category, subcategory, district, neighborhood, "count"
FROM stored.fast_counts
WHERE resource = {resource} AND batch > {above} AND batch <= {through}
