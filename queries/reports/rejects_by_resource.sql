-- Open rejects of each resource.
SELECT resource, COUNT(*) AS rejects FROM rejects WHERE state = 'open' GROUP BY resource
