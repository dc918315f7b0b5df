-- title: Incidents by neighborhood
-- about: How many incidents each neighborhood had, of one category or all, and its share of the selected ones.
-- parameter: resource text = null  The resource; all by default
-- parameter: start_date date = null  The first day; the earliest by default
-- parameter: end_date date = null  The day after the last; no limit by default
-- parameter: category text = null  The category; all by default
-- column: neighborhood text  The neighborhood as published; null where none is
-- column: count integer  Incidents
-- column: percent number  Of all selected incidents
SELECT neighborhood, SUM("count") AS "count",
  ROUND(100.0 * SUM("count") / SUM(SUM("count")) OVER (), 2) AS percent
FROM counts
WHERE ($resource IS NULL OR resource = $resource)
  AND ($start_date IS NULL OR occurred_at >= $start_date)
  AND ($end_date IS NULL OR occurred_at < $end_date)
  AND ($category IS NULL OR category = $category)
GROUP BY neighborhood
HAVING SUM("count") <> 0
ORDER BY "count" DESC, neighborhood NULLS LAST
