// The map page on the rows of the demo: it shows the answers of the program.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import {
  BASE,
  buildCountPath,
  captureMap,
  fetchJson,
  fetchTotal,
  findA11yViolations,
  locateCell,
  readNumber,
  visitPage,
  waitForMap,
} from "./browser.mjs";

/** Reads the total and the number of incidents on the map. */
const readTotals = async page => [
  await readNumber(page.getByTestId("total")),
  (await page.getByTestId("shown").count()) ? await readNumber(page.getByTestId("shown")) : null,
];

/** Reads the colours of the cells on the map. */
const readCellColours = async page =>
  new Map(
    await page.evaluate(() => {
      const { map } = document.querySelector("[data-testid=map]");
      const cells = new Set(map.querySourceFeatures("cells").map(feature => feature.properties.cell));
      return [...cells].flatMap(id => {
        const { colour } = map.getFeatureState({ source: "cells", id });
        return colour ? [[id, colour]] : [];
      });
    }),
  );

const locateFacet = (page, label, value) => page.locator(`button.facet[data-label="${label}"][data-value="${value}"]`);

/** Reads the bounds of the view, rounded outward as in questions. */
const readViewBounds = page =>
  page.evaluate(() => {
    const bounds = document.querySelector("[data-testid=map]").map.getBounds();
    const down = degrees => Math.floor(degrees * 1e5) / 1e5;
    const up = degrees => Math.ceil(degrees * 1e5) / 1e5;
    return [down(bounds.getWest()), down(bounds.getSouth()), up(bounds.getEast()), up(bounds.getNorth())];
  });

/** Fetches the most frequent values of a label. */
const fetchFrequentValues = async (label, n) =>
  (await fetchJson(`facets?facet=${label}&limit=${n}`)).map(row => row.value).filter(value => value !== null);

test("the city opens with the numbers of /aggregates", () =>
  visitPage("", async page => {
    const cells = await waitForMap(page);
    const [all, onTheMap] = await readTotals(page);
    assert.equal(all, await fetchTotal(page));
    assert.equal(onTheMap, await fetchTotal(page, "located=true"));
    assert.equal(await readNumber(page.getByTestId("unlocated")), await fetchTotal(page, "located=false"));
    const resolution = new URL(`${BASE}/${await page.getByTestId("map").getAttribute("data-asked")}`).searchParams;
    const counted = await fetchJson(
      buildCountPath(page, `group_by=cell&located=true&geo_precision=${resolution.get("geo_precision")}`),
    );
    assert.equal(cells, counted.length);
    assert.ok(cells > 50, `${cells} cells`);
    await page.getByText("synthetic demo data").waitFor();
    await page.getByText("exact", { exact: true }).waitFor();
    await page.getByText("live", { exact: true }).waitFor();
    assert.match(await page.locator(".as-of").innerText(), /^as of \d{4}-\d\d-\d\d \d\d:\d\d UTC$/);
    // Without a change, the address has no parameters.
    assert.equal(new URL(page.url()).search, "");
  }));

test("a filter changes map, charts and address until cleared", () =>
  visitPage("", async page => {
    await waitForMap(page);
    const before = await captureMap(page);
    const [category] = await fetchFrequentValues("category", 1);
    await locateFacet(page, "category", category).click();
    await waitForMap(page);
    const filtered = await captureMap(page);
    assert.notDeepEqual(filtered, before);
    assert.equal(new URL(page.url()).searchParams.get("category"), category);
    const [all] = await readTotals(page);
    assert.equal(all, await fetchTotal(page));
    assert.equal(Number(await locateFacet(page, "category", category).getAttribute("data-count")), all);
    const onTheMap = await fetchJson((await page.getByTestId("map").getAttribute("data-asked")) ?? "");
    assert.deepEqual([...(await readCellColours(page)).keys()].sort(), onTheMap.map(row => row.cell).sort());
    // Other lists count under the filter, its own list without it.
    for (const label of ["resource", "district", "neighborhood"]) {
      const rows = await fetchJson(buildCountPath(page, `group_by=${label}&limit=10000`));
      for (const row of rows
        .filter(row => row[label])
        .sort((a, b) => b.count - a.count)
        .slice(0, 3)) {
        const on = Number(await locateFacet(page, label, row[label]).getAttribute("data-count"));
        assert.equal(on, row.count, `${label} ${row[label]}`);
      }
    }
    await page.getByRole("button", { name: "Clear all" }).click();
    await waitForMap(page);
    assert.equal((await readTotals(page))[0], await fetchTotal(page));
    assert.equal(new URL(page.url()).search, "");
  }));

test("the brush draws, moves and removes a window", () =>
  visitPage("", async page => {
    await waitForMap(page);
    const box = await page.getByTestId("brush").boundingBox();
    const at = part => [box.x + box.width * part, box.y + box.height / 2];
    const drag = async (from, to) => {
      await page.mouse.move(...at(from));
      await page.mouse.down();
      await page.mouse.move(...at((from + to) / 2));
      await page.mouse.move(...at(to));
      await page.mouse.up();
      await waitForMap(page);
    };
    await drag(0.25, 0.5);
    const window = () => {
      const params = new URL(page.url()).searchParams;
      return [params.get("start_time"), params.get("end_time")];
    };
    const [start, end] = window();
    assert.ok(start < end, `${start} ${end}`);
    const all = await readNumber(page.getByTestId("total"));
    assert.equal(all, await fetchTotal(page));
    assert.ok(all > 0 && all < (await fetchJson("aggregates?group_by="))[0].count);
    await drag(0.375, 0.625);
    assert.ok(window()[0] > start && window()[1] > end, "it was moved");
    assert.equal(await readNumber(page.getByTestId("total")), await fetchTotal(page));
    // By keyboard, too.
    const moved = window()[1];
    await page.getByRole("slider", { name: "End of the window (exclusive)" }).press("ArrowLeft");
    await waitForMap(page);
    assert.ok(window()[1] < moved);
    assert.equal(await readNumber(page.getByTestId("total")), await fetchTotal(page));
    await page.mouse.click(...at(0.05));
    await waitForMap(page);
    assert.deepEqual(window(), [null, null]);
  }));

