-- Under which ids the portal published the rows of some keys: rejects of theirs are known by them.
SELECT DISTINCT _portal_id FROM {raw} WHERE _key IN ({keys}) AND _portal_id IS NOT NULL
