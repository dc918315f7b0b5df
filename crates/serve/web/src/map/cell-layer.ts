/**
 * The cells on the map. Their outlines are the data of a source, which a worker cuts into tiles; their colours and
 * heights are states of its features, which are drawn in the next frame. Another filter mostly means other colours of
 * the same outlines, or of some of them.
 */

import type { GeoJSONSource, Map as MapLibre } from "maplibre-gl";
import { hexagon } from "./cell-geometry";
import type { Hex } from "./questions";

/** The name of the source. */
export const CELLS = "hexes";

/** The cells of one map. */
export class Cells {
  /** Whose outlines the source has. */
  private outlined = new Set<string>();
  private shown = new Map<string, Hex>();

  constructor(private readonly map: MapLibre) {}

  /** Whether a cell is on the map. */
  has(cell: string): boolean {
    return this.shown.has(cell);
  }

  /** Shows these, and no others. A column cannot be made invisible: with `columns` the source has no outline too many. */
  show(hexes: readonly Hex[], columns: boolean): void {
    const next = new Map(hexes.map(hex => [hex.cell, hex]));
    const spare = columns && this.outlined.size > next.size;
    if (spare || hexes.some(({ cell }) => !this.outlined.has(cell))) {
      this.outlined = new Set(next.keys());
      const features = hexes.map(({ cell }) => hexagon(cell));
      this.map.getSource<GeoJSONSource>(CELLS)?.setData({ type: "FeatureCollection", features });
    }
    for (const cell of this.shown.keys()) {
      if (!next.has(cell)) this.map.removeFeatureState({ source: CELLS, id: cell });
    }
    for (const [id, { colour, height }] of next) {
      const before = this.shown.get(id);
      if (before?.colour === colour && before.height === height) continue;
      this.map.setFeatureState({ source: CELLS, id }, { colour, height });
    }
    this.shown = next;
    // Nothing may have changed, and whoever waits for the frame gets one.
    this.map.triggerRepaint();
  }
}