/** Finds filters that match one incident with a time and a location. */
async function findLoneIncident() {
  const of = async more =>
    (await fetchJson(`aggregates?group_by=category,neighborhood&limit=100000${more}`)).filter(row => row.count === 1);
  const name = row =>
    `category=${encodeURIComponent(row.category)}&neighborhood=${encodeURIComponent(row.neighborhood)}`;
  const whole = new Set((await of("&dated=true&located=true")).map(name));
  const [found] = (await of("")).filter(row => row.category && row.neighborhood && whole.has(name(row))).map(name);
  assert.ok(found, "no category has a lone incident in a neighborhood");
  return found;
}

test("weeks without incidents are in the histogram", async () =>
  visitPage(`?${await findLoneIncident()}`, async page => {
    await waitForMap(page);
    const counted = (await fetchJson(buildCountPath(page, "group_by=time&time_precision=1w&dated=true"))).length;
    const months = (await fetchJson("aggregates?group_by=time&time_precision=1mo&dated=true")).map(
      row => row.occurred_at,
    );
    const weeks = (Date.parse(months.sort().at(-1)) - Date.parse(months[0])) / (7 * 86_400_000);
    await page.waitForFunction(sum => document.querySelector("[data-testid=bars-sum]")?.textContent === sum, "1");
    const label = await page.locator(".histogram").getAttribute("aria-label");
    const bars = Number(/^Incidents by week, (\d+) bars$/.exec(label)?.[1]);
    assert.equal(counted, 1);
    assert.ok(bars >= weeks && bars <= weeks + 7, label);
  }));

test("playback moves the window, and the totals follow", () =>
  visitPage("", async page => {
    await waitForMap(page);
    await page.getByLabel("Step").selectOption("month");
    await page.getByRole("button", { name: "Play" }).click();
    const starts = new Set();
    await page.waitForFunction(() => new URLSearchParams(location.search).get("start_time"));
    while (starts.size < 3) {
      const before = new URL(page.url()).searchParams.get("start_time");
      starts.add(before);
      await page.waitForFunction(last => new URLSearchParams(location.search).get("start_time") !== last, before);
    }
    await page.getByRole("button", { name: "Pause" }).click();
    await waitForMap(page);
    assert.deepEqual([...starts], [...starts].sort(), "forwards");
    assert.equal(await readNumber(page.getByTestId("total")), await fetchTotal(page));
  }));

test("a category keeps its colour, and charts do not animate", () =>
  visitPage("", async page => {
    await waitForMap(page);
    const treemap = page.locator(".treemap");
    await treemap.scrollIntoViewIfNeeded();
    const frames = n =>
      page.evaluate(async n => {
        for (let i = 0; i < n; i += 1) await new Promise(done => requestAnimationFrame(done));
      }, n);
    const keys = async () =>
      new Map(
        await page.locator(".line-legend button").evaluateAll(all =>
          all.map(key => {
            const [name, count] = [key.textContent.trim(), key.querySelector("b").textContent];
            return [name.slice(0, -count.length).trim(), getComputedStyle(key.querySelector("i")).backgroundColor];
          }),
        ),
      );
    const area = () =>
      treemap.locator("canvas").evaluate(canvas => {
        const copy = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
        copy.drawImage(canvas, 5, 5, 1, 1, 0, 0, 1, 1);
        const [r, g, b] = copy.getImageData(0, 0, 1, 1).data;
        return `rgb(${r}, ${g}, ${b})`;
      });
    const alone = new Map();
    for (const category of await fetchFrequentValues("category", 5)) {
      await locateFacet(page, "category", category).click();
      await waitForMap(page);
      await frames(3);
      const before = await treemap.screenshot();
      const [own] = [...(await keys()).values()];
      assert.equal(await area(), own, category);
      await frames(30);
      assert.deepEqual(await treemap.screenshot(), before, "nothing moves");
      alone.set(category, own);
      await locateFacet(page, "category", category).click();
      await waitForMap(page);
    }
    const [a] = alone.keys();
    const b = [...alone.keys()].find(name => alone.get(name) !== alone.get(a));
    for (const name of [a, b]) await locateFacet(page, "category", name).click();
    await waitForMap(page);
    const together = await keys();
    for (const name of [a, b]) assert.equal(together.get(name), alone.get(name), name);
  }));

test("a click on a cell opens its details and numbers", () =>
  visitPage("", async page => {
    await waitForMap(page);
    const top = page.locator(".top-cells button").first();
    const cell = await top.getAttribute("data-cell");
    const { x, y } = await locateCell(page, cell);
    await page.mouse.move(x, y);
    const hovered = await page.locator(".cell-tooltip strong").innerText();
    await page.mouse.click(x, y);
    await page.getByTestId("cell").waitFor();
    await waitForMap(page);
    const [{ count }] = await fetchJson(buildCountPath(page, `group_by=&cell=${cell}`));
    assert.equal(await readNumber(page.getByTestId("cell-total")), count);
    assert.equal(Number(hovered.replaceAll(",", "").split(" ")[0]), count);
    const latest = await fetchJson(`incidents?cell=${cell}&limit=20`);
    const times = await page.locator(".latest time").allInnerTexts();
    assert.deepEqual(
      times,
      latest.map(row => row.occurred_at.slice(0, 16).replace("T", " ")),
    );
    await page.getByRole("button", { name: "Close the cell" }).click();
    await page.getByTestId("cell").waitFor({ state: "detached" });
  }));

test("Escape ends drawing, else it closes the cell", () =>
  visitPage("", async page => {
    await waitForMap(page);
    await page.locator(".top-cells button").first().click();
    await page.getByTestId("cell").waitFor();
    await page.getByRole("button", { name: "Draw a polygon" }).click();
    await page.locator("[data-testid=map][data-drawing=ready]").waitFor();
    await page.keyboard.press("Escape");
    await page.locator("[data-testid=map]:not([data-drawing])").waitFor();
    assert.equal(await page.getByTestId("cell").count(), 1, "one thing at a time");
    // Escape closes an open menu first.
    const menu = page.getByTestId("cell").locator("details.menu").first();
    await menu.locator("summary").click();
    await page.keyboard.press("Escape");
    assert.equal(await menu.getAttribute("open"), null);
    assert.equal(await page.getByTestId("cell").count(), 1);
    await page.keyboard.press("Escape");
    await page.getByTestId("cell").waitFor({ state: "detached" });
    await waitForMap(page);
    assert.equal(new URL(page.url()).search, "");
  }));

