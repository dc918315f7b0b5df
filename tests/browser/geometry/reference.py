"""What is drawn and tested by geometry, held against Python's h3 and shapely. Nothing here is shared with the program.

Arguments: the mode, the server's address, the file of rows, the seed. Prints one line a fault; an empty output is a pass.
"""
import json
import math
import random
import sys
import urllib.parse
import urllib.request

import h3
from shapely import wkt
from shapely.affinity import translate
from shapely.geometry import MultiPolygon, Point, Polygon, box, shape

MODE, BASE, ROWS, SEED = sys.argv[1:5]
POINTS = [(float(row["lat"]), float(row["lon"])) for row in json.load(open(ROWS, encoding="utf-8"))]
RANDOM = random.Random(int(SEED))
EXTENT, MARGIN, DEEPEST = 4096, 64, 24
FAULTS = []


def expect(good, told):
    if not good:
        FAULTS.append(told)


def get(path, parameters=()):
    query = urllib.parse.urlencode(list(parameters))
    with urllib.request.urlopen(f"{BASE}{path}{'?' if query else ''}{query}") as answer:
        return answer.read()


def sql(query):
    body = json.dumps({"query": query, "format": "json"}).encode()
    request = urllib.request.Request(f"{BASE}/sql", body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request) as answer:
        return json.loads(answer.read())


# ---------------------------------------------------------------- cells

def corners(cell):
    """The corners of a cell, longitude first, each less than 180 degrees from the one before; a band where it holds a pole."""
    ring = [(lng, lat) for lat, lng in h3.cell_to_boundary(cell)]
    steps = [((b[0] - a[0] + 180) % 360) - 180 for a, b in zip(ring, ring[1:] + ring[:1])]
    x, unwrapped = ring[0][0], []
    for (_, lat), step in zip(ring, steps):
        unwrapped.append((x, lat))
        x += step
    turn = round(sum(steps) / 360)
    if turn == 0:
        return unwrapped
    return unwrapped + [(x, ring[0][1]), (x, 90.0 * turn), (ring[0][0], 90.0 * turn)]


def turned(geometry):
    """The geometry, and the same once round the world either way."""
    return [translate(geometry, by) for by in (-360, 0, 360)]


def folded(geometry):
    """The parts between -180 and 180 degrees; parts beyond are shifted by 360."""
    world, parts = box(-180, -90, 180, 90), Polygon()
    for one in turned(geometry):
        parts = parts.union(one.intersection(world))
    return parts


# ---------------------------------------------------------------- vector tiles

def fields(data):
    at = 0

    def number():
        nonlocal at
        shift = value = 0
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    while at < len(data):
        key = number()
        if key & 7 == 0:
            yield key >> 3, number()
        else:
            assert key & 7 == 2, "a wire type that tiles of counts do not have"
            length = number()
            yield key >> 3, data[at:at + length]
            at += length


def packed(data):
    out, value, shift = [], 0, 0
    for byte in data:
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            out.append(value)
            value = shift = 0
    return out


def signed(number):
    return (number >> 1) ^ -(number & 1)


def rings(numbers, told):
    """The rings of a polygon, each checked by the rules of the specification, 4.3.4.4."""
    found, at, x, y = [], 0, 0, 0
    while at < len(numbers):
        ring = []
        for command, least in ((1, 1), (2, 2)):
            expect(numbers[at] & 7 == command, f"{told}: a command {numbers[at] & 7} in place of {command}")
            count = numbers[at] >> 3
            expect(count == 1 if command == 1 else count >= least, f"{told}: command {command} with {count} positions")
            at += 1
            for _ in range(count):
                x, y, at = x + signed(numbers[at]), y + signed(numbers[at + 1]), at + 2
                ring.append((x, y))
        expect(numbers[at] == 15, f"{told}: a ring is not closed")
        at += 1
        found.append(ring)
    return found


def features(tile):
    for number, layer in fields(tile):
        assert number == 3
        parts = list(fields(layer))
        keys = [value.decode() for name, value in parts if name == 3]
        values = [next(fields(value)) for name, value in parts if name == 4]
        values = [value.decode() if kind == 1 else signed(value) if kind == 6 else value for kind, value in values]
        assert next(value for name, value in parts if name == 5) == EXTENT
        for name, value in parts:
            if name == 2:
                own = dict(fields(value))
                tags = packed(own[2])
                members = {keys[tags[n]]: values[tags[n + 1]] for n in range(0, len(tags), 2)}
                yield own[1], members, own[4], own[3]


