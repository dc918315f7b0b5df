/** The rows of the server's answers, as docs/openapi.json describes them; `npm run types` generates their types. */

import type { components } from "../../generated/openapi";

type Schemas = components["schemas"];

export type Count = Schemas["Count"];
export type Facet = Schemas["Facet"];
export type Hotspot = Schemas["Hotspot"];
export type Incident = Schemas["Incident"];
export type Limit = Schemas["Limit"];
export type NamedQuery = Schemas["NamedQuery"];
export type QueryParameter = NamedQuery["parameters"][number];
export type Resource = Schemas["Resource"];

/** The answer of `/boundaries`, with the geometry types of GeoJSON. */
export interface Boundaries extends GeoJSON.FeatureCollection {
  features: GeoJSON.Feature<GeoJSON.Geometry, Schemas["Boundaries"]["features"][number]["properties"]>[];
}
