"""The statistics of /hotspots by the field's own libraries, of counts that /aggregates answers.

Gi* by esda over weights of libpysal, neighbours by h3, adjusted p by scipy, the trend by pymannkendall. Takes the
address of a server and questions as JSON; says the rows of each as JSON, in no order.
"""

import json
import sys
import urllib.parse
import urllib.request
import warnings

import h3
import libpysal
import numpy
import pymannkendall
import scipy.stats
from esda.getisord import G_Local

# Cells without a neighbour are meant to be there.
warnings.filterwarnings("ignore")


def aggregates(server, filters, **more):
    query = urllib.parse.urlencode(filters + list(more.items()))
    with urllib.request.urlopen(f"{server}/aggregates?{query}") as answer:
        return json.load(answer)


def month(text):
    year, month = text.split("-")[:2]
    return int(year) * 12 + int(month) - 1


def whole_months(filters, counted):
    """The first whole month of the window, and the first that is not one any more."""
    given = dict(filters)
    first = min(counted) + 1 if "start_time" not in given else month(given["start_time"])
    if "start_time" in given and not given["start_time"].endswith("-01"):
        first += 1
    return first, max(counted) if "end_time" not in given else month(given["end_time"])


def rows(server, question):
    filters = [tuple(pair) for pair in question["filters"]]
    of_place = ("resource", "district", "neighborhood", "bbox", "near", "polygon", "cell")
    places = [pair for pair in filters if pair[0].removesuffix("!") in of_place]
    resolution, rings = question["geo_precision"], question["neighbors"]
    by_cell = {"geo_precision": resolution, "group_by": "cell", "located": "true"}
    area = sorted(row["cell"] for row in aggregates(server, places, **by_cell))
    counted = {row["cell"]: row["count"] for row in aggregates(server, filters, **by_cell)}
    counts = numpy.array([counted.get(cell, 0) for cell in area], dtype=float)
    there = set(area)
    disks = {cell: [near for near in h3.grid_disk(cell, rings) if near in there] for cell in area}
    others = {cell: [near for near in disk if near != cell] for cell, disk in disks.items()}
    weights = libpysal.weights.W(others, id_order=area, silence_warnings=True)
    found = G_Local(counts, weights, transform="B", permutations=0, star=True)
    # The library's p is of one side.
    p = numpy.minimum(2 * found.p_norm, 1)
    adjusted = scipy.stats.false_discovery_control(p, method="bh")

    months = {"group_by": "cell,time", "time_precision": "1mo", "dated": "true"}
    by_month = aggregates(server, filters, **(by_cell | months))
    counted_months = [month(row["occurred_at"]) for row in by_month]
    first, end = whole_months(filters, counted_months)
    series = {cell: numpy.zeros(max(end - first, 0)) for cell in area}
    for row in by_month:
        if first <= month(row["occurred_at"]) < end:
            series[row["cell"]][month(row["occurred_at"]) - first] = row["count"]

    answer = []
    for n, cell in enumerate(area):
        row = {"cell": cell, "count": int(counts[n]), "disk_cells": len(disks[cell])}
        row |= {"z": float(found.Zs[n]), "p": float(p[n]), "p_adjusted": float(adjusted[n])}
        if end - first >= 4:
            trend = pymannkendall.original_test(series[cell], alpha=0.05)
            row |= {"trend_tau": trend.Tau, "trend_z": trend.z, "trend_p": trend.p, "trend_slope": trend.slope}
            row["trend"] = {"increasing": "rising", "decreasing": "falling"}.get(trend.trend)
        answer.append(row)
    return answer


server, questions = sys.argv[1], json.loads(sys.argv[2])
said = json.dumps([rows(server, question) for question in questions], default=float)
print(said)
