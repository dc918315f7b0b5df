/** Parts that are big and not always needed: fetched when they are. */

import { lazy, Suspense } from "preact/compat";
import type { ChartShape } from "./chart-shape";
import type { Column } from "./columns";
import type { Row } from "./row";

const CellMap = lazy(() => import("./cell-map"));
const ResultChart = lazy(() => import("./result-chart"));

const waiting = (
  <p class="loading" role="status">
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
export const LazyChart = (props: { shape: ChartShape; rows: readonly Row[]; label: string }) => (
  <Suspense fallback={waiting}>
    <ResultChart {...props} />
  </Suspense>
);
