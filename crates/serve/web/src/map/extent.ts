/** The extent of a city: where its incidents are. */

import { computed } from "@preact/signals";
import { cellToLatLng } from "h3-js";
import { watchAnswer } from "../api/answer";
import { isSameQuestion, type Question } from "../api/client";
import { resources, withCity } from "../api/resources";
import type { Count } from "../api/types";
import { countQuestion, whileMapShown } from "../state/questions";
import { unwrapLongitudes } from "./antimeridian";
import type { Bounds } from "./resolution";

const extentQuestion = computed(
  (): Question =>
    countQuestion(["cell"], withCity([]), [
      ["geo_precision", "7"],
      ["located", "true"],
    ]),
);
const extentAnswer = watchAnswer<Count[]>(whileMapShown(() => extentQuestion.value));

/** The extent of all incidents, and of most: without 0.4 % at each edge. */
export const extent = computed((): { all: Bounds; most: Bounds } | null => {
  // Before the cities are known, the answer may cover all of them.
  if (resources.value.rows === null || !isSameQuestion(extentAnswer.value.question, extentQuestion.value)) return null;
  const rows = (extentAnswer.value.rows ?? []).filter(row => row.cell);
  if (rows.length === 0) return null;
  const at = rows.map(row => ({ at: cellToLatLng(row.cell ?? ""), count: row.count }));
  const total = at.reduce((sum, { count }) => sum + count, 0);
  const lngs = unwrapLongitudes(at.map(cell => cell.at[1]));
  at.forEach((cell, n) => {
    cell.at[1] = lngs[n] ?? 0;
  });
  const edge = (axis: 0 | 1, part: number, direction: 1 | -1) => {
    const sorted = [...at].sort((a, b) => direction * (a.at[axis] - b.at[axis]));
    let passed = 0;
    for (const cell of sorted) {
      passed += cell.count;
      if (passed > part * total) return cell.at[axis];
    }
    return sorted[0]?.at[axis] ?? 0;
  };
  const box = (part: number, margin: number): Bounds => ({
    west: edge(1, part, 1) - margin * 1.25,
    south: edge(0, part, 1) - margin,
    east: edge(1, part, -1) + margin * 1.25,
    north: edge(0, part, -1) + margin,
  });
  // A cell of resolution 7 reaches 1.4 km from its centre.
  const all = box(0, 0.013);
  const most = box(0.004, 0.012);
  // Outliers must not make the city small; without outliers nothing is cut off.
  const size = ({ west, south, east, north }: Bounds) => (east - west) * (north - south);
  return { all, most: size(all) < 2 * size(most) ? all : most };
});
