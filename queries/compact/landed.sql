-- The condition of a usable row of a raw table that landed in the batches above {above}, up to {through}.
_batch > {above} AND _batch <= {through} AND _reject IS NULL AND _key IS NOT NULL
