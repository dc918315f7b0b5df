-- Partitions from scratch: the current version of every landed key, nothing else, in no order.
SELECT id, occurred_at, closed_at, category, subcategory, status, district, neighborhood,
  latitude, longitude, cell, updated_at
FROM (
  SELECT *, {year} AS "year"
  FROM (
    SELECT {incident}, _updated_at AS updated_at, _deleted AS deleted
    FROM {raw}
    WHERE {landed} AND is_current_version(_batch, _row)
  )
)
WHERE NOT deleted AND ({years})
