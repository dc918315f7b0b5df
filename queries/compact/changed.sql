-- The current version of every key that landed in the batches that are merged, deleted ones among them, in no order.
SELECT {incident}, _updated_at AS updated_at, _deleted AS deleted
FROM {raw}
WHERE {landed} AND is_current_version(_batch, _row)
