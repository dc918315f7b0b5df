-- title: Top categories
-- about: The most frequent categories, and their share of all selected incidents.
-- parameter: resource text = null  The resource; all by default
-- parameter: start_date date = null  The first day; the earliest by default
-- parameter: end_date date = null  The day after the last; no limit by default
-- parameter: top integer = 20  The maximum number of rows
-- column: category text  The category; null where none is published
-- column: count integer  Incidents
-- column: percent number  Of all selected incidents
SELECT category, SUM("count") AS "count",
  ROUND(100.0 * SUM("count") / SUM(SUM("count")) OVER (), 2) AS percent
FROM counts
WHERE ($resource IS NULL OR resource = $resource)
  AND ($start_date IS NULL OR occurred_at >= $start_date)
  AND ($end_date IS NULL OR occurred_at < $end_date)
GROUP BY category
HAVING SUM("count") <> 0
ORDER BY "count" DESC, category NULLS LAST
LIMIT $top
