-- What landed in the batches above {above} up to {through}, in landing order, as landing sees it.
SELECT
  {incident},
  {added},
  CASE WHEN _reject IS NOT NULL THEN _extra END AS _extra
FROM raw
WHERE _batch > {above} AND _batch <= {through}
ORDER BY _batch, _row