test("Back restores filters and the position of the map", () =>
  visitPage("", async page => {
    await waitForMap(page);
    const [all] = await readTotals(page);
    const steps = () => page.evaluate(() => history.length);
    const before = await steps();
    const [category] = await fetchFrequentValues("category", 1);
    await locateFacet(page, "category", category).click();
    await waitForMap(page);
    const [filtered] = await readTotals(page);
    assert.equal(await steps(), before + 1);
    // Moving the map is not a step.
    const middle = () => page.evaluate(() => document.querySelector("[data-testid=map]").map.getCenter().toArray());
    const home = await middle();
    const box = await page.getByTestId("map").boundingBox();
    await page.mouse.move(box.x + 300, box.y + 300);
    await page.mouse.wheel(0, -600);
    await page.waitForFunction(() => new URLSearchParams(location.search).has("at"));
    await waitForMap(page);
    const there = await middle();
    assert.equal(await steps(), before + 1);
    await page.goBack();
    await waitForMap(page);
    assert.equal(new URL(page.url()).search, "");
    assert.deepEqual(await readTotals(page), [all, await fetchTotal(page, "located=true")]);
    for (const [axis, degrees] of (await middle()).entries()) assert.ok(Math.abs(degrees - home[axis]) < 1e-6);
    await page.goForward();
    await waitForMap(page);
    assert.equal(new URL(page.url()).searchParams.get("category"), category);
    assert.equal(await readNumber(page.getByTestId("total")), filtered);
    for (const [axis, degrees] of (await middle()).entries()) assert.ok(Math.abs(degrees - there[axis]) < 1e-4);
    assert.equal(
      await readNumber(page.getByTestId("shown")),
      (await fetchJson(buildCountPath(page, `group_by=&located=true&bbox=${await readViewBounds(page)}`)))[0].count,
    );
  }));

test("a drag is one step of the history, playback none", () =>
  visitPage("", async page => {
    await waitForMap(page);
    const steps = () => page.evaluate(() => history.length);
    const before = await steps();
    const box = await page.getByTestId("brush").boundingBox();
    const at = part => [box.x + box.width * part, box.y + box.height / 2];
    await page.mouse.move(...at(0.2));
    await page.mouse.down();
    const began = performance.now();
    let end = null;
    for (let part = 0.3; part < 0.8; part += 0.05) {
      await page.mouse.move(...at(part));
      await page.waitForFunction(last => new URLSearchParams(location.search).get("end_time") !== last, end);
      end = new URL(page.url()).searchParams.get("end_time");
    }
    assert.ok(performance.now() - began > 1_500, "longer than what is one step for being fast");
    await page.mouse.up();
    await waitForMap(page);
    assert.equal(await steps(), before + 1);
    await page.getByRole("button", { name: "Play" }).click();
    const start = new URL(page.url()).searchParams.get("start_time");
    await page.waitForFunction(last => new URLSearchParams(location.search).get("start_time") !== last, start);
    await page.getByRole("button", { name: "Pause" }).click();
    assert.equal(await steps(), before + 1);
    await page.goBack();
    await waitForMap(page);
    assert.equal(new URL(page.url()).search, "");
  }));

test("boundaries are drawn one set at a time, or none", () =>
  visitPage("", async page => {
    await waitForMap(page);
    const labels = () =>
      page.evaluate(() => {
        const { map } = document.querySelector("[data-testid=map]");
        return [...new Set(map.querySourceFeatures("boundaries").map(feature => feature.properties.label))].sort();
      });
    const { features } = await fetchJson("boundaries?tolerance=12");
    const sets = [...new Set(features.map(feature => feature.properties.resource))];
    const choice = page.getByLabel("Boundaries");
    await choice.waitFor();
    assert.deepEqual(await choice.locator("option").evaluateAll(all => all.map(option => option.value)), [...sets, ""]);
    for (const set of [sets.at(-1), sets[0]]) {
      await choice.selectOption(set);
      const wanted = features.filter(feature => feature.properties.resource === set).map(f => f.properties.label);
      await page.waitForFunction(n => {
        const { map } = document.querySelector("[data-testid=map]");
        const found = map.querySourceFeatures("boundaries").map(feature => feature.properties.label);
        return new Set(found).size === n && map.loaded();
      }, new Set(wanted).size);
      assert.deepEqual(await labels(), [...new Set(wanted)].sort());
    }
    const before = await captureMap(page);
    await choice.selectOption("");
    await page.waitForFunction(() => {
      const { map } = document.querySelector("[data-testid=map]");
      return map.querySourceFeatures("boundaries").length === 0 && map.loaded();
    });
    assert.notDeepEqual(await captureMap(page), before);
    await page.waitForFunction(() => new URLSearchParams(location.search).get("outlines") === "");
  }));

test("a comparison shows both totals and their difference", () =>
  visitPage("?start_time=2024-03-01&end_time=2024-05-01", async page => {
    await waitForMap(page);
    await page.getByRole("button", { name: "Compare" }).click();
    await waitForMap(page);
    await page.getByRole("button", { name: "Previous year" }).click();
    await page.getByTestId("total-b").waitFor();
    await waitForMap(page);
    const params = new URL(page.url()).searchParams;
    assert.deepEqual([params.get("b_start"), params.get("b_end")], ["2023-03-01", "2023-05-01"]);
    const of = (start, end, more = "") => fetchJson(`aggregates?start_time=${start}&end_time=${end}&${more}`);
    const [[a], [b]] = [
      await of("2024-03-01", "2024-05-01", "group_by="),
      await of("2023-03-01", "2023-05-01", "group_by="),
    ];
    assert.equal(await readNumber(page.getByTestId("total")), a.count);
    assert.equal(await readNumber(page.getByTestId("total-b")), b.count);
    // The list starts with the largest change.
    const first = await page.locator(".top-cells button").first();
    const cell = await first.getAttribute("data-cell");
    const text = await first.innerText();
    const [inA, inB] = [
      (await of("2024-03-01", "2024-05-01", `group_by=&cell=${cell}`))[0].count,
      (await of("2023-03-01", "2023-05-01", `group_by=&cell=${cell}`))[0].count,
    ];
    assert.match(text, new RegExp(`A ${inA} · B ${inB} · `));
    const change = await captureMap(page);
    await page.locator(".legend").getByRole("button", { name: "B", exact: true }).click();
    await waitForMap(page);
    assert.notDeepEqual(await captureMap(page), change);
  }));

