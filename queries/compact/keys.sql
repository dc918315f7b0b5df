-- The key of every landed row, as often as it landed.
SELECT _key FROM {raw} WHERE {landed}
