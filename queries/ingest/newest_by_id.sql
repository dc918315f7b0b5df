-- The newest landed version, usable or not, of the requested portal rows.
SELECT _portal_id, MAX(_updated_at) AS newest
FROM raw
WHERE _portal_id IN (SELECT name FROM asked)
GROUP BY _portal_id
