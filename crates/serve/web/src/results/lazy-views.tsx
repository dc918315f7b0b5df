/** Parts that are big and not always needed: fetched when they are. */

import { lazy, Suspense } from "preact/compat";
import type { Shape } from "./chart-shape";
import type { Column } from "./columns";
import type { Row } from "./result";

const CellMap = lazy(() => import("./cell-map"));
const Chart = lazy(() => import("./result-chart"));

const waiting = (
  <p class="waiting" role="status">
    Loading…
  </p>
);

interface MapProps {
  columns: readonly Column[];
  rows: readonly Row[];
  pointed: string | null;
  onPoint: (cell: string | null) => void;
}

/** The cells of an answer on a map. */
export const LazyMap = (props: MapProps) => (
  <Suspense fallback={waiting}>
    <CellMap {...props} />
  </Suspense>
);

/** An answer as a chart. */
export const LazyChart = (props: { shape: Shape; rows: readonly Row[]; label: string }) => (
  <Suspense fallback={waiting}>
    <Chart {...props} />
  </Suspense>
);
