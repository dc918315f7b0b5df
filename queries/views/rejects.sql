-- Every reject once, in its newest state: open, or closed by a later usable version of the row.
SELECT resource, identity, state, reason, original, batch, landed_at FROM (
  SELECT resource, identity, batch, landed_at, state,
    FIRST_VALUE(reason) IGNORE NULLS OVER (PARTITION BY resource, identity ORDER BY batch DESC, "row" DESC
      ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) AS reason,
    FIRST_VALUE(original) IGNORE NULLS OVER (PARTITION BY resource, identity ORDER BY batch DESC, "row" DESC
      ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) AS original,
    ROW_NUMBER() OVER (PARTITION BY resource, identity ORDER BY batch DESC, "row" DESC) AS newest
  FROM stored.rejects
) WHERE newest = 1
