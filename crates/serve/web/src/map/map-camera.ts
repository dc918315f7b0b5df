/** The camera of the map: it follows the view state, and what the user moves is stored there. */

import { effect, untracked } from "@preact/signals";
import type { Map as MapLibre } from "maplibre-gl";
import { type Camera, camera, tilted } from "../state/view-state";
import { extent } from "./extent";
import { viewport } from "./questions";

/** The pitch of the map with 3D columns. */
export const TILTED_PITCH_DEGREES = 50;

/** Space for the controls over the map. */
const PADDING_PX = { top: 56, bottom: 12, left: 12, right: 12 };

/** Shows the whole city; set while the map exists. */
export const cityView: { show: () => void } = { show: () => {} };

function updateViewport(map: MapLibre): void {
  const bounds = map.getBounds();
  viewport.value = {
    bounds: { west: bounds.getWest(), south: bounds.getSouth(), east: bounds.getEast(), north: bounds.getNorth() },
    zoom: map.getZoom(),
  };
}

const describePosition = (map: MapLibre): string =>
  `${map.getCenter()} ${map.getZoom()} ${map.getBearing()} ${[0, TILTED_PITCH_DEGREES].includes(map.getPitch())}`;

/** Whether the map is at a camera, as precisely as the address holds it. */
function isAt(map: MapLibre, { lat, lng, zoom, pitch, bearing }: Camera): boolean {
  const center = map.getCenter();
  const near = Math.max(Math.abs(center.lat - lat), Math.abs(center.lng - lng)) < 1e-4;
  const turned = Math.max(Math.abs(map.getPitch() - pitch), Math.abs(map.getBearing() - bearing)) > 1;
  return near && Math.abs(map.getZoom() - zoom) < 0.01 && !turned;
}

/**
 * Connects the map with the camera of the view; returns a function that disconnects it. A camera that the user has not
 * moved is not stored: the page opens on the whole city on any screen.
 */
export function connectCamera(map: MapLibre): () => void {
  let cityPosition = describePosition(map);
  const recordPosition = () => {
    cityPosition = describePosition(map);
  };
  const showCity = () => {
    const most = extent.peek()?.most;
    if (!most) return;
    const fitted = map.cameraForBounds([most.west, most.south, most.east, most.north], { padding: PADDING_PX });
    if (!fitted) return;
    // The position must be recorded before `moveend` compares it.
    map.once("move", recordPosition);
    map.jumpTo({ center: fitted.center, zoom: fitted.zoom ?? map.getZoom(), bearing: 0 });
    recordPosition();
    updateViewport(map);
  };
  map.on("moveend", () => {
    updateViewport(map);
    if (camera.peek() === null && describePosition(map) === cityPosition) return;
    const { lng, lat } = map.getCenter();
    camera.value = { lat, lng, zoom: map.getZoom(), pitch: map.getPitch(), bearing: map.getBearing() };
  });
  map.on("resize", () => {
    if (camera.peek() === null) showCity();
  });
  cityView.show = () => {
    // Without a stored camera, the map shows the complete city.
    if (camera.peek() === null) showCity();
    else camera.value = null;
  };
  if (camera.peek()) updateViewport(map);
  const stopFollowing = effect(() => {
    const to = camera.value;
    if (to === null) {
      if (extent.value) untracked(showCity);
    } else if (!isAt(map, to)) {
      const { lat, lng, ...rest } = to;
      untracked(() => map.jumpTo({ center: [lng, lat], ...rest }));
    }
  });
  return () => {
    stopFollowing();
    cityView.show = () => {};
    viewport.value = null;
  };
}

/** Changes the pitch of the map with the 3D columns; returns a function that stops it. */
export function connectTilt(map: MapLibre): () => void {
  let isTilted = tilted.peek();
  return effect(() => {
    if (tilted.value === isTilted) return;
    isTilted = tilted.value;
    map.easeTo({ pitch: isTilted ? TILTED_PITCH_DEGREES : 0, bearing: isTilted ? map.getBearing() : 0, duration: 400 });
  });
}
