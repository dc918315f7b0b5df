/** The charts next to the map. They follow its view; a click on them sets a filter. */

import { chartsFollowMap, mode, selectedCell } from "../state/view-state";
import { CategoryLines } from "./category-lines";
import { CategoryShares } from "./category-shares";
import { CellDetails } from "./cell-details";
import { ClosingTimes } from "./closing-times";
import { TopCells } from "./top-cells";
import { WeekHours } from "./week-hours";

/** The chart panels. */
export function ChartPanels() {
  return (
    <>
      <label class="charts-scope">
        <input
          type="checkbox"
          checked={chartsFollowMap.value}
          onChange={event => {
            chartsFollowMap.value = event.currentTarget.checked;
          }}
        />
        Count only incidents in view
      </label>
      {selectedCell.value && <CellDetails cell={selectedCell.value} />}
      {mode.value === "hotspots" && <TopCells />}
      <CategoryLines />
      <WeekHours />
      <CategoryShares />
      <ClosingTimes />
      {mode.value !== "hotspots" && <TopCells />}
    </>
  );
}
