-- title: Rejects by reason
-- about: Rows as published that could not be used, and have had no usable version since.
-- parameter: resource text = null  Which resource; all if not given
-- column: resource text  The resource
-- column: reason text  Why
-- column: count integer  Rows
SELECT resource, reason, COUNT(*) AS "count"
FROM rejects
WHERE state = 'open' AND ($resource IS NULL OR resource = $resource)
GROUP BY resource, reason
ORDER BY resource, "count" DESC, reason
