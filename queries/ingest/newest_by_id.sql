-- The newest version, usable or not, in which the rows of the portal that are asked for have landed.
SELECT _portal_id, MAX(_updated_at) AS newest
FROM raw
WHERE _portal_id IN (SELECT name FROM asked)
GROUP BY _portal_id
