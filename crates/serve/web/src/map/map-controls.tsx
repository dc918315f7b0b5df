/** The buttons over the map. */

import { Icon } from "../components/icon";
import { boundarySet, filters, setFilters, tilted } from "../state/view-state";
import { boundariesLoading, boundarySets, currentBoundarySet } from "./boundaries";
import { drawTool } from "./draw";
import { cityView } from "./map-camera";
import { viewport } from "./questions";

/** The buttons. */
export function MapControls() {
  const draw = (kind: "box" | "polygon", label: string) => (
    <button
      type="button"
      aria-pressed={drawTool.value === kind}
      title={label}
      aria-label={label}
      onClick={() => {
        drawTool.value = drawTool.value === kind ? null : kind;
      }}
    >
      <Icon name={kind} />
    </button>
  );
  return (
    <div class="controls" role="toolbar" aria-label="Map tools" aria-busy={boundariesLoading.value}>
      <button
        type="button"
        title="Show the whole city"
        aria-label="Show the whole city"
        onClick={() => cityView.show()}
      >
        <Icon name="home" />
      </button>
      <button
        type="button"
        aria-pressed={tilted.value}
        title="3D columns"
        aria-label="3D columns"
        onClick={() => {
          tilted.value = !tilted.value;
        }}
      >
        <Icon name="cube" />
      </button>
      {draw("box", "Draw a box")}
      {draw("polygon", "Draw a polygon")}
      <button
        type="button"
        title="Filter to the current view"
        aria-label="Filter to the current view"
        onClick={() => {
          const bounds = viewport.value?.bounds;
          const round = (degrees: number) => Math.round(degrees * 1e5) / 1e5;
          if (bounds) {
            const box = [bounds.west, bounds.south, bounds.east, bounds.north].map(round);
            setFilters({ area: { kind: "box", box: box as [number, number, number, number] } });
          }
        }}
      >
        <Icon name="frame" />
      </button>
      {filters.value.area && (
        <button
          type="button"
          title="Remove the drawn area"
          aria-label="Remove the drawn area"
          onClick={() => setFilters({ area: null })}
        >
          <Icon name="close" />
        </button>
      )}
      {boundarySets.value.length > 0 && (
        <select
          aria-label="Boundaries"
          value={currentBoundarySet.value}
          onChange={event => {
            boundarySet.value = event.currentTarget.value;
          }}
        >
          {boundarySets.value.map(name => (
            <option key={name} value={name}>
              {name.replaceAll("-", " ")}
            </option>
          ))}
          <option value="">No boundaries</option>
        </select>
      )}
      {drawTool.value && (
        <span class="hint" role="status">
          {drawTool.value === "box"
            ? "Drag a box, or click two corners."
            : "Click each corner; click the last one twice."}
        </span>
      )}
    </div>
  );
}
