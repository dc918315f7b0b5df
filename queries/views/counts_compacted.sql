SELECT resource, occurred_at, cell, category, subcategory, district, neighborhood, "count", "year" FROM stored.counts
