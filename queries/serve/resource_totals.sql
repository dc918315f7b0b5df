-- How many incidents each resource has, and how many of them lack a place or a time.
-- `counted` is compacted counts and the signed counts above each watermark, not netted.
SELECT resource,
  SUM("count") AS incidents,
  SUM(CASE WHEN cell IS NULL THEN "count" ELSE 0 END) AS unlocated,
  SUM(CASE WHEN occurred_at IS NULL THEN "count" ELSE 0 END) AS undated
FROM counted
GROUP BY resource
