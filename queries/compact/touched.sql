-- The years that the batches above the watermark touch: where rows are now, and where counts changed.
-- A row that left a bucket without leaving a signed count was replaced there by another, which is in `changed`.
SELECT DISTINCT "year" FROM (
  SELECT {year} AS "year" FROM changed WHERE NOT deleted
  UNION ALL
  SELECT {year} AS "year" FROM stored.fast_counts
  WHERE resource = {resource} AND batch > {above} AND batch <= {through}
)
ORDER BY "year"
