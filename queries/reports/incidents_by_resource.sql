-- Incidents of each resource, as the lake answers now.
SELECT resource, SUM("count") AS incidents FROM counts GROUP BY resource
