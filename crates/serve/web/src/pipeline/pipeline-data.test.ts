import { expect, it, vi } from "vitest";
import type { Resource } from "../api/types";
import { classifyLag } from "./resource-lag";

vi.mock("../api/answer", () => ({ watchAnswer: () => ({ value: { rows: null } }) }));
const { mergeChanges } = await import("./pipeline-data");

it("a resource is late after three cadences", () => {
  const resource = { landed: true, lag_seconds: 7_000, cadence_seconds: 3_600 } as Resource;
  expect(classifyLag(resource)).toBe("ok");
  expect(classifyLag(resource, 4_000)).toBe("late");
  expect(classifyLag({ ...resource, landed: false })).toBe("unknown");
  expect(classifyLag({ ...resource, cadence_seconds: null })).toBe("unknown");
});

it("lists each change once, newest first", () => {
  const change = (batch: number, kind = "batch") => ({
    kind,
    version: batch,
    resource: "a",
    batch,
    committed_at: `2026-01-0${batch}T00:00:00Z`,
  });
  const all = mergeChanges([change(3), change(2), change(2, "compaction")], [change(1), change(2)]);
  expect(all.map(({ kind, batch }) => `${kind} ${batch}`)).toEqual(["batch 3", "batch 2", "compaction 2", "batch 1"]);
});
