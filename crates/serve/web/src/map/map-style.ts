/** The style of the map: background, boundaries, cells. */

import type { ExpressionSpecification, StyleSpecification } from "maplibre-gl";
import { NO_FEATURES } from "./cell-geometry";
import { CELL_SOURCE } from "./cell-layer";

interface Colours {
  paper: string;
  land: string;
  line: string;
  label: string;
  halo: string;
  chosen: string;
}

const LIGHT: Colours = {
  paper: "#e9e6e1",
  land: "#f8f7f5",
  line: "#b9b2ab",
  label: "#57525a",
  halo: "#ffffff",
  chosen: "#1d1b20",
};
const DARK: Colours = {
  paper: "#101014",
  land: "#1d1d24",
  line: "#4b4a57",
  label: "#b9b6c2",
  halo: "#121216",
  chosen: "#ffffff",
};

/** The height of the highest column. */
const MAX_COLUMN_HEIGHT_M = 1_600;

/** The colour in the state of the feature, else transparent. */
const CELL_COLOUR: ExpressionSpecification = ["to-color", ["feature-state", "colour"], "rgba(0, 0, 0, 0)"];

/** Reads the address of the base map tiles from the page's head; null if none is configured. */
function readBaseMapTiles(): string | null {
  return document.querySelector<HTMLMetaElement>('meta[name="base-map"]')?.content || null;
}

/** Builds the style. */
export function buildMapStyle(dark: boolean, tilted: boolean): StyleSpecification {
  const { paper, land, line, label, halo, chosen } = dark ? DARK : LIGHT;
  const tiles = readBaseMapTiles();
  const empty = { type: "geojson" as const, data: NO_FEATURES };
  return {
    version: 8,
    sources: {
      boundaries: empty,
      [CELL_SOURCE]: { ...empty, tolerance: 0, buffer: 8, promoteId: "cell" },
      area: empty,
      selected: empty,
      ...(tiles ? { base: { type: "raster" as const, tiles: [tiles], tileSize: 256 } } : {}),
    },
    layers: [
      { id: "paper", type: "background", paint: { "background-color": paper } },
      ...(tiles ? [{ id: "base", type: "raster" as const, source: "base", paint: { "raster-saturation": -0.6 } }] : []),
      ...(tiles ? [] : [{ id: "land", type: "fill" as const, source: "boundaries", paint: { "fill-color": land } }]),
      {
        id: "cells",
        type: "fill",
        source: CELL_SOURCE,
        layout: { visibility: tilted ? "none" : "visible" },
        paint: { "fill-color": CELL_COLOUR, "fill-opacity": tiles ? 0.7 : 0.88, "fill-antialias": false },
      },
      {
        id: "columns",
        type: "fill-extrusion",
        source: CELL_SOURCE,
        layout: { visibility: tilted ? "visible" : "none" },
        paint: {
          "fill-extrusion-color": CELL_COLOUR,
          "fill-extrusion-height": ["*", ["number", ["feature-state", "height"], 0], MAX_COLUMN_HEIGHT_M],
          "fill-extrusion-opacity": 0.92,
        },
      },
      {
        id: "boundaries",
        type: "line",
        source: "boundaries",
        paint: { "line-color": line, "line-width": ["interpolate", ["linear"], ["zoom"], 10, 0.6, 15, 2] },
      },
      {
        id: "area",
        type: "line",
        source: "area",
        paint: { "line-color": chosen, "line-width": 2, "line-dasharray": [2, 1.5] },
      },
      { id: "selected", type: "line", source: "selected", paint: { "line-color": chosen, "line-width": 2.5 } },
      {
        id: "names",
        type: "symbol",
        source: "boundaries",
        minzoom: 11,
        layout: {
          "text-field": ["get", "label"],
          "text-size": ["interpolate", ["linear"], ["zoom"], 11, 10, 15, 14],
          "text-max-width": 7,
          "text-padding": 6,
        },
        paint: { "text-color": label, "text-halo-color": halo, "text-halo-width": 1.4 },
      },
    ],
  };
}
