/** The rows of the server's answers. */

/** A count, with the dimensions that were asked for. */
export interface Count {
  count: number;
  resource?: string | null;
  cell?: string | null;
  occurred_at?: string | null;
  category?: string | null;
  district?: string | null;
  neighborhood?: string | null;
  hour?: number | null;
  weekday?: number | null;
}

/** What the last audit of a resource found. */
export interface Audit {
  at: string;
  outcome: "none" | "drift" | "inconclusive";
  /** Lake minus portal, in incidents; null where it is not known. */
  drift: number | null;
}

/** A resource and how it stands. */
export interface Resource {
  name: string;
  title: string | null;
  city: string | null;
  landed: boolean;
  incidents: number;
  unlocated: number;
  undated: number;
  rejects_open: number;
  batches: number;
  watermark: number;
  pending_batches: number;
  last_landed_at: string | null;
  lag_seconds: number | null;
  exact: boolean;
  synthetic: boolean;
  cadence_seconds: number | null;
  last_audit: Audit | null;
}

/** An incident. */
export interface Incident {
  resource: string;
  id: string;
  occurred_at: string | null;
  closed_at: string | null;
  category: string | null;
  subcategory: string | null;
  status: string | null;
  district: string | null;
  neighborhood: string | null;
  cell: string | null;
}

/** A cell that is hot or cold beyond chance, or not. */
export interface Hotspot {
  cell: string;
  count: number;
  z: number | null;
  p: number | null;
  p_adjusted: number | null;
  significance: "hot" | "cold" | null;
  trend: "rising" | "falling" | null;
  trend_slope: number | null;
}

/** A value of a label with its count. */
export interface Facet {
  facet: string;
  value: string | null;
  count: number;
}

/** A limit of the server. */
export interface Limit {
  name: string;
  value: number | null;
  unit: string;
  about: string;
}

type ValueType = "text" | "integer" | "number" | "boolean" | "date" | "timestamp";

export interface QueryParameter {
  name: string;
  type: ValueType;
  required: boolean;
  default: string | null;
  about: string;
}

export interface NamedQuery {
  name: string;
  title: string;
  about: string;
  parameters: QueryParameter[];
  columns: { name: string; type: ValueType; about: string }[];
}

export interface Boundaries extends GeoJSON.FeatureCollection {
  features: GeoJSON.Feature<GeoJSON.Geometry, { resource: string; dimension: string; label: string; city: string }>[];
}
