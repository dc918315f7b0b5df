-- Counts while every batch is compacted: the stored ones.
SELECT resource, occurred_at, cell, category, subcategory, district, neighborhood, "count", "year" FROM stored.counts
