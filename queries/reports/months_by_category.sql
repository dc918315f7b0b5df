-- title: Incidents by month and category
-- about: How many incidents of each category there were in each month.
-- parameter: resource text = null  The resource; all by default
-- parameter: start_date date = null  The first day; the earliest by default
-- parameter: end_date date = null  The day after the last; no limit by default
-- column: month timestamp  The first instant of the month; null for the undated
-- column: category text  The category; null where none is published
-- column: count integer  Incidents
SELECT date_trunc('month', occurred_at) AS "month", category, SUM("count") AS "count"
FROM counts
WHERE ($resource IS NULL OR resource = $resource)
  AND ($start_date IS NULL OR occurred_at >= $start_date)
  AND ($end_date IS NULL OR occurred_at < $end_date)
GROUP BY date_trunc('month', occurred_at), category
HAVING SUM("count") <> 0
ORDER BY "month" NULLS LAST, category NULLS LAST
