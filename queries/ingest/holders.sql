-- Which row of the portal gave each key its current version.
SELECT _key, LAST_VALUE(_portal_id ORDER BY _batch, _row) AS _portal_id
FROM raw
WHERE _key IN ({names}) AND NOT _deleted
GROUP BY _key
