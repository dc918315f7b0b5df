-- Which row of the portal gave each key that is asked for its current version.
SELECT _key, LAST_VALUE(_portal_id ORDER BY _batch, _row) AS _portal_id
FROM raw
WHERE _key IN (SELECT name FROM asked) AND NOT _deleted
GROUP BY _key
