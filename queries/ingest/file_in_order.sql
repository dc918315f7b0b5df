-- Landed rows with all of their columns, in landing order.
SELECT * FROM raw ORDER BY _batch, _row
