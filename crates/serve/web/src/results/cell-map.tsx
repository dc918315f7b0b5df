/** A map of the cells of an answer, coloured by one of its numbers. */

import "maplibre-gl/dist/maplibre-gl.css";
import { useSignal } from "@preact/signals";
import { isValidCell } from "h3-js";
import { type GeoJSONSource, MapLibreMap, NavigationControl, type StyleSpecification, setWorkerUrl } from "maplibre-gl";
// A file of this host: the content security policy does not allow blob workers.
import workerUrl from "maplibre-gl/dist/maplibre-gl-worker.mjs?url";
import { useEffect, useMemo, useRef } from "preact/hooks";
import { unwrapLongitudes, wrapLongitude } from "../map/antimeridian";
import { cellFeature, cellRing } from "../map/cell-geometry";
import { sequentialScale } from "../map/colour-scale";
import { cssColour } from "../util/colours";
import { formatCompact, formatInteger } from "../util/format";
import { dark } from "../util/theme";
import { type CellValue, listMetrics, ROW_COUNT, sumByCell } from "./cell-values";
import { type Column, formatValue } from "./columns";
import type { Row } from "./row";

setWorkerUrl(workerUrl);

interface Props {
  columns: readonly Column[];
  rows: readonly Row[];
  /** The cell of the highlighted row. */
  highlighted: string | null;
  onHover: (cell: string | null) => void;
}

/** More columns would cover the map. */
const MAX_FIELDS = 8;

function buildStyle(): StyleSpecification {
  return {
    version: 8,
    sources: { cells: { type: "geojson", data: { type: "FeatureCollection", features: [] } } },
    layers: [
      { id: "ground", type: "background", paint: { "background-color": cssColour("faint") } },
      {
        id: "cells",
        type: "fill",
        source: "cells",
        paint: { "fill-color": ["get", "colour"], "fill-opacity": 0.9, "fill-outline-color": cssColour("paper") },
      },
      {
        id: "highlighted",
        type: "line",
        source: "cells",
        filter: ["==", ["get", "cell"], ""],
        paint: { "line-color": cssColour("ink"), "line-width": 2.5 },
      },
    ],
  };
}

function findBounds(cells: readonly CellValue[]): [number, number, number, number] {
  const corners = cells.flatMap(({ cell }) => cellRing(cell));
  const box: [number, number, number, number] = [540, 90, -540, -90];
  const lngs = unwrapLongitudes(corners.map(([lng]) => wrapLongitude(lng)));
  corners.forEach(([, lat], n) => {
    const lng = lngs[n] ?? 0;
    box[0] = Math.min(box[0], lng);
    box[1] = Math.min(box[1], lat);
    box[2] = Math.max(box[2], lng);
    box[3] = Math.max(box[3], lat);
  });
  return box;
}

/** A map of cells without a base map. */
export default function CellMap({ columns, rows, highlighted, onHover }: Props) {
  const container = useRef<HTMLDivElement>(null);
  const map = useRef<MapLibreMap | null>(null);
  const ready = useSignal(false);
  const numbers = useMemo(() => listMetrics(columns, rows), [columns, rows]);
  const chosen = useSignal<string | null>(null);
  const metric = chosen.value !== null && numbers.includes(chosen.value) ? chosen.value : (numbers[0] ?? ROW_COUNT);
  const isDark = dark.value;

  const cells = useMemo(
    () => sumByCell(columns, rows, metric).filter(({ cell }) => isValidCell(cell)),
    [columns, rows, metric],
  );
  const scale = useMemo(
    () =>
      sequentialScale(
        cells.flatMap(({ value }) => value ?? []),
        "quantile",
        isDark,
      ),
    [cells, isDark],
  );
  useEffect(() => {
    if (!container.current) return;
    const created = new MapLibreMap({
      container: container.current,
      style: buildStyle(),
      attributionControl: false,
      dragRotate: false,
      pitchWithRotate: false,
      fadeDuration: 0,
      // The wheel zooms the map without a modifier key.
      cooperativeGestures: false,
    });
    created.touchZoomRotate.disableRotation();
    created.addControl(new NavigationControl({ showCompass: false }), "top-right");
    created.on("load", () => {
      ready.value = true;
    });
    created.on("mousemove", "cells", event => onHover(String(event.features?.[0]?.properties.cell)));
    created.on("click", "cells", event => onHover(String(event.features?.[0]?.properties.cell)));
    created.on("mouseleave", "cells", () => onHover(null));
    map.current = created;
    return () => {
      map.current = null;
      created.remove();
    };
  }, []);

  const isReady = ready.value;
  useEffect(() => {
    const current = map.current;
    if (!current || !isReady) return;
    current.setPaintProperty("ground", "background-color", cssColour("faint"));
    current.setPaintProperty("cells", "fill-outline-color", cssColour("paper"));
    current.setPaintProperty("highlighted", "line-color", cssColour("ink"));
    current.getSource<GeoJSONSource>("cells")?.setData({
      type: "FeatureCollection",
      features: cells.map(({ cell, value }) => ({
        type: "Feature",
        properties: {
          cell,
          colour: value === null ? cssColour("cool") : scale.colour(value),
        },
        geometry: cellFeature(cell).geometry,
      })),
    });
  }, [cells, scale, isReady]);

  useEffect(() => {
    if (isReady && cells.length > 0)
      map.current?.fitBounds(findBounds(cells), { padding: 24, animate: false, maxZoom: 15 });
  }, [cells, isReady]);

  useEffect(() => {
    if (isReady) map.current?.setFilter("highlighted", ["==", ["get", "cell"], highlighted ?? ""]);
  }, [highlighted, isReady]);

  const at = highlighted === null ? undefined : cells.find(({ cell }) => cell === highlighted);
  return (
    <section class="cell-map" aria-label="Map of the cells">
      <div class="cell-map-canvas" ref={container} />
      {cells.length > 0 && (
        <div class="cell-map-legend">
          {numbers.length > 1 ? (
            <select
              aria-label="Colour by"
              value={metric}
              onChange={event => {
                chosen.value = event.currentTarget.value;
              }}
            >
              {numbers.map(name => (
                <option key={name}>{name}</option>
              ))}
            </select>
          ) : (
            <span>{metric}</span>
          )}
          <ol>
            {scale.legend.map(({ colour, from }, n, all) => (
              <li key={from}>
                <i style={{ background: colour }} />
                {formatCompact(from)}
                {n === all.length - 1 ? "+" : ""}
              </li>
            ))}
          </ol>
        </div>
      )}
      {at && (
        <dl class="cell-map-row">
          {at.rows === 1 ? (
            columns.slice(0, MAX_FIELDS).map(({ name, kind }) => (
              <div key={name}>
                <dt>{name}</dt>
                <dd>{formatValue(at.row.get(name), kind)}</dd>
              </div>
            ))
          ) : (
            <>
              <div>
                <dt>cell</dt>
                <dd>{at.cell}</dd>
              </div>
              <div>
                <dt>rows</dt>
                <dd>{formatInteger(at.rows)}</dd>
              </div>
              {metric !== ROW_COUNT && (
                <div>
                  <dt>sum of {metric}</dt>
                  <dd>{formatValue(at.value, "number")}</dd>
                </div>
              )}
            </>
          )}
        </dl>
      )}
      {cells.length === 0 && <p class="empty">The column has no valid H3 cells.</p>}
    </section>
  );
}
