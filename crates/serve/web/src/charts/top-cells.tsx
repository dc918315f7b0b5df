/** The top cells of the map as a list, which is the accessible form of the map. */

import { cellToLatLng } from "h3-js";
import { Panel } from "../components/panel";
import { picture } from "../map/picture";
import { mapAnswer } from "../map/questions";
import { mode, selectedCell } from "../state/view-state";

const MAX_LISTED_CELLS = 10;
const TITLES = { count: "Top cells", compare: "Largest changes", hotspots: "Top hot spots" };

/** The panel. */
export function TopCells() {
  const { cells } = picture.value;
  const top = cells
    .filter(row => row.rank !== null)
    .sort((a, b) => (b.rank ?? 0) - (a.rank ?? 0))
    .slice(0, MAX_LISTED_CELLS);
  const none = mode.value === "hotspots" && cells.length > 0 ? "No significant hot spots." : true;
  return (
    <Panel title={TITLES[mode.value]} answer={mapAnswer.value} empty={top.length === 0 && none}>
      <ol class="top-cells">
        {top.map(row => {
          const [lat, lng] = cellToLatLng(row.cell);
          return (
            <li key={row.cell}>
              <button
                type="button"
                aria-pressed={selectedCell.value === row.cell}
                data-cell={row.cell}
                onClick={() => {
                  selectedCell.value = selectedCell.value === row.cell ? null : row.cell;
                }}
              >
                <i style={{ background: row.colour }} />
                <span>{row.brief}</span>
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
