-- The rejects of a resource as its raw rows up to batch {through} make them: an open one for each row that could not
-- be used, a closed one for the first usable version of such a row after it.
SELECT batch, "row", landed_at, identity, state, reason, original FROM (
  SELECT batch, "row", landed_at, identity, reason, original,
    CASE
      WHEN rejected THEN 'open'
      WHEN LAG(rejected) OVER (PARTITION BY identity ORDER BY batch, "row") THEN 'closed'
    END AS state
  FROM (
    SELECT _batch AS batch, _row AS "row", _landed_at AS landed_at, reject_identity(_portal_id, _extra) AS identity,
      TRUE AS rejected, _reject AS reason, _extra AS original
    FROM {raw}
    WHERE _batch <= {through} AND _reject IS NOT NULL
    UNION ALL
    SELECT _batch AS batch, _row AS "row", _landed_at AS landed_at, _portal_id AS identity,
      FALSE AS rejected, CAST(NULL AS VARCHAR) AS reason, CAST(NULL AS VARCHAR) AS original
    FROM {raw}
    WHERE _batch <= {through} AND _reject IS NULL
      AND _portal_id IN (
        SELECT reject_identity(_portal_id, _extra) FROM {raw} WHERE _reject IS NOT NULL AND _batch <= {through})
  )
)
WHERE state IS NOT NULL
ORDER BY batch, "row"
