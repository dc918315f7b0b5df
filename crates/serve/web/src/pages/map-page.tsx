/** The map, its filters, its time and its charts. */

import "../style/map.css";
import { effect, signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { resources } from "../api/resources";
import { Charts } from "../charts/chart-panels";
import { say } from "../components/copy-menu";
import { Icon } from "../components/icon";
import { Failure } from "../components/panel";
import { mapMeta } from "../components/status-badges";
import { Facets } from "../facets/facets-panel";
import { Hover } from "../map/cell-tooltip";
import { CityMap } from "../map/city-map";
import { listenForEscape } from "../map/escape-key";
import { Controls, Legend } from "../map/map-controls";
import { Placeless, Summary } from "../map/map-summary";
import { Modes } from "../map/mode-switch";
import { mapAnswer, otherAnswer } from "../map/questions";
import { cell, narrowed } from "../state/view-state";
import { TimeStrip } from "../time/time-strip";
import { inTurns } from "../util/screen";

effect(() => {
  const [a, b] = [mapAnswer.value.meta, otherAnswer.value.meta];
  mapMeta.value = a && b ? { ...a, exact: a.exact && b.exact, truncated: a.truncated || b.truncated } : a;
});

/** On a phone one of the three is in front. */
const front = signal<"map" | "filters" | "charts">("map");

effect(() => {
  if (cell.value && front.peek() === "map" && inTurns.matches) say("What happened there is under Charts");
});

function Welcome() {
  return (
    <div class="welcome">
      <h1>The lake is empty</h1>
      <p>
        Nothing has landed yet. <code>hotspots-lake up --demo</code> makes a lake of synthetic rows to try it out;{" "}
        <code>hotspots-lake ingest 311-cases</code> brings real ones. This page shows them as they land.
      </p>
    </div>
  );
}

/** The page of the map. */
export function MapPage() {
  useEffect(listenForEscape, []);
  const { rows, problem } = resources.value;
  const empty = rows?.every(resource => resource.incidents === 0);
  const tab = (name: "map" | "filters" | "charts", label: string, icon: "home" | "filter" | "chart") => (
    <button
      type="button"
      aria-pressed={front.value === name}
      onClick={() => {
        front.value = name;
      }}
    >
      <Icon name={icon} /> {label}
    </button>
  );
  return (
    <main class="map-page" data-front={front.value}>
      <h1 class="hidden">Incidents on the map</h1>
      <aside class="filters" aria-label="Filters">
        <Facets />
      </aside>
      <div class="stage">
        <div class="map-frame">
          <CityMap />
          <Hover />
          <div class="over">
            <Summary />
            <Modes />
            <Controls />
          </div>
          <Placeless />
          <Legend />
          {empty && <Welcome />}
          {problem && (
            <div class="welcome">
              <Failure problem={problem} />
            </div>
          )}
        </div>
        <TimeStrip />
      </div>
      <aside class="charts" aria-label="Charts">
        <Charts />
      </aside>
      <div class="tabs" role="toolbar" aria-label="What is in front">
        {tab("map", "Map", "home")}
        {tab("filters", narrowed.value === 0 ? "Filters" : `Filters (${narrowed.value})`, "filter")}
        {tab("charts", cell.value ? "Charts (1)" : "Charts", "chart")}
      </div>
    </main>
  );
}
