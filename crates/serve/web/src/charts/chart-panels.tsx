/** The charts beside the map. They follow the map, and what is clicked in them becomes a filter. */

import { cell, chartsFollow, mode } from "../state/view-state";
import { Categories } from "./category-lines";
import { Share } from "./category-shares";
import { CellDetails } from "./cell-details";
import { Closing } from "./closing-times";
import { Top } from "./top-cells";
import { Week } from "./week-hours";

/** All of them. */
export function Charts() {
  return (
    <>
      <label class="follow">
        <input
          type="checkbox"
          checked={chartsFollow.value}
          onChange={event => {
            chartsFollow.value = event.currentTarget.checked;
          }}
        />
        Count only what the map shows
      </label>
      {cell.value && <CellDetails cell={cell.value} />}
      {mode.value === "hotspots" && <Top />}
      <Categories />
      <Week />
      <Share />
      <Closing />
      {mode.value !== "hotspots" && <Top />}
    </>
  );
}
