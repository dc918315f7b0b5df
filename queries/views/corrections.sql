-- What batches above a watermark change in the incidents of {resource}: each stored incident whose key has landed again counts
-- -1, and each current version 1.
SELECT CAST(-1 AS BIGINT) AS "count", occurred_at, cell, category, subcategory, district, neighborhood, latitude, longitude
FROM stored.incidents AS i
WHERE resource = {resource} AND EXISTS (SELECT 1 FROM {changed} AS c WHERE c.id = i.id)
UNION ALL
SELECT CAST(1 AS BIGINT) AS "count", occurred_at, cell, category, subcategory, district, neighborhood, latitude, longitude
FROM {changed}
WHERE NOT deleted
