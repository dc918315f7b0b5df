-- Every stored boundary: the outline of a neighborhood or a district, as GeoJSON.
SELECT resource, city, dimension, label, name, geometry, west, south, east, north, _landed_at AS landed_at
FROM stored.boundaries
