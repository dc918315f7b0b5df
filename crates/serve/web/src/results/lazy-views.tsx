/** Views that are loaded when they are first needed. */

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
  highlighted: string | null;
  onHover: (cell: string | null) => void;
}

/** A map of the cells of an answer. */
export const LazyMap = (props: MapProps) => (
  <Suspense fallback={waiting}>
    <CellMap {...props} />
  </Suspense>
);

/** A chart of an answer. */
export const LazyChart = (props: { shape: ChartShape; rows: readonly Row[]; label: string }) => (
  <Suspense fallback={waiting}>
    <ResultChart {...props} />
  </Suspense>
);