test("default windows of a comparison are equally many months", () =>
  visitPage("", async page => {
    await waitForMap(page);
    await page.getByRole("button", { name: "Compare" }).click();
    await waitForMap(page);
    const months = (await fetchJson("aggregates?group_by=time&time_precision=1mo&dated=true")).filter(
      row => row.count > 100,
    );
    const first = months.map(row => row.occurred_at.slice(0, 10)).sort()[0];
    const params = new URL(page.url()).searchParams;
    const [start, end, before, until] = ["start_time", "end_time", "b_start", "b_end"].map(name => params.get(name));
    const count = (a, b) => 12 * (b.slice(0, 4) - a.slice(0, 4)) + (b.slice(5, 7) - a.slice(5, 7));
    assert.equal(until, start);
    assert.equal(count(before, until), count(start, end));
    assert.ok([start, end, before].every(text => text.endsWith("-01")) && before >= first, `${before} ${first}`);
    const half = Math.floor(months.length / 2);
    assert.equal(count(start, end), half);
  }));

test("windows of different length are compared per day", () =>
  visitPage(
    "?show=compare&start_time=2024-01-01&end_time=2024-03-01&b_start=2023-01-01&b_end=2024-01-01",
    async page => {
      await waitForMap(page);
      const of = (start, end) =>
        fetchJson(
          `aggregates?group_by=cell&geo_precision=9&located=true&limit=100000&start_time=${start}&end_time=${end}`,
        );
      const [a, b] = [await of("2024-01-01", "2024-03-01"), await of("2023-01-01", "2024-01-01")];
      const changes = new Map(a.map(row => [row.cell, row.count / 60]));
      for (const { cell, count } of b) changes.set(cell, (changes.get(cell) ?? 0) - count / 365);
      const colours = await readCellColours(page);
      const none = [...colours].filter(([cell]) => changes.get(cell) === 0).map(([, colour]) => colour);
      const some = [...colours].filter(([cell]) => changes.get(cell) !== 0);
      assert.ok(some.some(([cell]) => Math.abs(changes.get(cell)) < 0.005));
      const quiet = await page.locator(".legend li", { hasText: /^0$/ }).locator("i").getAttribute("style");
      const rgb = colour => colour.match(/\w\w/g).map(part => Number.parseInt(part, 16));
      for (const colour of new Set(none)) assert.ok(quiet.includes(rgb(colour).join(", ")), `${colour} ${quiet}`);
      for (const [cell, colour] of some) assert.ok(!quiet.includes(rgb(colour).join(", ")), cell);
      const sizes = [...changes].sort((x, y) => Math.abs(y[1]) - Math.abs(x[1]));
      assert.equal(await page.locator(".top-cells button").first().getAttribute("data-cell"), sizes[0][0]);
      const [inA, inB] = [
        await fetchTotal(page),
        (await fetchJson("aggregates?group_by=&start_time=2023-01-01&end_time=2024-01-01"))[0].count,
      ];
      const part = 100 * (inA / 60 / (inB / 365) - 1);
      const text = `${part < 0 ? "−" : "+"}${Math.abs(part).toFixed(1)} % per day`;
      assert.ok((await page.locator(".summary").innerText()).includes(text), text);
      // The other scale has other classes; negative numbers have a minus sign.
      const legend = () => page.locator(".legend .steps").innerText();
      const before = await legend();
      await page.getByRole("button", { name: "Linear" }).click();
      await waitForMap(page);
      assert.notEqual(await legend(), before);
      assert.ok(!/-/.test(before) && /−/.test(before), before);
      assert.notDeepEqual([...(await readCellColours(page))], [...colours]);
    },
  ));

for (const [name, kind] of [
  ["Draw a box", "bbox"],
  ["Draw a polygon", "polygon"],
]) {
  test(`${name.toLowerCase()}: exactly the incidents in it are counted`, () =>
    visitPage("", async page => {
      await waitForMap(page);
      const box = await page.getByTestId("map").boundingBox();
      const at = (x, y) => [box.x + box.width * x, box.y + box.height * y];
      await page.getByRole("button", { name }).click();
      await page.locator("[data-testid=map][data-drawing=ready]").waitFor();
      const corners =
        kind === "bbox"
          ? [
              [0.4, 0.3],
              [0.65, 0.6],
            ]
          : [
              [0.4, 0.3],
              [0.7, 0.35],
              [0.6, 0.65],
            ];
      for (const [x, y] of corners) {
        await page.mouse.move(...at(x, y), { steps: 4 });
        await page.mouse.click(...at(x, y));
      }
      // A second click on the last corner ends a polygon.
      if (kind === "polygon") await page.mouse.click(...at(...corners[2]));
      await page.getByRole("button", { name: "Remove the drawn area" }).waitFor();
      await waitForMap(page);
      assert.ok(new URL(page.url()).searchParams.has(kind), page.url());
      const all = await readNumber(page.getByTestId("total"));
      assert.equal(all, await fetchTotal(page));
      assert.ok(all > 0 && all < (await fetchJson("aggregates?group_by="))[0].count, `${all}`);
      await page.getByRole("button", { name: "Remove the drawn area" }).click();
      await waitForMap(page);
      assert.equal(await readNumber(page.getByTestId("total")), await fetchTotal(page));
    }));
}

test("hours of the week filter by dragging and by key", () =>
  visitPage("", async page => {
    await waitForMap(page);
    const square = (weekday, hour) => page.locator(`.week button[data-weekday="${weekday}"][data-hour="${hour}"]`);
    const rows = await fetchJson("aggregates?group_by=weekday,hour&dated=true");
    for (const { weekday, hour, count } of rows.filter((_, n) => n % 17 === 0)) {
      assert.equal(Number(await square(weekday, hour).getAttribute("data-count")), count, `${weekday} ${hour}`);
    }
    await square(1, 8).scrollIntoViewIfNeeded();
    await square(1, 8).dispatchEvent("pointerdown", { pointerId: 1, button: 0 });
    await square(5, 11).dispatchEvent("pointerup", { pointerId: 1, button: 0 });
    await waitForMap(page);
    const params = new URL(page.url()).searchParams;
    assert.deepEqual(params.getAll("weekday"), ["1", "2", "3", "4", "5"]);
    assert.deepEqual(params.getAll("hour"), ["8", "9", "10", "11"]);
    assert.equal(await readNumber(page.getByTestId("total")), await fetchTotal(page));
    await square(7, 23).focus();
    await page.keyboard.press("Enter");
    await waitForMap(page);
    assert.equal(await readNumber(page.getByTestId("total")), await fetchTotal(page));
    assert.deepEqual(new URL(page.url()).searchParams.getAll("weekday"), ["7"]);
  }));

