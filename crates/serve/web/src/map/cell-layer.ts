/**
 * The layer of cells. Their polygons are the data of a source, which a worker cuts into tiles; colours and heights are
 * feature states, which are drawn in the next frame. Most filters change only colours.
 */

import type { GeoJSONSource, Map as MapLibre } from "maplibre-gl";
import { cellFeature } from "./cell-geometry";
import type { MapCell } from "./picture";

/** The name of the source. */
export const CELL_SOURCE = "cells";

/** The cells of one map. */
export class CellLayer {
  /** The cells whose polygons the source has. */
  private polygons = new Set<string>();
  private shown = new Map<string, MapCell>();

  constructor(private readonly map: MapLibre) {}

  /** Whether a cell is on the map. */
  has(cell: string): boolean {
    return this.shown.has(cell);
  }

  /** Shows exactly these cells. A column cannot be hidden: with `columns`, the source holds no other polygons. */
  show(cells: readonly MapCell[], columns: boolean): void {
    const next = new Map(cells.map(cell => [cell.cell, cell]));
    const hasExtra = columns && this.polygons.size > next.size;
    if (hasExtra || cells.some(({ cell }) => !this.polygons.has(cell))) {
      this.polygons = new Set(next.keys());
      const features = cells.map(({ cell }) => cellFeature(cell));
      this.map.getSource<GeoJSONSource>(CELL_SOURCE)?.setData({ type: "FeatureCollection", features });
    }
    for (const cell of this.shown.keys()) {
      if (!next.has(cell)) this.map.removeFeatureState({ source: CELL_SOURCE, id: cell });
    }
    for (const [id, { colour, height }] of next) {
      const previous = this.shown.get(id);
      if (previous?.colour === colour && previous.height === height) continue;
      this.map.setFeatureState({ source: CELL_SOURCE, id }, { colour, height });
    }
    this.shown = next;
    // Fires `idle` even if nothing changed.
    this.map.triggerRepaint();
  }
}
