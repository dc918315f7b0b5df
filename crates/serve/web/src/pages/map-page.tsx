/** The map page: the map, filters, the time strip and charts. */

import "../style/map.css";
import { effect, signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { resources } from "../api/resources";
import { ChartPanels } from "../charts/chart-panels";
import { Icon } from "../components/icon";
import { ErrorMessage } from "../components/panel";
import { mapMeta } from "../components/status-badges";
import { FacetsPanel } from "../facets/facets-panel";
import { CellTooltip } from "../map/cell-tooltip";
import { CityMap } from "../map/city-map";
import { listenForEscape } from "../map/escape-key";
import { Legend } from "../map/legend";
import { MapControls } from "../map/map-controls";
import { MapSummary, UnlocatedNotice } from "../map/map-summary";
import { ModeSwitch } from "../map/mode-switch";
import { comparisonAnswer, mapAnswer } from "../map/questions";
import { filterCount, selectedCell } from "../state/view-state";
import { TimeStrip } from "../time/time-strip";
import { notify } from "../util/notify";
import { stackedLayout } from "../util/screen";

effect(() => {
  const [a, b] = [mapAnswer.value.meta, comparisonAnswer.value.meta];
  mapMeta.value = a && b ? { ...a, exact: a.exact && b.exact, truncated: a.truncated || b.truncated } : a;
});

/** The panel that is shown on a phone. */
const frontPanel = signal<"map" | "filters" | "charts">("map");

effect(() => {
  if (selectedCell.value && frontPanel.peek() === "map" && stackedLayout.matches)
    notify("The details of the cell are under Charts");
});

function EmptyLakeNotice() {
  return (
    <div class="notice">
      <h1>The lake is empty</h1>
      <p>
        Nothing has landed yet. <code>hotspots-lake up --demo</code> makes a lake of synthetic rows to try it out;{" "}
        <code>hotspots-lake ingest 311-cases</code> brings real ones. This page shows them as they land.
      </p>
    </div>
  );
}

/** The map page. */
export function MapPage() {
  useEffect(listenForEscape, []);
  const { rows, problem } = resources.value;
  const empty = rows?.every(resource => resource.incidents === 0);
  const tab = (name: "map" | "filters" | "charts", label: string, icon: "home" | "filter" | "chart") => (
    <button
      type="button"
      aria-pressed={frontPanel.value === name}
      onClick={() => {
        frontPanel.value = name;
      }}
    >
      <Icon name={icon} /> {label}
    </button>
  );
  return (
    <main class="map-page" data-front={frontPanel.value}>
      <h1 class="hidden">Map of incidents</h1>
      <aside class="filters" aria-label="Filters">
        <FacetsPanel />
      </aside>
      <div class="map-column">
        <div class="map-frame">
          <CityMap />
          <CellTooltip />
          <div class="map-overlay">
            <MapSummary />
            <ModeSwitch />
            <MapControls />
          </div>
          <UnlocatedNotice />
          <Legend />
          {empty && <EmptyLakeNotice />}
          {problem && (
            <div class="notice">
              <ErrorMessage problem={problem} />
            </div>
          )}
        </div>
        <TimeStrip />
      </div>
      <aside class="charts" aria-label="Charts">
        <ChartPanels />
      </aside>
      <div class="tabs" role="toolbar" aria-label="Panels">
        {tab("map", "Map", "home")}
        {tab("filters", filterCount.value === 0 ? "Filters" : `Filters (${filterCount.value})`, "filter")}
        {tab("charts", selectedCell.value ? "Charts (1)" : "Charts", "chart")}
      </div>
    </main>
  );
}