test("hot spots are the significant cells of /hotspots", () =>
  visitPage("", async page => {
    await waitForMap(page);
    const before = await captureMap(page);
    await page.getByRole("button", { name: "Hot spots" }).click();
    const cells = await waitForMap(page);
    assert.notDeepEqual(await captureMap(page), before);
    const found = await fetchJson((await page.getByTestId("map").getAttribute("data-asked")) ?? "");
    assert.equal(cells, found.length);
    assert.ok(found.some(row => row.significance === "hot"));
    const colours = await readCellColours(page);
    assert.deepEqual([...colours.keys()].sort(), found.map(row => row.cell).sort());
    const quiet = new Set(found.filter(row => row.significance === null).map(row => row.cell));
    const [inside, outside] = [new Set(), new Set()];
    for (const [cell, colour] of colours) (quiet.has(cell) ? outside : inside).add(colour);
    assert.ok(
      outside.size <= 1 && [...outside].every(colour => !inside.has(colour)),
      "what is within chance is of one colour",
    );
    const legend = await page
      .locator(".legend i")
      .evaluateAll(all => all.map(i => getComputedStyle(i).backgroundColor));
    const rgb = colour =>
      `rgb(${colour
        .match(/\w\w/g)
        .map(part => Number.parseInt(part, 16))
        .join(", ")})`;
    for (const { cell, significance } of found) {
      if (significance) assert.equal(rgb(colours.get(cell)), legend[significance === "hot" ? 0 : 1], cell);
    }
    const [first] = found;
    assert.match(
      await page.locator(".top-cells button").first().innerText(),
      new RegExp(`z ${first.z.toFixed(2).replace("-", "\\-")}`),
    );
  }));

test("a zoomed map requests whole cells in view only", () =>
  visitPage("?at=37.77,-122.42,14", async page => {
    await waitForMap(page);
    const question = new URLSearchParams((await page.getByTestId("map").getAttribute("data-asked")).split("?")[1]);
    assert.equal(question.get("geo_precision"), "10");
    assert.ok(question.getAll("cell").length > 0);
    const all = new Map(
      (await fetchJson("aggregates?group_by=cell&geo_precision=10&located=true&limit=1000000")).map(r => [
        r.cell,
        r.count,
      ]),
    );
    const asked = await fetchJson(`aggregates?${question}`);
    assert.ok(asked.length > 0 && asked.length < all.size);
    for (const { cell, count } of asked) assert.equal(count, all.get(cell), cell);
    // The count is that of the view, not of all requested cells.
    const frame = await readViewBounds(page);
    const [{ count }] = await fetchJson(`aggregates?group_by=&located=true&bbox=${frame}`);
    assert.equal(await readNumber(page.getByTestId("shown")), count);
    assert.ok(count < asked.reduce((sum, row) => sum + row.count, 0), "the cells that were asked for reach beyond it");
    const [west, south, east, north] = frame;
    const { features } = await fetchJson(`aggregates?${question}&format=geojson`);
    const touching = features.filter(({ geometry }) => {
      const [lng, lat] = [0, 1].map(axis => geometry.coordinates[0].map(at => at[axis]));
      const across = Math.max(...lng) >= west && Math.min(...lng) <= east;
      return across && Math.max(...lat) >= south && Math.min(...lat) <= north;
    });
    assert.deepEqual(
      [...(await readCellColours(page)).keys()].sort(),
      touching.map(({ properties }) => properties.cell).sort(),
    );
    const most = Math.max(...touching.map(({ properties }) => properties.count));
    assert.match(
      await page.locator(".top-cells button").first().innerText(),
      new RegExp(`^${most.toLocaleString("en")} incidents`),
    );
    // Charts follow the map; without the checkbox they count the complete city.
    const matrix = async () =>
      (await page.locator(".week td button").evaluateAll(all => all.map(b => Number(b.dataset.count)))).reduce(
        (a, b) => a + b,
      );
    assert.equal(await matrix(), (await fetchJson(`aggregates?group_by=&dated=true&bbox=${frame}`))[0].count);
    await page.getByLabel("Count only incidents in view").uncheck();
    await waitForMap(page);
    assert.equal(await matrix(), (await fetchJson("aggregates?group_by=&dated=true"))[0].count);
  }));

test("a drawn box and the view are intersected", () =>
  visitPage("?at=37.77,-122.42,14&bbox=-122.43,37.7,-122.3,37.775", async page => {
    await waitForMap(page);
    const [west, south, east, north] = await readViewBounds(page);
    const both = [Math.max(west, -122.43), Math.max(south, 37.7), Math.min(east, -122.3), Math.min(north, 37.775)];
    const [{ count }] = await fetchJson(`aggregates?group_by=&located=true&bbox=${both}`);
    assert.ok(count > 0 && count < (await fetchTotal(page)));
    assert.equal(await readNumber(page.getByTestId("shown")), count);
  }));

test("the count on the map follows the comparison and failures", () =>
  visitPage(
    "?show=compare&compare=b&start_time=2024-03-01&end_time=2024-05-01&b_start=2023-03-01&b_end=2023-04-01",
    async page => {
      await waitForMap(page);
      const during = "group_by=&located=true&start_time=2023-03-01&end_time=2023-04-01";
      const shown = page.getByTestId("shown");
      assert.equal(await readNumber(shown), (await fetchJson(`aggregates?${during}`))[0].count);
      const box = await page.getByTestId("map").boundingBox();
      await page.mouse.move(box.x + 300, box.y + 300);
      await page.mouse.wheel(0, -600);
      await page.waitForFunction(() => new URLSearchParams(location.search).has("at"));
      await waitForMap(page);
      const [{ count }] = await fetchJson(`aggregates?${during}&bbox=${await readViewBounds(page)}`);
      assert.equal(await readNumber(shown), count);
      await page.route(/aggregates/, route => route.abort());
      await page.locator(".week tbody th button").first().click();
      await page.getByText("the server cannot be reached").first().waitFor();
      assert.equal(await shown.innerText(), "…");
    },
    { expected: [/ERR_FAILED/] },
  ));

