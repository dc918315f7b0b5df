/**
 * The cells on the map. Their outlines are the data of a source, which a worker cuts into tiles; their colours and
 * heights are states of its features, which are drawn in the next frame. Another filter mostly means other colours of
 * the same outlines, or of some of them.
 */

import type { GeoJSONSource, Map as MapLibre } from "maplibre-gl";
import { cellFeature } from "./cell-geometry";
import type { MapCell } from "./picture";

/** The name of the source. */
export const CELL_SOURCE = "cells";

/** The cells of one map. */
export class CellLayer {
  /** Whose outlines the source has. */
  private outlined = new Set<string>();
  private shown = new Map<string, MapCell>();

  constructor(private readonly map: MapLibre) {}

  /** Whether a cell is on the map. */
  has(cell: string): boolean {
    return this.shown.has(cell);
  }

  /** Shows these, and no others. A column cannot be made invisible: with `columns` the source has no outline too many. */
  show(cells: readonly MapCell[], columns: boolean): void {
    const next = new Map(cells.map(cell => [cell.cell, cell]));
    const spare = columns && this.outlined.size > next.size;
    if (spare || cells.some(({ cell }) => !this.outlined.has(cell))) {
      this.outlined = new Set(next.keys());
      const features = cells.map(({ cell }) => cellFeature(cell));
      this.map.getSource<GeoJSONSource>(CELL_SOURCE)?.setData({ type: "FeatureCollection", features });
    }
    for (const cell of this.shown.keys()) {
      if (!next.has(cell)) this.map.removeFeatureState({ source: CELL_SOURCE, id: cell });
    }
    for (const [id, { colour, height }] of next) {
      const before = this.shown.get(id);
      if (before?.colour === colour && before.height === height) continue;
      this.map.setFeatureState({ source: CELL_SOURCE, id }, { colour, height });
    }
    this.shown = next;
    // Nothing may have changed, and whoever waits for the frame gets one.
    this.map.triggerRepaint();
  }
}
