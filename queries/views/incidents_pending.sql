-- A resource with batches above its watermark: what was compacted and has not changed, and what has.
SELECT resource, id, occurred_at, closed_at, category, subcategory, status, district, neighborhood,
  latitude, longitude, cell, updated_at, "year"
FROM stored.incidents AS i
WHERE resource = {resource} AND NOT EXISTS (SELECT 1 FROM {changed} AS c WHERE c.id = i.id)
UNION ALL
SELECT {resource} AS resource, id, occurred_at, closed_at, category, subcategory, status, district, neighborhood,
  latitude, longitude, cell, updated_at, {year} AS "year"
FROM {changed}
WHERE NOT deleted
