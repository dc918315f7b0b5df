-- The open rejects of a resource, as published, in landing order.
SELECT identity, original FROM rejects WHERE resource = {resource} AND state = 'open' ORDER BY batch, identity
