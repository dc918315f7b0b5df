-- title: Incidents by weekday and hour
-- about: When in the week incidents occur: up to 168 rows, by the city's own clock. Undated incidents have no hour.
-- parameter: resource text = null  The resource; all by default
-- parameter: start_date date = null  The first day; the earliest by default
-- parameter: end_date date = null  The day after the last; no limit by default
-- parameter: category text = null  The category; all by default
-- column: weekday integer  1 for Monday to 7 for Sunday
-- column: hour integer  0 to 23
-- column: count integer  Incidents
SELECT (date_part('dow', occurred_at) + 6) % 7 + 1 AS weekday, date_part('hour', occurred_at) AS "hour",
  SUM("count") AS "count"
FROM counts
WHERE ($resource IS NULL OR resource = $resource)
  AND ($start_date IS NULL OR occurred_at >= $start_date)
  AND ($end_date IS NULL OR occurred_at < $end_date)
  AND ($category IS NULL OR category = $category)
  AND occurred_at IS NOT NULL
GROUP BY (date_part('dow', occurred_at) + 6) % 7 + 1, date_part('hour', occurred_at)
HAVING SUM("count") <> 0
ORDER BY weekday, "hour"
