-- title: Top categories
-- about: The most frequent categories, and their share of all incidents that were asked for.
-- parameter: resource text = null  Which resource; all if not given
-- parameter: start_date date = null  The first day; from the beginning if not given
-- parameter: end_date date = null  The day after the last; to the end if not given
-- parameter: top integer = 20  How many
-- column: category text  The category; null where none is published
-- column: count integer  Incidents
-- column: percent number  Of all that were asked for
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
