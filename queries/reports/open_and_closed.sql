-- title: Open and closed, by category
-- about: How many incidents of each category are closed, and how many are not. A resource that publishes no time of
-- about: closing has none closed.
-- parameter: resource text = null  The resource; all by default
-- parameter: start_date date = null  The first day; the earliest by default
-- parameter: end_date date = null  The day after the last; no limit by default
-- column: category text  The category; null where none is published
-- column: open integer  Without a time of closing
-- column: closed integer  With a time of closing
-- column: closed_percent number  Of all incidents of the category
SELECT category, COUNT(*) - COUNT(closed_at) AS "open", COUNT(closed_at) AS closed,
  ROUND(100.0 * COUNT(closed_at) / COUNT(*), 2) AS closed_percent
FROM incidents
WHERE ($resource IS NULL OR resource = $resource)
  AND ($start_date IS NULL OR occurred_at >= $start_date)
  AND ($end_date IS NULL OR occurred_at < $end_date)
GROUP BY category
ORDER BY "open" DESC, category NULLS LAST
