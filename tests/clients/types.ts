// A program in TypeScript that uses the document's types: checked, not run.

import createClient from "openapi-fetch";
import type { components, paths } from "./lake.js";

const client = createClient<paths, "application/json" | "application/problem+json">({ baseUrl: "http://127.0.0.1:8080" });

export async function counts(): Promise<number> {
  const { data, error } = await client.GET("/aggregates", {
    params: { query: { group_by: ["category"], not_category: ["Graffiti"], time_precision: "1mo", limit: 5 } },
  });
  if (error) throw new Error(error.detail);
  return data.reduce((sum, row) => sum + row.count, 0);
}

export async function newest(): Promise<components["schemas"]["Incident"][]> {
  const { data } = await client.POST("/incidents", { body: { not_category: ["Graffiti"], limit: 3 } });
  return data ?? [];
}

export async function zones(): Promise<(string | null)[]> {
  const { data } = await client.GET("/resources");
  return (data ?? []).map((resource) => resource.zone);
}
