-- The newest version, usable or not, in which rows of the portal have landed.
SELECT _portal_id, MAX(_updated_at) AS newest
FROM raw
WHERE _portal_id IN ({names})
GROUP BY _portal_id
