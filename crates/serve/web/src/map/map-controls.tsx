/** The buttons over the map. */

import { Icon } from "../components/icon";
import { boundarySet, filters, setFilters, tilted } from "../state/view-state";
import { boundariesLoading, boundarySets, currentBoundarySet } from "./boundaries";
import { cityView } from "./city-map";
import { drawTool } from "./draw";
import { viewport } from "./questions";

/** The switches over the map. */
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
    <div class="controls" role="toolbar" aria-label="Map" aria-busy={boundariesLoading.value}>
      <button type="button" title="The whole city" aria-label="The whole city" onClick={() => cityView.go()}>
        <Icon name="home" />
      </button>
      <button
        type="button"
        aria-pressed={tilted.value}
        title="Columns in 3D"
        aria-label="Columns in 3D"
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
        title="Only what is in view"
        aria-label="Only what is in view"
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
          title="Anywhere again"
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
          <option value="">no boundaries</option>
        </select>
      )}
      {drawTool.value && (
        <span class="hint" role="status">
          {drawTool.value === "box" ? "Drag a box, or click two corners." : "Click the corners; the last one twice."}
        </span>
      )}
    </div>
  );
}
