-- title: Rejects by reason
-- about: Rows as published that could not be used, and have had no usable version since.
-- parameter: resource text = null  The resource; all by default
-- column: resource text  The resource
-- column: reason text  The reason
-- column: count integer  Rows
SELECT resource, reason, COUNT(*) AS "count"
FROM rejects
WHERE state = 'open' AND ($resource IS NULL OR resource = $resource)
GROUP BY resource, reason
ORDER BY resource, "count" DESC, reason
