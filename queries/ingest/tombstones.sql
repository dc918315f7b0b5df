-- Tombstones of keys, in landing order.
SELECT _key, _batch, _row FROM raw WHERE _deleted AND _key IS NOT NULL ORDER BY _batch, _row
