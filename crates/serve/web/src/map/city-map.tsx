/** The map itself. */

import "maplibre-gl/dist/maplibre-gl.css";
import { computed, effect, untracked, useSignal } from "@preact/signals";
import { type GeoJSONSource, Map as MapLibre, ScaleControl, setWorkerUrl } from "maplibre-gl";
import workerUrl from "maplibre-gl/dist/maplibre-gl-worker.mjs?url";
import { useEffect, useRef } from "preact/hooks";
import { boxCorners } from "../state/questions";
import { type Camera, camera, filters, selectedCell, tilted } from "../state/view-state";
import { dark } from "../util/theme";
import { shownBoundaries } from "./boundaries";
import { cellFeature, NO_FEATURES, toPolygonFeature } from "./cell-geometry";
import { CELL_SOURCE, CellLayer } from "./cell-layer";
import { hoveredCell } from "./cell-tooltip";
import { drawTool, enableDrawing } from "./draw";
import { extent } from "./extent";
import { buildMapStyle } from "./map-style";
import { picture } from "./picture";
import { drawnAddresses, requestedAddresses, viewport } from "./questions";

setWorkerUrl(workerUrl);

/** How far the map leans when columns stand on it, degrees. */
const TILTED_PITCH_DEGREES = 50;

/** Room for what lies over the map, pixels. */
const PADDING_PX = { top: 56, bottom: 12, left: 12, right: 12 };

/** What waits for the map waits so long at most: a base map that does not come must not hold it up. */
const MAX_DRAW_WAIT_MS = 1_500;

/** Another filter is no other area. */
const drawnArea = computed(() => filters.value.area);

