-- The open rejects of a resource, as published: the portal counts them too.
SELECT original FROM rejects WHERE resource = {resource} AND state = 'open'
