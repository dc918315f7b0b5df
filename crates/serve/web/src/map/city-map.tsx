/** The map of a city. */

import "maplibre-gl/dist/maplibre-gl.css";
import { effect, useSignal } from "@preact/signals";
import { Map as MapLibre, ScaleControl, setWorkerUrl } from "maplibre-gl";
import workerUrl from "maplibre-gl/dist/maplibre-gl-worker.mjs?url";
import { useEffect, useRef } from "preact/hooks";
import { camera, selectedCell, tilted } from "../state/view-state";
import { dark } from "../util/theme";
import { CELL_SOURCE, CellLayer } from "./cell-layer";
import { hoveredCell } from "./cell-tooltip";
import { drawTool, enableDrawing } from "./draw";
import { connectCamera, connectTilt, TILTED_PITCH_DEGREES } from "./map-camera";
import { connectSources } from "./map-sources";
import { buildMapStyle } from "./map-style";
import { drawnAddresses } from "./questions";

setWorkerUrl(workerUrl);

/** Changes the style with theme and tilt; sources keep their data. Returns a function that stops it. */
function connectStyle(map: MapLibre): () => void {
  let first = true;
  return effect(() => {
    const style = buildMapStyle(dark.value, tilted.value);
    if (first) {
      first = false;
      return;
    }
    // The layers of the drawing are not part of the next style.
    drawTool.value = null;
    map.setStyle(style, {
      transformStyle: (previous, next) => {
        const sources = { ...next.sources };
        for (const name of ["boundaries", CELL_SOURCE, "area", "selected"]) {
          const source = previous?.sources[name];
          if (source) sources[name] = source;
        }
        return { ...next, sources };
      },
    });
  });
}

/** Handles the pointer: cells under it are described, a click selects one. */
function handlePointer(map: MapLibre, layer: CellLayer): void {
  const findCell = (point: { x: number; y: number }): string | null => {
    const layers = ["cells", "columns"].filter(name => map.getLayer(name));
    const [feature] = map.queryRenderedFeatures([point.x, point.y], { layers });
    const cell = feature?.properties?.cell as string | undefined;
    return cell && layer.has(cell) ? cell : null;
  };
  map.on("mousemove", ({ point }) => {
    const cell = findCell(point);
    hoveredCell.value = cell ? { cell, x: point.x, y: point.y } : null;
    map.getCanvas().style.cursor = cell ? "pointer" : "";
  });
  map.on("mouseout", () => {
    hoveredCell.value = null;
  });
  map.on("click", ({ point }) => {
    if (map.getContainer().dataset.drawing) return;
    selectedCell.value = findCell(point);
  });
}

/** Creates the map; returns a function that removes it. */
function createMap(container: HTMLElement): () => void {
  const at = camera.peek();
  const map = new MapLibre({
    container,
    style: buildMapStyle(dark.peek(), tilted.peek()),
    center: at ? [at.lng, at.lat] : [0, 20],
    zoom: at?.zoom ?? 1,
    pitch: at?.pitch ?? (tilted.peek() ? TILTED_PITCH_DEGREES : 0),
    bearing: at?.bearing ?? 0,
    attributionControl: false,
    fadeDuration: 0,
    maxPitch: 65,
  });
  map.addControl(new ScaleControl({ unit: "metric" }), "bottom-right");
  map.getCanvas().setAttribute("aria-label", "Map of the city. The panel of top cells lists its data.");
  const layer = new CellLayer(map);
  const stops = [connectCamera(map), connectStyle(map), connectTilt(map)];
  map.once("style.load", () => {
    stops.push(connectSources(map, layer), enableDrawing(map));
  });
  handlePointer(map, layer);
  // For browser tests, which look up positions of cells.
  Object.assign(container, { map });
  return () => {
    for (const stop of stops) stop();
    drawnAddresses.value = "";
    map.remove();
  };
}

/** The map, in the size of its container. */
export function CityMap() {
  const container = useRef<HTMLDivElement>(null);
  const failure = useSignal<string | null>(null);
  useEffect(() => {
    if (!container.current) return;
    try {
      return createMap(container.current);
    } catch (error) {
      failure.value = error instanceof Error ? error.message : String(error);
      drawnAddresses.value = null;
    }
  }, []);
  return (
    <>
      <div class="city-map" ref={container} data-testid="map" />
      {failure.value !== null && (
        <div class="notice" role="alert">
          <h2>The map cannot be shown</h2>
          <p>The browser does not provide WebGL 2 ({failure.value}). Filters, charts and lists work without it.</p>
        </div>
      )}
    </>
  );
}