/** Goes back to where everything is; set while there is a map. */
export const cityView: { go: () => void } = { go: () => {} };

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
  map.getCanvas().setAttribute("aria-label", "Map of the city; the busiest cells are listed beside it");

  const look = () => {
    const bounds = map.getBounds();
    viewport.value = {
      bounds: { west: bounds.getWest(), south: bounds.getSouth(), east: bounds.getEast(), north: bounds.getNorth() },
      zoom: map.getZoom(),
    };
  };
  // A view that nobody moved opens on the whole city, on every screen: it is not remembered.
  let unmoved = "";
  const place = () =>
    `${map.getCenter()} ${map.getZoom()} ${map.getBearing()} ${[0, TILTED_PITCH_DEGREES].includes(map.getPitch())}`;
  const settle = () => {
    unmoved = place();
  };
  settle();
  map.on("moveend", () => {
    look();
    if (camera.peek() === null && place() === unmoved) return;
    const { lng, lat } = map.getCenter();
    camera.value = { lat, lng, zoom: map.getZoom(), pitch: map.getPitch(), bearing: map.getBearing() };
  });
  const goHome = () => {
    const most = extent.peek()?.most;
    if (!most) return;
    const around = map.cameraForBounds([most.west, most.south, most.east, most.north], { padding: PADDING_PX });
    if (!around) return;
    // The name of the place must be known before the event that asks for it.
    map.once("move", settle);
    map.jumpTo({ center: around.center, zoom: around.zoom ?? map.getZoom(), bearing: 0 });
    settle();
    look();
  };
  map.on("resize", () => {
    if (camera.peek() === null) goHome();
  });
  cityView.go = () => {
    // Whoever forgets where somebody was is taken home.
    if (camera.peek() === null) goHome();
    else camera.value = null;
  };
  const stops: (() => void)[] = [];
  if (at) look();
  /** As far as an address tells places apart. */
  const isThere = ({ lat, lng, zoom, pitch, bearing }: Camera) => {
    const center = map.getCenter();
    const near = Math.max(Math.abs(center.lat - lat), Math.abs(center.lng - lng)) < 1e-4;
    const turned = Math.max(Math.abs(map.getPitch() - pitch), Math.abs(map.getBearing() - bearing)) > 1;
    return near && Math.abs(map.getZoom() - zoom) < 0.01 && !turned;
  };
  // The whole city, and another one where somebody goes there; and where a step back leads.
  const follow = effect(() => {
    const to = camera.value;
    if (to === null) {
      if (extent.value) untracked(goHome);
    } else if (!isThere(to)) {
      const { lat, lng, ...rest } = to;
      untracked(() => map.jumpTo({ center: [lng, lat], ...rest }));
    }
  });

  const put = (source: string, data: GeoJSON.FeatureCollection | GeoJSON.Feature): void => {
    (map.getSource(source) as GeoJSONSource | undefined)?.setData(data);
  };
  const layer = new CellLayer(map);
  const fill = () => {
    stops.push(
      effect(() => {
        const { cells, addresses } = picture.value;
        layer.show(cells, tilted.value);
        if (addresses === "") return;
        // The same answer may be another picture: another part of it is in view.
        if (container.dataset.drawn === addresses) delete container.dataset.drawn;
        const done = () => {
          map.off("idle", done);
          clearTimeout(timer);
          container.dataset.cells = String(cells.length);
          container.dataset.drawn = addresses;
          performance.mark("cells drawn", { detail: addresses });
          drawnAddresses.value = addresses;
        };
        // A map that is not on screen, as on a phone beside its filters, draws nothing.
        const timer = setTimeout(done, container.offsetParent ? MAX_DRAW_WAIT_MS : 0);
        map.on("idle", done);
        return () => {
          map.off("idle", done);
          clearTimeout(timer);
        };
      }),
      // For who waits until the map shows what was asked for.
      effect(() => {
        container.dataset.asked = requestedAddresses.value;
      }),
      effect(() => put("boundaries", shownBoundaries.value)),
      effect(() => put("selected", selectedCell.value ? cellFeature(selectedCell.value) : NO_FEATURES)),
      effect(() => {
        const area = drawnArea.value;
        if (area?.kind === "polygon") put("area", toPolygonFeature(area.ring));
        else if (area) put("area", toPolygonFeature(boxCorners(area.box)));
        else put("area", NO_FEATURES);
      }),
      enableDrawing(map),
    );
  };
  const stopFilling = () => {
    for (const stop of stops.splice(0)) stop();
  };
  map.once("style.load", fill);
  // Another theme or the other dimension is another style; sources keep their data.
  let first = true;
  const restyle = effect(() => {
    const next = buildMapStyle(dark.value, tilted.value);
    if (first) {
      first = false;
      return;
    }
    // What is being drawn lies in layers that the next style has not.
    drawTool.value = null;
    map.setStyle(next, {
      transformStyle: (previous, wanted) => {
        const sources = { ...wanted.sources };
        for (const name of ["boundaries", CELL_SOURCE, "area", "selected"]) {
          const kept = previous?.sources[name];
          if (kept) sources[name] = kept;
        }
        return { ...wanted, sources };
      },
    });
  });
  let leaning = tilted.peek();
  const lean = effect(() => {
    if (tilted.value === leaning) return;
    leaning = tilted.value;
    map.easeTo({ pitch: leaning ? TILTED_PITCH_DEGREES : 0, bearing: leaning ? map.getBearing() : 0, duration: 400 });
  });

  const layers = ["cells", "columns"];
  const cellAt = (point: { x: number; y: number }) => {
    const shown = layers.filter(layer => map.getLayer(layer));
    const found = map.queryRenderedFeatures([point.x, point.y], { layers: shown })[0];
    const under = found?.properties?.cell as string | undefined;
    return under && layer.has(under) ? under : null;
  };
  map.on("mousemove", event => {
    const under = cellAt(event.point);
    hoveredCell.value = under ? { cell: under, x: event.point.x, y: event.point.y } : null;
    map.getCanvas().style.cursor = under ? "pointer" : "";
  });
  map.on("mouseout", () => {
    hoveredCell.value = null;
  });
  map.on("click", event => {
    if (container.dataset.drawing) return;
    selectedCell.value = cellAt(event.point);
  });
  // For tests in a browser, which ask where a cell is on the screen.
  Object.assign(container, { map });

  return () => {
    stopFilling();
    follow();
    restyle();
    lean();
    cityView.go = () => {};
    viewport.value = null;
    drawnAddresses.value = "";
    map.remove();
  };
}

/** The map, as large as what is around it. */
export function CityMap() {
  const container = useRef<HTMLDivElement>(null);
  const failed = useSignal<string | null>(null);
  useEffect(() => {
    if (!container.current) return;
    try {
      return createMap(container.current);
    } catch (error) {
      failed.value = error instanceof Error ? error.message : String(error);
      drawnAddresses.value = null;
    }
  }, []);
  return (
    <>
      <div class="city-map" ref={container} data-testid="map" />
      {failed.value !== null && (
        <div class="notice" role="alert">
          <h2>The map cannot be drawn</h2>
          <p>This browser gives the page no WebGL 2 ({failed.value}). Filters, charts and lists work without it.</p>
        </div>
      )}
    </>
  );
}
