-- Counts at the finest level: cell and hour, with every dimension that can be asked.
SELECT date_trunc('hour', occurred_at) AS occurred_at, cell, category, subcategory, district, neighborhood,
  COUNT(*) AS "count", "year"
FROM {incidents}
GROUP BY date_trunc('hour', occurred_at), cell, category, subcategory, district, neighborhood, "year"
ORDER BY "year", occurred_at, cell
