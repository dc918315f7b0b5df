-- The rows of a raw file that stay when keys are forgotten (see forgotten.sql), in landing order.
SELECT *
FROM {raw}
WHERE NOT COALESCE(_key IN ({keys}), FALSE)
  AND NOT COALESCE(
    _key IS NULL AND (reject_identity(_portal_id, _extra) IN ({keys}) OR reject_identity(_portal_id, _extra) IN ({ids})), FALSE)
ORDER BY _batch, _row
