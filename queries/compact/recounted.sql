-- Partitions from scratch: the current version of every landed key, nothing else.
SELECT * FROM (
  SELECT id, occurred_at, closed_at, category, subcategory, status, district, neighborhood,
    latitude, longitude, cell, updated_at, {year} AS "year"
  FROM ({changed})
  WHERE NOT deleted
)
WHERE {years}
ORDER BY "year", occurred_at, cell, id
