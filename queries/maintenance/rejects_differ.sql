-- How many rows are in only one of: the stored rejects of a resource, and those that its raw rows make (`made`).
SELECT COUNT(*) AS n FROM (
  SELECT SUM(side) AS sides
  FROM (
    SELECT batch, "row", identity, state, reason, original, 1 AS side FROM made
    UNION ALL
    SELECT batch, "row", identity, state, reason, original, -1 AS side
    FROM stored.rejects
    WHERE resource = {resource} AND batch <= {through}
  )
  GROUP BY batch, "row", identity, state, reason, original
  HAVING SUM(side) <> 0
)