def check_tile(zoom, x, y, resolution):
    told = f"tile {zoom}/{x}/{y} of resolution {resolution}"
    wanted = {}
    for lat, lng in POINTS:
        # A coarse cell is the parent of the finest one.
        cell = h3.cell_to_parent(h3.latlng_to_cell(lat, lng, 10), resolution)
        wanted[cell] = wanted.get(cell, 0) + 1
    scale = 2.0 ** zoom

    def project(lng, lat):
        across, down = (lng + 180) / 360, 0.5 - math.asinh(math.tan(math.radians(lat))) / (2 * math.pi)
        return (across * scale - x) * EXTENT, (down * scale - y) * EXTENT

    tile = box(0, 0, EXTENT, EXTENT)
    room = box(-MARGIN, -MARGIN, EXTENT + MARGIN, EXTENT + MARGIN)
    right = {}
    for cell in wanted:
        drawn = Polygon()
        for by in (-360, 0, 360):
            drawn = drawn.union(Polygon([project(lng + by, lat) for lng, lat in corners(cell)]).intersection(room))
        if drawn.area > 0:
            right[cell] = drawn
    answer = get(f"/tiles/{zoom}/{x}/{y}.mvt", [("geo_precision", resolution)])
    seen, ids = set(), set()
    for number, members, numbers, kind in features(answer):
        cell = members["cell"]
        own = f"{told}, cell {cell}"
        expect(kind == 3 and cell not in seen, f"{own}: not a polygon, or twice")
        seen.add(cell)
        expect(members["count"] == wanted.get(cell), f"{own}: {members['count']}, not {wanted.get(cell)}")
        expect(number == int(cell, 16) >> 15 and number not in ids, f"{own}: the id is {number}")
        ids.add(number)
        parts = [Polygon(ring) for ring in rings(packed(numbers), own)]
        expect(parts and all(part.is_valid and part.area > 0 for part in parts), f"{own}: a ring that is not simple")
        expect(all(not part.exterior.is_ccw == (signed_area(part) < 0) and signed_area(part) > 0 for part in parts),
               f"{own}: an exterior ring turns the wrong way")
        low, high = -MARGIN, EXTENT + MARGIN + 1
        expect(all(low <= value <= high for part in parts for corner in part.exterior.coords for value in corner),
               f"{own}: a corner is beyond the margin")
        expect(all(a.intersection(b).area == 0 for n, a in enumerate(parts) for b in parts[n + 1:]),
               f"{own}: parts overlap")
        if cell not in right:
            expect(False, f"{own}: it does not reach this tile")
            continue
        shown = MultiPolygon(parts).buffer(0).intersection(tile)
        wrong = shown.symmetric_difference(right[cell].intersection(tile)).area / tile.area
        expect(wrong < 0.005, f"{own}: {wrong:.2%} of the tile is drawn wrong")
    # A cell that only just reaches the margin may be left out by rounding.
    missing = {cell for cell in set(right) - seen if right[cell].intersection(tile).area > 1e-6}
    expect(not missing, f"{told}: without {sorted(missing)}")


def signed_area(polygon):
    ring = list(polygon.exterior.coords)
    return sum(a[0] * b[1] - b[0] * a[1] for a, b in zip(ring, ring[1:])) / 2


def tiles():
    def tile_of(lat, lng, zoom):
        n = 2 ** zoom
        sine = math.sin(math.radians(max(-85.05, min(85.05, lat))))
        down = 0.5 - math.log((1 + sine) / (1 - sine)) / (4 * math.pi)
        return min(n - 1, int((lng + 180) / 360 * n)), min(n - 1, max(0, int(down * n)))

    for zoom in range(DEEPEST + 1):
        for resolution in RANDOM.sample(range(11), 4):
            lat, lng = RANDOM.choice(POINTS)
            # A place on an edge of the cell, where a part of the tile is outside.
            ring = corners(h3.cell_to_parent(h3.latlng_to_cell(lat, lng, 10), resolution))
            (x0, y0), (x1, y1) = RANDOM.choice(list(zip(ring, ring[1:] + ring[:1])))
            part = RANDOM.random()
            on_edge = (y0 + (y1 - y0) * part, (x0 + (x1 - x0) * part + 180) % 360 - 180)
            for place in ((lat, lng), on_edge):
                check_tile(zoom, *tile_of(*place, zoom), resolution)


# ---------------------------------------------------------------- outlines

