-- The touched partitions as they become: what stays of them, and what changed into them.
SELECT id, occurred_at, closed_at, category, subcategory, status, district, neighborhood,
  latitude, longitude, cell, updated_at, "year"
FROM (
  SELECT id, occurred_at, closed_at, category, subcategory, status, district, neighborhood,
    latitude, longitude, cell, updated_at, "year"
  FROM stored.incidents AS i
  WHERE resource = {resource} AND ({years}) AND NOT EXISTS (SELECT 1 FROM changed AS c WHERE c.id = i.id)
  UNION ALL
  SELECT id, occurred_at, closed_at, category, subcategory, status, district, neighborhood,
    latitude, longitude, cell, updated_at, {year} AS "year"
  FROM changed
  WHERE NOT deleted
)
ORDER BY "year", occurred_at, cell, id
