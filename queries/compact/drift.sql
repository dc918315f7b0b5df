-- What the lake answered and what the recount finds, by year: drift is the sum of the differences of all buckets.
SELECT "year", SUM(answered) AS answered, SUM(counted) AS counted, SUM(ABS(answered - counted)) AS drift
FROM (
  SELECT "year", SUM(a) AS answered, SUM(c) AS counted
  FROM (
    SELECT "year", occurred_at, cell, category, subcategory, district, neighborhood,
      "count" AS a, CAST(0 AS BIGINT) AS c
    FROM ({answered})
    UNION ALL
    SELECT "year", occurred_at, cell, category, subcategory, district, neighborhood,
      CAST(0 AS BIGINT) AS a, "count" AS c
    FROM counted
    WHERE {years}
  )
  GROUP BY "year", occurred_at, cell, category, subcategory, district, neighborhood
)
GROUP BY "year"
ORDER BY "year"
