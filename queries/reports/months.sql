-- title: Incidents by month
-- about: How many incidents each resource had in each month. Undated incidents have no month, and no day selects them.
-- parameter: resource text = null  The resource; all by default
-- parameter: start_date date = null  The first day; the earliest by default
-- parameter: end_date date = null  The day after the last; no limit by default
-- column: resource text  The resource
-- column: month timestamp  The first instant of the month; null for the undated
-- column: count integer  Incidents
SELECT resource, date_trunc('month', occurred_at) AS "month", SUM("count") AS "count"
FROM counts
WHERE ($resource IS NULL OR resource = $resource)
  AND ($start_date IS NULL OR occurred_at >= $start_date)
  AND ($end_date IS NULL OR occurred_at < $end_date)
GROUP BY resource, date_trunc('month', occurred_at)
HAVING SUM("count") <> 0
ORDER BY resource, "month" NULLS LAST
