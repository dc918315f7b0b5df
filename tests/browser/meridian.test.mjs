// A city on the antimeridian: its cells are adjacent from both sides.
import assert from "node:assert/strict";
import { test } from "node:test";
import { fetchJson, readNumber, visitPage, waitForMap } from "./browser.mjs";

/** Reads the widths of the cells on the map in degrees. */
const readCellWidths = page =>
  page.evaluate(() =>
    document
      .querySelector("[data-testid=map]")
      .map.querySourceFeatures("cells")
      .map(({ geometry }) => {
        const lngs = geometry.coordinates.flat(geometry.type === "MultiPolygon" ? 2 : 1).map(([lng]) => lng);
        return Math.max(...lngs) - Math.min(...lngs);
      }),
  );

test("the map opens on the city and counts both sides", () =>
  visitPage("", async page => {
    await waitForMap(page);
    const zoom = await page.evaluate(() => document.querySelector("[data-testid=map]").map.getZoom());
    assert.ok(zoom > 5, `zoom ${zoom}`);
    const [{ count: all }] = await fetchJson("aggregates?group_by=");
    for (const lng of [180, -180, 179.9, -179.9]) {
      await page.evaluate(
        lng => document.querySelector("[data-testid=map]").map.jumpTo({ center: [lng, -17], zoom: 9 }),
        lng,
      );
      await page.waitForFunction(() => new URLSearchParams(location.search).has("at"));
      await waitForMap(page);
      const found = await readCellWidths(page);
      assert.ok(found.length > 0, `at ${lng}`);
      assert.ok(
        found.every(width => width < 2),
        `at ${lng}: ${found}`,
      );
      const shown = await readNumber(page.getByTestId("shown"));
      const [{ count }] = await fetchJson("aggregates?group_by=&bbox=179,-18,-179,-16");
      assert.ok(shown > 0 && shown <= count && count <= all, `at ${lng}: ${shown} of ${count}`);
    }
  }));

test("a box across the antimeridian counts and becomes SQL", () =>
  visitPage("?bbox=179.9,-17.5,-179.9,-16.5", async page => {
    await waitForMap(page);
    const [{ count }] = await fetchJson("aggregates?group_by=&bbox=179.9,-17.5,-179.9,-16.5");
    assert.ok(count > 0);
    assert.equal(await readNumber(page.getByTestId("total")), count);
    const rows = await page.evaluate(
      () => document.querySelector("[data-testid=map]").map.getSource("area").serialize().data.geometry.coordinates[0],
    );
    const lngs = rows.map(([lng]) => lng);
    assert.ok(Math.max(...lngs) - Math.min(...lngs) < 1, `${lngs}`);
    await page.getByLabel("Copy or download: Cells on the map").click();
    await page.getByRole("button", { name: "Open in SQL" }).click();
    await page.waitForFunction(() => new URLSearchParams(location.search).has("sql"));
    const query = new URL(page.url()).searchParams.get("sql");
    const answer = await fetchJson(`sql?query=${encodeURIComponent(query)}`);
    assert.equal(
      answer.reduce((sum, row) => sum + row.count, 0),
      count,
    );
  }));

test("an answer with cells on both sides is a map of them", () =>
  visitPage(
    `?page=sql&sql=${encodeURIComponent("SELECT h3_h3_to_string(h3_cell_to_parent(cell, 6)) AS cell, count(*) AS n FROM incidents GROUP BY 1")}`,
    async page => {
      await page.getByRole("button", { name: "Run" }).click();
      await page.locator(".cell-map canvas").first().waitFor();
      await page.locator(".cell-map-legend").waitFor();
    },
  ));
