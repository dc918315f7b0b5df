-- How many of the rows of a raw file are to be forgotten: those that have one of the keys, and rejects, and what
-- closed them, that are known by one of them, or that the portal published under the id of such a row.
SELECT COUNT(*) AS n
FROM {raw}
WHERE _key IN ({keys})
  OR (_key IS NULL AND (reject_identity(_portal_id, _extra) IN ({keys}) OR reject_identity(_portal_id, _extra) IN ({ids})))
