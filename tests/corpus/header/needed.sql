-- title: One that must be given

-- parameter: since date
SELECT $since
