-- How many of the rows of a raw file are to be forgotten: those that have one of the keys, and rejects that are known
-- by one of them, or that the portal published under the id of such a row.
SELECT COUNT(*) AS n
FROM {raw}
WHERE _key IN ({keys})
  OR (_reject IS NOT NULL AND (reject_identity(_portal_id, _extra) IN ({keys}) OR reject_identity(_portal_id, _extra) IN ({ids})))
