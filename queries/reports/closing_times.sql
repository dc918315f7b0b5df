-- title: Time to close, by category
-- about: How long closed incidents were open: the median and the time within which nine in ten were closed. Those that
-- about: are open, or were closed before they occurred, are left out.
-- parameter: resource text = null  The resource; all by default
-- parameter: start_date date = null  The first day; the earliest by default
-- parameter: end_date date = null  The day after the last; no limit by default
-- column: category text  The category; null where none is published
-- column: closed integer  Incidents that were closed
-- column: median_hours number  Half of them took no longer
-- column: p90_hours number  Nine in ten took no longer
SELECT category, COUNT(*) AS closed,
  ROUND(percentile_cont(0.5) WITHIN GROUP (ORDER BY hours), 2) AS median_hours,
  ROUND(percentile_cont(0.9) WITHIN GROUP (ORDER BY hours), 2) AS p90_hours
FROM (
  SELECT category,
    CAST(CAST(closed_at AS BIGINT) - CAST(occurred_at AS BIGINT) AS DOUBLE) / 3600000000.0 AS hours
  FROM incidents
  WHERE ($resource IS NULL OR resource = $resource)
    AND ($start_date IS NULL OR occurred_at >= $start_date)
    AND ($end_date IS NULL OR occurred_at < $end_date)
    AND closed_at >= occurred_at
)
GROUP BY category
ORDER BY closed DESC, category NULLS LAST
