-- Compacted incidents; resources with batches above their watermark are merged separately.
SELECT resource, id, occurred_at, closed_at, category, subcategory, status, district, neighborhood,
  latitude, longitude, cell, updated_at, "year"
FROM stored.incidents
