/** The charts beside the map. They follow the map, and what is clicked in them becomes a filter. */

import { cell, chartsFollow, mode } from "../state/view";
import { Categories } from "./categories";
import { CellDetails } from "./cell";
import { Closing } from "./closing";
import { Share } from "./share";
import { Top } from "./top";
import { Week } from "./week";

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
