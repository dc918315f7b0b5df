-- title: Hot cells
-- about: The H3 cells with the most incidents. As GeoJSON it is a map. Unlocated incidents are in no cell.
-- parameter: resource text = null  The resource; all by default
-- parameter: start_date date = null  The first day; the earliest by default
-- parameter: end_date date = null  The day after the last; no limit by default
-- parameter: category text = null  The category; all by default
-- parameter: resolution integer = 9  The H3 resolution, 0 to 10: 10 is some 130 metres wide, each before it 2.6 times as wide
-- parameter: top integer = 100  The maximum number of rows
-- column: cell integer  The cell; in JSON its hexadecimal text
-- column: count integer  Incidents
SELECT h3_cell_to_parent(cell, $resolution) AS cell, SUM("count") AS "count"
FROM counts
WHERE ($resource IS NULL OR resource = $resource)
  AND ($start_date IS NULL OR occurred_at >= $start_date)
  AND ($end_date IS NULL OR occurred_at < $end_date)
  AND ($category IS NULL OR category = $category)
  AND cell IS NOT NULL
GROUP BY h3_cell_to_parent(cell, $resolution)
HAVING SUM("count") <> 0
ORDER BY "count" DESC, cell
LIMIT $top
