-- How many rows of each resource cannot be used and have had no usable version since.
SELECT resource, COUNT(*) AS rejects_open FROM rejects WHERE state = 'open' GROUP BY resource
