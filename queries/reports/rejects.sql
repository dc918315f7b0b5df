-- Rejects with their reason and their text as published, the newest first.
SELECT resource, state, batch, identity, reason, original FROM rejects
WHERE {named} AND {state}
ORDER BY resource, batch DESC, identity
LIMIT {limit}