test("the address restores the view", async () => {
  const [category] = await fetchFrequentValues("category", 1);
  const first = await visitPage("", async page => {
    await waitForMap(page);
    await locateFacet(page, "category", category).click();
    await page.getByRole("button", { name: "Linear" }).click();
    await page.getByRole("button", { name: "30 d" }).click();
    await page.getByRole("button", { name: "3D columns" }).click();
    const box = await page.getByTestId("map").boundingBox();
    await page.mouse.move(box.x + 300, box.y + 300);
    await page.mouse.wheel(0, -240);
    await page.waitForFunction(() => new URLSearchParams(location.search).has("at"));
    const cells = await waitForMap(page);
    return { url: page.url(), cells, all: await readNumber(page.getByTestId("total")) };
  });
  const search = new URL(first.url).search;
  for (const name of ["category=", "scale=linear", "tilted=true", "start_time=", "at="])
    assert.ok(search.includes(name), name);
  await visitPage(search, async page => {
    assert.equal(await waitForMap(page), first.cells);
    assert.equal(await readNumber(page.getByTestId("total")), first.all);
    assert.equal(await page.getByRole("button", { name: "Linear" }).getAttribute("aria-pressed"), "true");
    assert.equal(new URL(page.url()).search, search);
  });
});

test("open windows and times with Z match /aggregates", () =>
  visitPage("?start_time=2024-05-01T06:00:00Z", async page => {
    await waitForMap(page);
    const open = await fetchJson("aggregates?group_by=&start_time=2024-05-01T06:00:00Z");
    assert.equal(await readNumber(page.getByTestId("total")), open[0].count);
    const question = new URLSearchParams((await page.getByTestId("map").getAttribute("data-asked")).split("?")[1]);
    assert.deepEqual([question.get("start_time"), question.get("end_time")], ["2024-05-01T06:00:00", null]);
    assert.equal(await page.getByTestId("window").innerText(), "from 2024-05-01 06:00");
    // The brush shows it, and the keyboard can close it.
    await page.getByRole("slider", { name: "End of the window (exclusive)" }).press("ArrowLeft");
    await waitForMap(page);
    const params = new URL(page.url()).searchParams;
    assert.equal(params.get("start_time"), "2024-05-01T06:00:00");
    assert.ok(params.get("end_time") > "2024-05-01");
    assert.equal(await readNumber(page.getByTestId("total")), await fetchTotal(page));
    // A comparison closes an open window.
    await page.goto(`${BASE}/?end_time=2024-05-01`);
    await waitForMap(page);
    assert.equal(
      await readNumber(page.getByTestId("total")),
      (await fetchJson("aggregates?group_by=&end_time=2024-05-01"))[0].count,
    );
    await page.getByRole("button", { name: "Compare" }).click();
    await page.getByTestId("total-b").waitFor();
    await waitForMap(page);
    assert.ok(new URL(page.url()).searchParams.get("start_time") < "2024-05-01");
  }));

test("filters only in the address apply and can be removed", () =>
  visitPage(
    "?category!=Larceny+Theft&neighborhood!=Mission&neighborhood!=&near=37.77,-122.42,3000&hour=8",
    async page => {
      await waitForMap(page);
      const left = "aggregates?group_by=&hour=8&category!=Larceny+Theft&neighborhood!=Mission&neighborhood!=";
      const all = (await fetchJson("aggregates?group_by=&hour=8"))[0].count;
      assert.equal(
        await readNumber(page.getByTestId("total")),
        (await fetchJson(`${left}&near=37.77,-122.42,3000`))[0].count,
      );
      assert.equal(new URL(page.url()).searchParams.get("near"), "37.77,-122.42,3000");
      await page.getByText("4 filters", { exact: true }).waitFor();
      await page.getByRole("button", { name: "Remove filter: within 3000 m of 37.77, -122.42" }).click();
      await waitForMap(page);
      assert.equal(await readNumber(page.getByTestId("total")), (await fetchJson(left))[0].count);
      assert.deepEqual(new URL(page.url()).searchParams.getAll("neighborhood!"), ["Mission", ""]);
      await page.getByText("neighborhood is not Mission").waitFor();
      await page.getByRole("button", { name: "Clear all" }).click();
      await waitForMap(page);
      assert.equal(new URL(page.url()).search, "");
      assert.ok((await readNumber(page.getByTestId("total"))) > all);
    },
  ));

test("a resource in the filter switches to its city", () =>
  visitPage("", async page => {
    await waitForMap(page);
    await page.route(/\/resources$/, async route => {
      const response = await route.fetch();
      const rows = await response.json();
      const other = rows.find(row => row.name === "chicago-crimes");
      await route.fulfill({
        response,
        json: rows.map(row => (row === other ? { ...row, landed: true, incidents: 1 } : row)),
      });
    });
    await page.goto(`${BASE}/?resource=chicago-crimes`);
    await waitForMap(page);
    const city = page.getByLabel("City", { exact: true });
    assert.equal(await city.inputValue(), "Chicago");
    await locateFacet(page, "resource", "chicago-crimes").click();
    await page.getByText("No filters").waitFor();
    await waitForMap(page);
    assert.equal(await city.inputValue(), "Chicago");
    assert.ok((await page.getByTestId("map").getAttribute("data-asked")).includes("resource=chicago-crimes"));
  }));

test("a panel is copied as curl, SQL and CSV with equal counts", () =>
  visitPage("?weekday=6&weekday=7", async page => {
    await waitForMap(page);
    const panel = page.locator("section.panel", { hasText: "Share of categories" });
    const copied = async name => {
      await panel.locator("summary").click();
      await panel.getByRole("button", { name }).click();
      await page
        .locator(".notification", { hasText: `${name.slice("Copy as ".length)} ` })
        .filter({ hasText: "copied" })
        .waitFor();
      return page.evaluate(() => navigator.clipboard.readText());
    };
    const curl = await copied("Copy as curl");
    const url = /^curl '(.*)'$/.exec(curl)[1];
    assert.ok(url.startsWith(`${BASE}/aggregates?`), url);
    const rows = await (await fetch(url)).json();
    const sum = rows => rows.reduce((sum, row) => sum + Number(row.count), 0);
    assert.equal(sum(rows), await fetchTotal(page));
    const query = await copied("Copy as SQL");
    const answer = await fetch(`${BASE}/sql`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ query }),
    });
    assert.equal(answer.status, 200, `${query}\n${await answer.clone().text()}`);
    assert.equal(sum(await answer.json()), await fetchTotal(page));
    const [head, ...lines] = (await copied("Copy as CSV")).trim().split("\n");
    const column = head.trim().split(",").indexOf("count");
    assert.ok(column >= 0, head);
    assert.equal(lines.length, rows.length);
  }));

