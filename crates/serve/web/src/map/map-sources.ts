/** The sources of the map: cells, boundaries, the selected cell and the drawn area. */

import { computed, effect } from "@preact/signals";
import type { GeoJSONSource, Map as MapLibre } from "maplibre-gl";
import { boxCorners } from "../state/questions";
import { filters, selectedCell, tilted } from "../state/view-state";
import { shownBoundaries } from "./boundaries";
import { cellFeature, NO_FEATURES, toPolygonFeature } from "./cell-geometry";
import type { CellLayer } from "./cell-layer";
import { picture } from "./picture";
import { drawnAddresses, requestedAddresses } from "./questions";

/** Charts wait at most this long for the map: slow base map tiles must not delay them. */
const MAX_DRAW_WAIT_MS = 1_500;

/** Changes only if the area does, not with other filters. */
const drawnArea = computed(() => filters.value.area);

/** Draws the picture; returns a function that cancels waiting for it. */
function drawPicture(map: MapLibre, layer: CellLayer): (() => void) | undefined {
  const container = map.getContainer();
  const { cells, addresses } = picture.value;
  layer.show(cells, tilted.value);
  if (addresses === "") return;
  // The same answer can give another picture if another part of it is in view.
  if (container.dataset.drawn === addresses) delete container.dataset.drawn;
  const stopWaiting = () => {
    map.off("idle", finish);
    clearTimeout(timer);
  };
  const finish = () => {
    stopWaiting();
    container.dataset.cells = String(cells.length);
    container.dataset.drawn = addresses;
    performance.mark("cells drawn", { detail: addresses });
    drawnAddresses.value = addresses;
  };
  // A hidden map, as on a phone while filters are shown, never becomes idle.
  const timer = setTimeout(finish, container.offsetParent ? MAX_DRAW_WAIT_MS : 0);
  map.on("idle", finish);
  return stopWaiting;
}

/** Fills the sources of the map and keeps them current; returns a function that stops it. */
export function connectSources(map: MapLibre, layer: CellLayer): () => void {
  const setSource = (source: string, data: GeoJSON.FeatureCollection | GeoJSON.Feature): void => {
    (map.getSource(source) as GeoJSONSource | undefined)?.setData(data);
  };
  const stops = [
    effect(() => drawPicture(map, layer)),
    // Browser tests wait until `asked` and `drawn` are equal.
    effect(() => {
      map.getContainer().dataset.asked = requestedAddresses.value;
    }),
    effect(() => setSource("boundaries", shownBoundaries.value)),
    effect(() => setSource("selected", selectedCell.value ? cellFeature(selectedCell.value) : NO_FEATURES)),
    effect(() => {
      const area = drawnArea.value;
      if (area?.kind === "polygon") setSource("area", toPolygonFeature(area.ring));
      else if (area) setSource("area", toPolygonFeature(boxCorners(area.box)));
      else setSource("area", NO_FEATURES);
    }),
  ];
  return () => {
    for (const stop of stops) stop();
  };
}
