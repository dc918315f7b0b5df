SELECT resource, SUM("count") AS incidents FROM counts GROUP BY resource
