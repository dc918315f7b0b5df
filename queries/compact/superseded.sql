-- The landed rows that a later version of their key supersedes. Order of versions is landing order: batch, then row
-- within the batch.
SELECT _batch, _row
FROM (
  SELECT _batch, _row, ROW_NUMBER() OVER (PARTITION BY _key ORDER BY _batch DESC, _row DESC) AS newest
  FROM {raw}
  WHERE {landed} AND key_may_recur(_key)
)
WHERE newest > 1
