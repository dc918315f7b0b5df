-- title: Year over year
-- about: How many incidents each resource had in each year, and how that compares with the year before. A year without
-- about: any has no row, and nothing is compared with it. Undated incidents are omitted.
-- parameter: resource text = null  The resource; all by default
-- parameter: category text = null  The category; all by default
-- column: resource text  The resource
-- column: year integer  The year
-- column: count integer  Incidents
-- column: change integer  More than in the year before; null where that had none
-- column: change_percent number  The same in percent
SELECT resource, "year", "count", "count" - before AS change,
  ROUND(100.0 * ("count" - before) / before, 2) AS change_percent
FROM (
  SELECT resource, "year", "count",
    CASE WHEN LAG("year") OVER (PARTITION BY resource ORDER BY "year") = "year" - 1
      THEN LAG("count") OVER (PARTITION BY resource ORDER BY "year") END AS before
  FROM (
    SELECT resource, "year", SUM("count") AS "count"
    FROM counts
    WHERE ($resource IS NULL OR resource = $resource)
      AND ($category IS NULL OR category = $category)
      AND "year" IS NOT NULL
    GROUP BY resource, "year"
    HAVING SUM("count") <> 0
  )
)
ORDER BY resource, "year"
