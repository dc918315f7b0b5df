/** Drawing of a box or polygon as a filter. */

import { effect, signal } from "@preact/signals";
import type { Map as MapLibre } from "maplibre-gl";
import { type Area, setFilters } from "../state/view-state";
import { notify } from "../util/notify";
import { toBox, wrapLongitude } from "./antimeridian";

/** The shape that is being drawn; null if none. */
export const drawTool = signal<"box" | "polygon" | null>(null);

const MODES = { box: "rectangle", polygon: "polygon" } as const;
/** About a metre. */
const roundDegrees = (degrees: number) => Math.round(degrees * 1e5) / 1e5;

function toArea(kind: "box" | "polygon", ring: [number, number][]): Area {
  const points = ring.slice(0, -1).map(([lng, lat]): [number, number] => [roundDegrees(lng), roundDegrees(lat)]);
  const [lng, lat] = [points.map(at => at[0]), points.map(at => at[1])];
  const bounds = { west: Math.min(...lng), south: Math.min(...lat), east: Math.max(...lng), north: Math.max(...lat) };
  if (kind === "box") return { kind, box: toBox(bounds) };
  // The map may be shifted by full turns; the server accepts longitudes slightly beyond 180.
  const turn = wrapLongitude(bounds.west) - bounds.west;
  return { kind, ring: points.map(([lng, lat]) => [roundDegrees(lng + turn), lat]) };
}

/** Draws the shape of {@link drawTool}. The library is loaded when it is first needed. */
export function enableDrawing(map: MapLibre): () => void {
  const container = map.getContainer();
  let stop = () => {};
  const following = effect(() => {
    const kind = drawTool.value;
    stop();
    stop = () => {};
    if (kind === null) {
      delete container.dataset.drawing;
      return;
    }
    container.dataset.drawing = "loading";
    let over = false;
    stop = () => {
      over = true;
    };
    Promise.all([import("terra-draw"), import("terra-draw-maplibre-gl-adapter")]).then(
      ([draw, adapter]) => {
        if (over) return;
        const terra = new draw.TerraDraw({
          adapter: new adapter.TerraDrawMapLibreGLAdapter({ map }),
          modes: [
            new draw.TerraDrawRectangleMode({ drawInteraction: "click-move-or-drag" }),
            new draw.TerraDrawPolygonMode(),
          ],
        });
        terra.start();
        terra.setMode(MODES[kind]);
        container.dataset.drawing = "ready";
        stop = () => terra.stop();
        terra.on("finish", id => {
          const geometry = terra.getSnapshot().find(feature => feature.id === id)?.geometry;
          if (geometry?.type === "Polygon") {
            setFilters({ area: toArea(kind, geometry.coordinates[0] as [number, number][]) });
          }
          // After the library has handled the click.
          setTimeout(() => {
            drawTool.value = null;
          });
        });
      },
      () => {
        drawTool.value = null;
        notify("The drawing tool could not be loaded");
      },
    );
  });
  return () => {
    following();
    stop();
  };
}