test("a panel is downloaded completely", () =>
  visitPage("?weekday=3", async page => {
    await waitForMap(page);
    const menu = page.locator("section.panel", { hasText: "Hours of the week" });
    await menu.locator("summary").click();
    const [download] = await Promise.all([
      page.waitForEvent("download"),
      menu.getByRole("button", { name: "Download CSV" }).click(),
    ]);
    assert.equal(download.suggestedFilename(), "hours-of-the-week.csv");
    const [head, ...lines] = readFileSync(await download.path(), "utf8")
      .trim()
      .split("\n");
    const column = head.trim().split(",").indexOf("count");
    const squares = page.locator(".week td button");
    const shown = (await squares.evaluateAll(all => all.map(b => Number(b.dataset.count)))).reduce((a, b) => a + b);
    assert.equal(
      lines.reduce((sum, line) => sum + Number(line.split(",")[column]), 0),
      shown,
    );
  }));

for (const [where, search] of [
  ["a window of hours", "start_time=2024-05-01T06:00&end_time=2024-06-01T18:00"],
  ["a circle with exclusions", "near=37.77,-122.42,2000&neighborhood!=Mission&district!="],
  ["a polygon", "polygon=-122.45 37.72,-122.39 37.74,-122.43 37.80"],
])
  test(`copied curl and SQL agree for ${where}`, () =>
    visitPage(`?${search}`, async page => {
      await waitForMap(page);
      const menus = page.locator("details.menu");
      const sum = rows => rows.reduce((sum, row) => sum + Number(row.count ?? row.closed), 0);
      let copied = 0;
      for (let n = 0; n < (await menus.count()); n += 1) {
        const take = async (name, said) => {
          await menus.nth(n).locator("summary").click();
          await menus.nth(n).getByRole("button", { name }).click();
          await page.locator(".notification", { hasText: said }).waitFor();
          return page.evaluate(() => navigator.clipboard.readText());
        };
        const url = /^curl '(.*)'$/.exec(await take("Copy as curl", "curl command copied"))[1];
        const query = await take("Copy as SQL", "SQL copied");
        const answer = await fetch(`${BASE}/sql`, {
          method: "POST",
          headers: { "Content-Type": "application/json" },
          body: JSON.stringify({ query }),
        });
        assert.equal(answer.status, 200, `${query}\n${await answer.clone().text()}`);
        const asked = await fetch(url);
        assert.equal(asked.status, 200, url);
        assert.equal(sum(await answer.json()), sum(await asked.json()), `${url}\n${query}`);
        copied += 1;
      }
      assert.ok(copied >= 8, `${copied}`);
    }));

test("a copied curl command refers to the token by a variable", () =>
  visitPage("", async page => {
    await page.evaluate(() => sessionStorage.setItem("hotspots-lake token", "0123456789abcdef"));
    await waitForMap(page);
    const panel = page.locator("section.panel", { hasText: "Share of categories" });
    await panel.locator("summary").click();
    await panel.getByRole("button", { name: "Copy as curl" }).click();
    await page.locator(".notification", { hasText: "curl command copied" }).waitFor();
    const copied = await page.evaluate(() => navigator.clipboard.readText());
    assert.ok(copied.startsWith(`curl -H "Authorization: Bearer $HOTSPOTS_TOKEN" '${BASE}/aggregates?`), copied);
    assert.ok(!copied.includes("0123456789abcdef"), copied);
  }));

/** Answers requests of the page with given rows. */
const fakeAnswer = (page, path, rows) =>
  page.route(new RegExp(`/${path}\\?`), async route => {
    const params = new URL(route.request().url()).searchParams;
    const answer = rows(params);
    if (answer === null) return route.fallback();
    const limit = Number(params.get("limit") ?? 1e6);
    const headers = { "lake-truncated": String(answer.length > limit) };
    return route.fulfill({ json: answer.slice(0, limit), headers });
  });

test("search finds values beyond the most frequent", () =>
  visitPage("", async page => {
    const all = Array.from({ length: 5_000 }, (_, n) => ({ facet: "category", value: `kind ${n}`, count: 6_000 - n }));
    await fakeAnswer(page, "facets", params => (params.get("facet") === "category" ? all : null));
    await page.reload();
    await waitForMap(page);
    const search = page.getByLabel("Search Category");
    assert.equal(await search.getAttribute("placeholder"), "Search");
    assert.match(await page.getByLabel("Search Neighborhood").getAttribute("placeholder"), /^Search \d+$/);
    await search.fill("kind 4321");
    await locateFacet(page, "category", "kind 4321").click();
    await search.fill("");
    await waitForMap(page);
    assert.equal(await locateFacet(page, "category", "kind 4321").getAttribute("data-count"), "1679");
    await search.fill("kind");
    await page.getByText("The 300 most frequent").waitFor();
    // The selected value stays visible.
    assert.equal(await page.locator('button.facet[data-label="category"]').count(), 301);
  }));

test("too many categories are counted and not drawn", () =>
  visitPage("", async page => {
    const all = Array.from({ length: 5_000 }, (_, n) => ({ resource: "a", category: `kind ${n}`, count: 10 }));
    await fakeAnswer(page, "aggregates", params => (params.get("group_by") === "resource,category" ? all : null));
    await page.reload();
    await waitForMap(page);
    const panel = page.locator("section.panel", { hasText: "Share of categories" });
    await panel.getByText("4,976 others omitted (100 %)").waitFor();
  }));

test("an empty map explains unlocated incidents", () =>
  visitPage("", async page => {
    await waitForMap(page);
    const placed = { cell: null, count: 7 };
    await fakeAnswer(page, "aggregates", params => {
      if (params.get("group_by") === "") return [placed];
      return params.get("group_by") === "cell" && params.get("located") === "true" ? [] : null;
    });
    await page.goto(`${BASE}/?at=37.77,-122.42,12`);
    await page.getByText("None of these 7 incidents has a usable location.").waitFor();
  }));

test("texts fit their panels, and one incident is singular", async () =>
  visitPage(`?${await findLoneIncident()}`, async page => {
    await waitForMap(page);
    assert.match(await page.locator(".summary").innerText(), /^1\s+incident\b/);
    const cut = () =>
      page
        .locator(".panel > header > *")
        .evaluateAll(all =>
          all.filter(each => each.scrollWidth > each.clientWidth && each.clientWidth > 0).map(each => each.textContent),
        );
    assert.deepEqual(await cut(), []);
    await page.getByRole("button", { name: "Clear all" }).click();
    await waitForMap(page);
    assert.deepEqual(await cut(), []);
    await page.locator(".week button[data-weekday]").first().press("Enter");
    await waitForMap(page);
    assert.deepEqual(await cut(), []);
  }));

