SELECT resource, batch, "row", landed_at, portal_id, reason, original FROM stored.rejects
