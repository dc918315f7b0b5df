-- Incidents of a resource by month of occurrence and category, as the lake answers.
SELECT arrow_cast(date_trunc('month', occurred_at), 'Timestamp(Microsecond, None)') AS "month", category,
  SUM("count") AS n
FROM counts
WHERE resource = {resource} AND {window}
GROUP BY date_trunc('month', occurred_at), category
