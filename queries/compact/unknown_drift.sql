-- What a recount finds, by year, where what the lake answered before can no longer be read.
SELECT "year", CAST(NULL AS BIGINT) AS answered, SUM("count") AS counted, CAST(NULL AS BIGINT) AS drift
FROM counted
GROUP BY "year"
ORDER BY "year"
