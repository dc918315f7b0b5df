-- The portal row that gave each requested key its current version.
SELECT _key, LAST_VALUE(_portal_id ORDER BY _batch, _row) AS _portal_id
FROM raw
WHERE _key IN (SELECT name FROM asked) AND NOT _deleted
GROUP BY _key
