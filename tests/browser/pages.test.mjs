// The other pages (SQL, named queries, pipeline), and states: an empty lake, a token, no server.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { test } from "node:test";
import { promisify } from "node:util";
import { fetchJson, findA11yViolations, readNumber, visitPage, waitForMap } from "./browser.mjs";

const EMPTY = process.env.HOTSPOTS_EMPTY_URL;
const CITIES = process.env.HOTSPOTS_CITIES_URL;
const GUARDED = process.env.HOTSPOTS_GUARDED_URL;
const TOKEN = process.env.HOTSPOTS_GUARDED_TOKEN;

const locateResult = page => page.getByRole("region", { name: "Result" });
const typeQuery = async (page, text) => {
  const editor = page.getByRole("textbox", { name: "SQL" });
  await editor.click();
  await page.keyboard.press("ControlOrMeta+A");
  await page.keyboard.insertText(text);
};

test("SQL: a query runs by key or button and is in the address", () =>
  visitPage("?page=sql", async page => {
    await typeQuery(
      page,
      "SELECT category, count(*) AS n FROM incidents GROUP BY category ORDER BY n DESC, category LIMIT 3",
    );
    await page.keyboard.press("ControlOrMeta+Enter");
    const rows = locateResult(page).locator("tbody tr");
    await rows.nth(2).waitFor();
    const [first] = await fetchJson("facets?facet=category&limit=1");
    const cells = await rows.first().locator("td").allInnerTexts();
    assert.ok(cells.join(" ").includes(first.value), cells.join(" "));
    assert.ok(
      cells.some(text => Number(text.replaceAll(",", "")) === first.count),
      cells.join(" "),
    );
    await page.waitForFunction(() => new URLSearchParams(location.search).get("sql")?.includes("LIMIT 3"));
    await page.reload();
    await page.getByRole("button", { name: "Run" }).click();
    await locateResult(page).locator("tbody tr").nth(2).waitFor();
  }));

test("SQL: an error is shown, and the next query runs", () =>
  visitPage(
    "?page=sql",
    async page => {
      await typeQuery(page, "SELECT nope FROM incidents");
      await page.getByRole("button", { name: "Run" }).click();
      await page.getByText("No field named nope").first().waitFor();
      await typeQuery(page, "SELECT 1 AS one");
      await page.getByRole("button", { name: "Run" }).click();
      await locateResult(page).locator("tbody tr").first().waitFor();
    },
    { expected: [/status of 400/] },
  ));

test("SQL: every example runs, and cells are a map", () =>
  visitPage("?page=sql", async page => {
    const examples = page.getByRole("complementary").locator("details").first().getByRole("button");
    const n = await examples.count();
    assert.ok(n >= 6, `${n} examples`);
    for (let at = 0; at < n; at += 1) {
      await examples.nth(at).click();
      await page.waitForFunction(() => document.querySelector("section.outcome[aria-busy=false]"));
      assert.equal(await page.getByRole("alert").count(), 0, await examples.nth(at).innerText());
      await locateResult(page).locator("tbody tr, .empty").first().waitFor();
    }
    await examples.first().click();
    await locateResult(page).locator("canvas").first().waitFor();
  }));

test("a named query is a form with the rows of /queries", () =>
  visitPage("?page=queries", async page => {
    await page.getByRole("button", { name: "Top categories", exact: false }).first().click();
    await page.getByRole("spinbutton", { name: "top" }).fill("2");
    await page.getByRole("button", { name: "Run" }).click();
    const rows = locateResult(page).locator("tbody tr");
    await page.waitForFunction(() => document.querySelectorAll("section.outcome tbody tr").length === 2);
    const [first] = await fetchJson("queries/reports/categories?top=2");
    const text = await rows.first().innerText();
    assert.ok(text.includes(first.category), text);
    await page.waitForFunction(() => new URLSearchParams(location.search).get("p.top") === "2");
    assert.equal(new URL(page.url()).searchParams.get("query"), "reports/categories");
  }));

test("the pipeline shows resources, rejects and new batches", () =>
  visitPage("?page=pipeline", async page => {
    const [cases] = (await fetchJson("resources")).filter(row => row.name === "311-cases");
    const row = page.getByRole("row").filter({ hasText: "311" }).first();
    await row.waitFor();
    const numbers = (await row.locator("td").allInnerTexts()).map(text => text.split("\n")[0].replaceAll(",", ""));
    for (const wanted of [cases.incidents, cases.unlocated, cases.rejects_open]) {
      assert.ok(numbers.includes(String(wanted)), `${wanted} in ${numbers}`);
    }
    assert.ok(cases.rejects_open > 0);
    assert.equal(cases.last_audit.outcome, "none");
    await row.getByText("no drift").waitFor();
    const [reason] = await fetchJson("queries/reports/rejects_by_reason");
    await page.getByText(reason.reason.replaceAll("`", ""), { exact: false }).first().waitFor();
    const feed = page.getByRole("region", { name: "Batches and compactions" }).getByRole("listitem");
    await page.locator(".feed .live.on").waitFor();
    await feed.first().waitFor();
    const before = await feed.count();
    const [program, ...args] = JSON.parse(process.env.HOTSPOTS_LAND);
    await promisify(execFile)(program, args);
    // The page updates without a reload.
    await page.waitForFunction(
      n => document.querySelectorAll('section[aria-label="Batches and compactions"] li').length > n,
      before,
    );
    await page.getByText(`batch ${cases.batches + 1}`, { exact: true }).waitFor();
    const [now] = (await fetchJson("resources")).filter(row => row.name === "311-cases");
    assert.equal(now.incidents, cases.incidents + 40);
    await row.getByText(now.incidents.toLocaleString("en"), { exact: false }).first().waitFor();
    assert.equal(now.pending_batches, 1);
    await page.getByText("fast: 1 batch").waitFor();
  }));

