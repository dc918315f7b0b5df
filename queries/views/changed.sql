-- The current version of every key that landed in the batches above {above}, up to {through}.
-- Order of versions is landing order: batch, then row within the batch.
SELECT * FROM (
  SELECT
    {incident},
    _updated_at AS updated_at,
    _deleted AS deleted,
    ROW_NUMBER() OVER (PARTITION BY _key ORDER BY _batch DESC, _row DESC) AS newest
  FROM {raw}
  WHERE _batch > {above} AND _batch <= {through} AND _reject IS NULL AND _key IS NOT NULL
) WHERE newest = 1