test("only significant hot spots are listed, or none", () =>
  visitPage("?show=hotspots", async page => {
    await waitForMap(page);
    const asked = (await page.getByTestId("map").getAttribute("data-asked")) ?? "";
    const hot = (await fetchJson(asked)).filter(row => row.significance === "hot").map(row => row.cell);
    const listed = await page.locator(".top-cells button").evaluateAll(all => all.map(button => button.dataset.cell));
    assert.deepEqual(listed, hot.slice(0, 10));
    const quiet = (await fetchJson(asked)).map(row => ({ ...row, significance: null }));
    await fakeAnswer(page, "hotspots", () => quiet);
    await page.reload();
    await page.getByText("No significant hot spots.").waitFor();
  }));

test("an empty lake does not blame the filters", () =>
  visitPage("", async page => {
    await waitForMap(page);
    const resources = await fetchJson("resources");
    await page.route(/\/resources$/, route =>
      route.fulfill({ json: resources.map(resource => ({ ...resource, landed: false, incidents: 0 })) }),
    );
    await fakeAnswer(page, "(aggregates|facets|sql)", params => (params.get("group_by") === "" ? [{ count: 0 }] : []));
    await page.reload();
    await page.getByText("The lake is empty").waitFor();
    await page.locator(".panel", { hasText: "Category" }).getByText("No incidents yet.").first().waitFor();
    assert.equal(await page.getByText("match the filters").count(), 0);
  }));

test("a long word stays within its panel", () =>
  visitPage("", async page => {
    await waitForMap(page);
    const cell = await page.locator(".top-cells button").first().getAttribute("data-cell");
    const long = {
      id: "1",
      resource: "a",
      occurred_at: "2024-01-01T10:00:00",
      category: "x".repeat(120),
      status: "Open",
    };
    await fakeAnswer(page, "incidents", () => [long]);
    await page.locator(`.top-cells button[data-cell="${cell}"]`).click();
    await page.locator(".latest em").waitFor();
    const [card, status] = await Promise.all(
      [".cell-details", ".latest em"].map(name => page.locator(name).first().boundingBox()),
    );
    assert.ok(status.x + status.width <= card.x + card.width, JSON.stringify([card, status]));
  }));

test("the map page has no serious accessibility violations", async () => {
  for (const options of [{}, { dark: true }, { width: 390, height: 844 }]) {
    await visitPage(
      "",
      async page => {
        await waitForMap(page);
        assert.deepEqual(await findA11yViolations(page), [], JSON.stringify(options));
      },
      options,
    );
  }
});

test("a phone shows map, filters or charts", () =>
  visitPage(
    "",
    async page => {
      await waitForMap(page);
      const [category] = await fetchFrequentValues("category", 1);
      await page.getByRole("button", { name: "Filters" }).click();
      await locateFacet(page, "category", category).click();
      await page.getByRole("button", { name: "Filters (1)" }).waitFor();
      await page.getByRole("button", { name: "Charts" }).click();
      await page.getByText("Hours of the week").waitFor();
      await page.getByRole("button", { name: "Map", exact: true }).click();
      await waitForMap(page);
      assert.equal(await readNumber(page.getByTestId("total")), await fetchTotal(page));
      const wide = await page.evaluate(() => document.documentElement.scrollWidth);
      assert.ok(wide <= 390, `${wide} pixels wide`);
    },
    { width: 390, height: 844 },
  ));

const COMPARISON = "show=compare&start_time=2024-03-01&end_time=2024-05-01&b_start=2023-03-01&b_end=2023-05-01";
for (const [width, height] of [
  [390, 844],
  [320, 640],
  [844, 390],
  [800, 600],
  [1024, 700],
  [1440, 900],
]) {
  test(`no text or control is covered at ${width} by ${height}`, async () => {
    for (const search of ["show=hotspots", COMPARISON])
      await visitPage(
        `?${search}`,
        async page => {
          await waitForMap(page);
          // Scroll each element into view, then look for it at its position.
          const covered = await page.evaluate(() => {
            const what = ".bar :is(a, button, .badge), .map-overlay :is(strong, b, small, summary, button, select)";
            const more = ".legend summary, .time-strip header :is(button, select, input, summary), .tabs button";
            return [...document.querySelectorAll(`${what}, ${more}`)].flatMap(each => {
              each.scrollIntoView({ block: "nearest", inline: "nearest" });
              const { x, y, width, height } = each.getBoundingClientRect();
              if (width === 0 || !each.checkVisibility()) return [];
              const inside = x >= 0 && y >= 0 && x + width <= innerWidth && y + height <= innerHeight;
              const top = document.elementFromPoint(x + width / 2, y + height / 2);
              return inside && (each.contains(top) || top?.contains(each)) ? [] : [each.outerHTML.slice(0, 120)];
            });
          });
          assert.deepEqual(covered, [], search);
          const map = await page.getByTestId("map").boundingBox();
          assert.ok(map.height >= 200, `${map.height} pixels of map`);
        },
        { width, height },
      );
  });
}

test("a phone opens the legend and details by buttons", () =>
  visitPage(
    "",
    async page => {
      await waitForMap(page);
      const linear = page.getByRole("button", { name: "Linear" });
      assert.equal(await linear.isVisible(), false);
      await page.locator(".legend summary").click();
      await linear.click();
      await page.waitForFunction(() => new URLSearchParams(location.search).get("scale") === "linear");
      await page.locator(".legend summary").click();
      const { x, y } = await locateCell(
        page,
        await page.locator(".top-cells button").first().getAttribute("data-cell"),
      );
      await page.mouse.click(x, y);
      await page.locator(".notification", { hasText: "under Charts" }).waitFor();
      await page.getByRole("button", { name: "Charts (1)" }).click();
      await page.getByTestId("cell").waitFor();
    },
    { width: 390, height: 844 },
  ));

test("empty answers and rejected requests show a message", async () => {
  await visitPage("?category=nothing+of+the+kind", async page => {
    await waitForMap(page);
    assert.equal(await readNumber(page.getByTestId("total")), 0);
    await page.getByText("No incidents match the filters.").first().waitFor();
  });
  await visitPage(
    "?resource=311-casses",
    async page => {
      await page.getByText("did you mean `311-cases`?").first().waitFor();
    },
    { expected: [/status of 400/] },
  );
});
