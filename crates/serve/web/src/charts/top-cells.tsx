/** The first cells of the map as a list: the map for who does not see it. */

import { cellToLatLng } from "h3-js";
import { Panel } from "../components/panel";
import { mapAnswer, picture } from "../map/questions";
import { cell, mode } from "../state/view-state";

const TOP = 10;
const TITLES = { count: "Busiest cells", compare: "Greatest changes", hotspots: "Hottest cells" };

/** The panel. */
export function Top() {
  const { hexes } = picture.value;
  const top = hexes
    .filter(hex => hex.rank !== null)
    .sort((a, b) => (b.rank ?? 0) - (a.rank ?? 0))
    .slice(0, TOP);
  const none = mode.value === "hotspots" && hexes.length > 0 ? "No cell is hot beyond chance." : true;
  return (
    <Panel title={TITLES[mode.value]} known={mapAnswer.value} empty={top.length === 0 && none}>
      <ol class="top">
        {top.map(hex => {
          const [lat, lng] = cellToLatLng(hex.cell);
          return (
            <li key={hex.cell}>
              <button
                type="button"
                aria-pressed={cell.value === hex.cell}
                data-cell={hex.cell}
                onClick={() => {
                  cell.value = cell.value === hex.cell ? null : hex.cell;
                }}
              >
                <i style={{ background: hex.colour }} />
                <span>{hex.brief}</span>
                <small>
                  {lat.toFixed(3)}, {lng.toFixed(3)}
                </small>
              </button>
            </li>
          );
        })}
      </ol>
    </Panel>
  );
}