test("other pages have no serious accessibility violations", async () => {
  for (const path of ["?page=sql", "?page=queries&query=reports/months", "?page=pipeline"]) {
    for (const options of [{}, { dark: true }, { width: 390, height: 844 }]) {
      await visitPage(
        path,
        async page => {
          await page.getByRole("main").waitFor();
          await page.waitForFunction(
            () => !document.querySelector("[aria-busy=true]") && !document.querySelector(".loading"),
          );
          assert.deepEqual(await findA11yViolations(page), [], `${path} ${JSON.stringify(options)}`);
          const { width = 1440 } = options;
          const wide = await page.evaluate(() => document.documentElement.scrollWidth);
          assert.ok(wide <= width, `${path} is ${wide} pixels wide of ${width}`);
        },
        options,
      );
    }
  }
});

test("a page requests only what it shows", async () => {
  const OF_THE_MAP = ["/aggregates", "/facets", "/boundaries", "/hotspots", "/incidents"];
  const seen = page => {
    const asked = [];
    page.on("request", request => asked.push(new URL(request.url())));
    return () => asked.filter(url => OF_THE_MAP.includes(url.pathname));
  };
  await visitPage("?page=pipeline", async page => {
    const asked = seen(page);
    await page.reload();
    await page.locator(".feed .live.on").waitFor();
    await page.getByRole("row").filter({ hasText: "311" }).first().waitFor();
    assert.deepEqual(asked().map(String), []);
    await page.getByRole("link", { name: "Map", exact: true }).click();
    await waitForMap(page);
    assert.ok(asked().length > 5);
  });
  await visitPage("?weekday=2", async page => {
    const asked = seen(page);
    await page.reload();
    await waitForMap(page);
    const cells = asked().filter(url => url.searchParams.get("group_by") === "cell" && url.searchParams.get("limit"));
    assert.deepEqual(
      cells.map(url => url.searchParams.get("weekday")),
      ["2"],
    );
  });
});

test("switching the city clears filters and moves the map", () =>
  visitPage(
    "",
    async page => {
      const of = async city => (await fetchJson("resources", CITIES)).find(row => row.city === city);
      const [francisco, chicago] = [await of("San Francisco"), await of("Chicago")];
      assert.ok(francisco.incidents > chicago.incidents && chicago.incidents === 60);
      const centre = () => page.evaluate(() => document.querySelector("[data-testid=map]").map.getCenter().lng);
      await waitForMap(page);
      assert.equal(await readNumber(page.getByTestId("total")), francisco.incidents);
      assert.ok(Math.abs((await centre()) + 122.4) < 0.3);
      const [category] = await fetchJson("facets?facet=category&limit=1&resource=311-cases", CITIES);
      await page.locator(`button.facet[data-value="${category.value}"]`).click();
      await waitForMap(page);
      await page.getByLabel("City", { exact: true }).selectOption("Chicago");
      await page.waitForFunction(() => document.querySelector("[data-testid=map]").map.getCenter().lng > -90);
      await waitForMap(page);
      assert.equal(await readNumber(page.getByTestId("total")), 60);
      assert.ok(Math.abs((await centre()) + 87.6) < 0.3);
      const params = new URL(page.url()).searchParams;
      assert.deepEqual([params.get("city"), params.get("category")], ["Chicago", null]);
      assert.equal(await page.locator('button.facet[data-label="resource"]').count(), 1);
    },
    { base: CITIES },
  ));

test("an empty lake opens on every page", async () => {
  await visitPage("", page => page.getByText("The lake is empty").waitFor(), { base: EMPTY });
  for (const name of ["sql", "queries", "pipeline"]) {
    await visitPage(`?page=${name}`, page => page.getByRole("main").waitFor(), { base: EMPTY });
  }
});

test("the page asks for a token and stores it in the tab", () =>
  visitPage(
    "",
    async page => {
      await page.getByText("This server requires a token").waitFor();
      await page.getByLabel("Token").fill("not-the-token-that-it-wants");
      await page.getByRole("button", { name: "Open" }).click();
      await page.locator(".failure").waitFor();
      await page.getByLabel("Token").fill(TOKEN);
      await page.getByRole("button", { name: "Open" }).click();
      await waitForMap(page);
      assert.ok((await readNumber(page.getByTestId("total"))) > 0);
      assert.ok(!page.url().includes(TOKEN));
    },
    { base: GUARDED, expected: [/status of 401/] },
  ));

test("a failed answer replaces the old number", () =>
  visitPage(
    "",
    async page => {
      await waitForMap(page);
      const total = await readNumber(page.getByTestId("total"));
      await page.context().setOffline(true);
      await page.getByRole("button", { name: "30 d" }).click();
      await page.getByText("the server cannot be reached", { exact: false }).first().waitFor();
      assert.equal(await page.locator(".summary strong").first().innerText(), "…");
      await page.context().setOffline(false);
      await page.getByRole("button", { name: "All time" }).click();
      await waitForMap(page);
      assert.equal(await readNumber(page.getByTestId("total")), total);
    },
    { expected: [/ERR_INTERNET_DISCONNECTED/, /ERR_NETWORK/] },
  ));
