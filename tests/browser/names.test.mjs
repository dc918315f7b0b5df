// Labels named like members of every JavaScript object must work like others on every page.
import assert from "node:assert/strict";
import { test } from "node:test";
import { buildCountPath, fetchJson, fetchTotal, readNumber, visitPage, waitForMap } from "./browser.mjs";

const CITY = process.env.HOTSPOTS_CITY;
const NAMES = JSON.parse(process.env.HOTSPOTS_NAMES ?? "[]");

/** Lists the members of built-in objects, without the key that the map library adds. */
const listBuiltins = page =>
  page.evaluate(() =>
    [Object.prototype, Object, Function.prototype, Object.prototype.toString, Object.prototype.valueOf].map(object =>
      Object.getOwnPropertyNames(object)
        .filter(name => name !== "_classRegistryKey")
        .sort(),
    ),
  );

/** Opens a page and checks that it does not change built-in objects. */
const visitWithoutPollution = (path, act, options) =>
  visitPage(
    path,
    async page => {
      const other = await page.context().newPage();
      const plain = await listBuiltins(other);
      await other.close();
      await act(page);
      assert.deepEqual(await listBuiltins(page), plain);
    },
    options,
  );

/** Moves the pointer over every chart to show its tooltips. */
async function hoverCharts(page) {
  for (const canvas of await page.locator(".chart canvas, .result-chart canvas").all()) {
    await canvas.scrollIntoViewIfNeeded();
    const box = await canvas.boundingBox();
    for (const part of [0.1, 0.3, 0.5, 0.7, 0.9]) {
      await page.mouse.move(box.x + box.width * part, box.y + box.height / 2);
      await page.evaluate(() => new Promise(requestAnimationFrame));
    }
  }
}

test("the map counts, draws and filters by such labels", () =>
  visitWithoutPollution(`?city=San+Francisco`, async page => {
    assert.ok((await waitForMap(page)) > 0);
    assert.equal(await readNumber(page.getByTestId("total")), await fetchTotal(page, "resource=311-cases"));
    await hoverCharts(page);
    for (const label of ["category", "district", "neighborhood"]) {
      const listed = await page
        .locator(`button.facet[data-label="${label}"]`)
        .evaluateAll(buttons => buttons.map(button => button.dataset.value));
      const names = listed.filter(name => NAMES.includes(name));
      assert.ok(names.length >= 4, `${label}: ${listed}`);
      for (const name of names.slice(0, 4)) {
        const facet = page.locator(`button.facet[data-label="${label}"][data-value="${name}"]`);
        await facet.click();
        await page.waitForFunction(
          ([label, name]) => new URLSearchParams(location.search).get(label) === name,
          [label, name],
        );
        await waitForMap(page);
        const [{ count }] = await fetchJson(buildCountPath(page, "group_by=&resource=311-cases"));
        assert.ok(count > 0);
        assert.equal(await readNumber(page.getByTestId("total")), count, `${label} ${name}`);
        await facet.click();
        await page.waitForFunction(label => !new URLSearchParams(location.search).has(label), label);
        await waitForMap(page);
      }
    }
    await page.locator(".top-cells button").first().click();
    await page.getByTestId("cell").waitFor();
    await hoverCharts(page);
  }));

test("a resource and a city may have such names", () =>
  visitWithoutPollution("", async page => {
    await page.getByLabel("City", { exact: true }).selectOption(CITY);
    await page.waitForFunction(city => new URLSearchParams(location.search).get("city") === city, CITY);
    await waitForMap(page);
    const resources = await fetchJson("resources");
    const own = resources.filter(row => row.city === CITY);
    assert.deepEqual(
      own.map(row => row.name),
      ["constructor"],
    );
    assert.equal(await readNumber(page.getByTestId("total")), own[0].incidents);
  }));

test("columns, rows and lines of any query may have such names", () =>
  visitWithoutPollution("?page=sql", async page => {
    const run = async query => {
      await page.getByRole("textbox", { name: "SQL" }).click();
      await page.keyboard.press("ControlOrMeta+A");
      await page.keyboard.insertText(query);
      await page.keyboard.press("ControlOrMeta+Enter");
      await page.getByRole("region", { name: "Result" }).locator("tbody tr").first().waitFor();
      await page.waitForFunction(() => document.querySelector("section.outcome[aria-busy=false]"));
    };
    await run(`SELECT category AS "__proto__", count(*) AS "constructor" FROM incidents GROUP BY 1 ORDER BY 2 DESC, 1`);
    const heads = await page.locator("table.result thead th").allInnerTexts();
    assert.deepEqual(heads.slice(1), ["__proto__", "constructor"]);
    const [first] = await fetchJson("facets?facet=category&limit=1");
    const cells = await page.locator("table.result tbody tr").first().locator("td").allInnerTexts();
    assert.equal(cells[0], first.value);
    assert.equal(Number(cells[1].replaceAll(",", "")), first.count);
    await page.locator("[data-shape=bars] canvas").waitFor();
    await hoverCharts(page);
    await run(
      "SELECT date_trunc('month', occurred_at) AS month, category, count(*) AS n FROM incidents GROUP BY 1, 2 ORDER BY 1, 2",
    );
    await page.locator("[data-shape=line] canvas").waitFor();
    // The entries of the legend are buttons: the first hides its line.
    const box = await page.locator("[data-shape=line] canvas").boundingBox();
    await page.mouse.click(box.x + 60, box.y + 12);
    await hoverCharts(page);
  }));

test("values of a named query may have such names", () =>
  visitWithoutPollution("?page=queries&query=reports/categories&p.__proto__=1&p.constructor=2&p.top=3", async page => {
    const rows = page.getByRole("region", { name: "Result" }).locator("tbody tr");
    await rows.nth(2).waitFor();
    assert.equal(await rows.count(), 3);
  }));

test("a long polygon makes no address too long for proxies", () =>
  visitPage("", async page => {
    const ring = Array.from({ length: 400 }, (_, n) => {
      const angle = (2 * Math.PI * n) / 400;
      return `${(-122.44 + 0.09 * Math.cos(angle)).toFixed(6)} ${(37.77 + 0.08 * Math.sin(angle)).toFixed(6)}`;
    });
    const lengths = new Map();
    page.on("request", request => {
      const { pathname, search } = new URL(request.url());
      if (!request.isNavigationRequest()) lengths.set(pathname, Math.max(lengths.get(pathname) ?? 0, search.length));
    });
    const search = new URLSearchParams({ city: "San Francisco", polygon: ring.join(",") });
    await page.goto(`${new URL(page.url()).origin}/?${search}`);
    await waitForMap(page);
    await page.locator('button.facet[data-label="category"]').first().waitFor();
    const polygon = { type: "Polygon", coordinates: [[...ring, ring[0]].map(pair => pair.split(" ").map(Number))] };
    const answer = await fetch(`${new URL(page.url()).origin}/aggregates`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ group_by: "", resource: "311-cases", polygon }),
    });
    const [{ count }] = await answer.json();
    assert.ok(count > 0);
    assert.equal(await readNumber(page.getByTestId("total")), count);
    assert.ok(lengths.size > 5);
    for (const [path, length] of lengths) assert.ok(length < 8_000, `${path}: ${length}`);
  }));
