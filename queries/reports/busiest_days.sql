-- title: Busiest days
-- about: The days with the most incidents.
-- parameter: resource text = null  The resource; all by default
-- parameter: start_date date = null  The first day; the earliest by default
-- parameter: end_date date = null  The day after the last; no limit by default
-- parameter: category text = null  The category; all by default
-- parameter: top integer = 20  The maximum number of rows
-- column: day date  The day
-- column: count integer  Incidents
SELECT CAST(occurred_at AS DATE) AS "day", SUM("count") AS "count"
FROM counts
WHERE ($resource IS NULL OR resource = $resource)
  AND ($start_date IS NULL OR occurred_at >= $start_date)
  AND ($end_date IS NULL OR occurred_at < $end_date)
  AND ($category IS NULL OR category = $category)
  AND occurred_at IS NOT NULL
GROUP BY CAST(occurred_at AS DATE)
HAVING SUM("count") <> 0
ORDER BY "count" DESC, "day"
LIMIT $top