def outlines():
    places = [(RANDOM.uniform(-85, 85), RANDOM.choice((-180, 180, 179.99, -179.97, RANDOM.uniform(-180, 180)))) for _ in range(60)]
    places += [(90, 0), (-90, 0), (89.9, 179), (-89.6, -12), (64.7, 10.5)]
    cells = sorted({h3.latlng_to_cell(lat, lng, RANDOM.randrange(11)) for lat, lng in places for _ in range(3)})
    cells += [h3.latlng_to_cell(lat, 0, resolution) for lat in (90, -90) for resolution in (0, 1, 2, 5, 10)]
    listed = ", ".join(f"('{cell}')" for cell in dict.fromkeys(cells))
    rows = sql(f"SELECT h AS hex, h3_cell_to_boundary_wkt(h3_string_to_h3(h)) AS w FROM (VALUES {listed}) AS c(h)")
    answers = [(row["hex"], wkt.loads(row["w"])) for row in rows]
    body = json.dumps({"query": f"SELECT h3_string_to_h3(h) AS cell FROM (VALUES {listed}) AS c(h)", "format": "geojson"})
    request = urllib.request.Request(f"{BASE}/sql", body.encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request) as answer:
        collection = json.loads(answer.read())
    answers += [(feature["properties"]["cell"], shape(feature["geometry"])) for feature in collection["features"]]
    expect(len(answers) == 2 * len(set(cells)), f"{len(answers)} outlines of {len(set(cells))} cells")
    for cell, outline in answers:
        right = folded(Polygon(corners(cell)))
        told = f"cell {cell}, {outline.geom_type}"
        expect(outline.is_valid, f"{told}: it is not valid")
        west, south, east, north = outline.bounds
        expect(-180 <= west and east <= 180 and -90 <= south and north <= 90, f"{told}: it reaches {outline.bounds}")
        wrong = outline.symmetric_difference(right).area
        expect(wrong < 1e-6 * max(right.area, 1e-3), f"{told}: {wrong} of {right.area} square degrees are wrong")
        lat, lng = h3.cell_to_latlng(cell)
        expect(any(one.buffer(1e-9).covers(Point(lng, lat)) for one in turned(outline)), f"{told}: its centre is outside")
        for part in getattr(outline, "geoms", [outline]):
            expect(part.exterior.is_ccw, f"{told}: a part turns the wrong way")


# ---------------------------------------------------------------- places asked for

def count(**asked):
    rows = json.loads(get("/aggregates", [("group_by", "resource"), *asked.items()]))
    return sum(row["count"] for row in rows)


def metres(a, b):
    (lat0, lng0), (lat1, lng1) = [(math.radians(lat), math.radians(lng)) for lat, lng in (a, b)]
    h = math.sin((lat1 - lat0) / 2) ** 2 + math.cos(lat0) * math.cos(lat1) * math.sin((lng1 - lng0) / 2) ** 2
    return 2 * 6_371_008.8 * math.asin(min(1.0, math.sqrt(h)))


def places():
    for _ in range(40):
        lat, lng = RANDOM.choice(POINTS)
        width, height = 10 ** RANDOM.uniform(-2, 2), 10 ** RANDOM.uniform(-2, 1)
        west, east = lng - width * RANDOM.random(), lng + width * RANDOM.random()
        south, north = max(-90.0, lat - height), min(90.0, lat + height)
        # A box that continues beyond the meridian, written as in RFC 7946.
        beyond = box(west, south, east, north)
        wrapped = [(value + 180) % 360 - 180 for value in (west, east)]
        if 1e-6 < east - west < 359:
            got = count(bbox=f"{wrapped[0]},{south},{wrapped[1]},{north}")
            right = sum(any(one.covers(Point(lng, lat)) for one in turned(beyond)) for lat, lng in POINTS)
            expect(got == right, f"bbox {wrapped[0]},{south},{wrapped[1]},{north}: {got}, not {right}")
        reach = 10 ** RANDOM.uniform(1, 7)
        centre = (lat, RANDOM.choice((180, -180)) if abs(lng) > 179 else lng)
        got = count(near=f"{centre[0]},{centre[1]},{reach}")
        right = sum(metres(centre, point) <= reach for point in POINTS)
        expect(got == right, f"near {centre}, {reach}: {got}, not {right}")
        # A concave polygon whose longitudes continue beyond the meridian; and the same cut in two.
        shape_of = Polygon([(lng + width * math.cos(a) * r, max(-90, min(90, lat + height * math.sin(a) * r)))
                            for a, r in ((n * math.pi / 6, 0.4 if n % 2 else 1) for n in range(12))])
        if not shape_of.is_valid or abs(lng) + width > 360:
            continue
        right = sum(any(one.covers(Point(lng, lat)) for one in turned(shape_of)) for lat, lng in POINTS)
        for geometry in (shape_of, folded(shape_of)):
            text = json.dumps(geometry.__geo_interface__)
            if geometry.geom_type in ("Polygon", "MultiPolygon"):
                got = count(polygon=text)
                expect(got == right, f"polygon {text[:200]}: {got}, not {right}")


{"tiles": tiles, "outlines": outlines, "places": places}[MODE]()
print("\n".join(FAULTS[:20]))
