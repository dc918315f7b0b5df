-- Rows of ours.
SELECT {columns} FROM {table}
