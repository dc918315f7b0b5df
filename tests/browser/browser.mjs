// Opens pages of a running program in a browser, and checks that no page logs errors or sends requests to other hosts.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { after, before } from "node:test";
import { chromium } from "playwright-core";

/** The base URL of the program. */
export const BASE = process.env.HOTSPOTS_URL ?? "http://127.0.0.1:8080";

const CHROMIUM = process.env.HOTSPOTS_CHROMIUM ?? "/usr/bin/chromium";
const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--use-angle=swiftshader",
  "--enable-unsafe-swiftshader",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];
const TIMEOUT_MS = 60_000;
/** Messages of software rendering, and of requests that the page aborts. */
const IGNORED_MESSAGES = [/GPU stall due to ReadPixels/, /net::ERR_ABORTED/];

let browser;
if (process.env.NODE_TEST_CONTEXT)
  before(async () => {
    browser = await chromium.launch({ executablePath: CHROMIUM, args: FLAGS });
  });
if (process.env.NODE_TEST_CONTEXT) after(() => browser?.close());

/** Starts a browser outside of tests. */
export const launchBrowser = () => chromium.launch({ executablePath: CHROMIUM, args: FLAGS });

/** Opens a page, runs `act` on it, and checks its log and requests. */
export async function visitPage(path, act, options = {}) {
  const { width = 1440, height = 900, dark = false, expected = [], base = BASE } = options;
  const context = await browser.newContext({
    viewport: { width, height },
    colorScheme: dark ? "dark" : "light",
    permissions: ["clipboard-read", "clipboard-write"],
  });
  context.setDefaultTimeout(TIMEOUT_MS);
  const page = await context.newPage();
  const wrong = [];
  const note = text => {
    if (![...IGNORED_MESSAGES, ...expected].some(known => known.test(text))) wrong.push(text);
  };
  page.on("console", message => {
    if (["error", "warning"].includes(message.type())) note(`${message.type()}: ${message.text()}`);
  });
  page.on("pageerror", error => note(`thrown: ${error.stack}`));
  context.on("request", request => {
    const url = new URL(request.url());
    if (!["blob:", "data:"].includes(url.protocol) && url.origin !== new URL(base).origin) wrong.push(`left: ${url}`);
  });
  try {
    await page.goto(`${base}/${path}`);
    const result = await act(page);
    assert.deepEqual(wrong, []);
    return result;
  } catch (error) {
    if (wrong.length > 0) error.message += `\nThe page said: ${wrong.join("\n")}`;
    throw error;
  } finally {
    await context.close();
  }
}

/** Waits until the map has drawn its current questions; returns the number of cells. */
export async function waitForMap(page) {
  const map = page.getByTestId("map");
  await page.waitForFunction(() => {
    const map = document.querySelector("[data-testid=map]");
    const quiet = !document.querySelector("[aria-busy=true]") && !("moving" in document.documentElement.dataset);
    return quiet && map?.dataset.drawn !== undefined && map.dataset.drawn === map.dataset.asked && map.map.loaded();
  });
  return Number(await map.getAttribute("data-cells"));
}

/** Fetches an answer of the program, for comparison with the page. */
export async function fetchJson(path, base = BASE) {
  const response = await fetch(`${base}/${path}`);
  assert.equal(response.status, 200, `${path}: ${await response.clone().text()}`);
  return response.json();
}

/** Returns the path of a question with the filters in the page's address. */
export function buildCountPath(page, more = "") {
  const params = new URLSearchParams(new URL(page.url()).search);
  const kept = [
    "resource",
    "category",
    "district",
    "neighborhood",
    "start_time",
    "end_time",
    "hour",
    "weekday",
    "bbox",
  ];
  for (const name of [...params.keys()]) if (![...kept, "polygon"].includes(name)) params.delete(name);
  const polygon = params.get("polygon");
  if (polygon) {
    const ring = polygon.split(",").map(pair => pair.split(" ").map(Number));
    params.set("polygon", JSON.stringify({ type: "Polygon", coordinates: [[...ring, ring[0]]] }));
  }
  return `aggregates?${params}&${more}`;
}

/** Fetches the total under the filters in the page's address. */
export const fetchTotal = async (page, more = "") =>
  (await fetchJson(buildCountPath(page, `group_by=&${more}`)))[0].count;

/** Reads a number from an element. */
export async function readNumber(locator) {
  const text = await locator.innerText();
  const found = Number(text.replaceAll(",", ""));
  assert.ok(Number.isFinite(found), `no number: ${text}`);
  return found;
}

/** Returns the position of a cell on the screen. */
export const locateCell = (page, cell) =>
  page.evaluate(async index => {
    const element = document.querySelector("[data-testid=map]");
    const found = element.map.querySourceFeatures("cells").find(feature => feature.properties.cell === index);
    const ring = found.geometry.coordinates[0].slice(0, -1);
    const middle = [0, 1].map(axis => ring.reduce((sum, at) => sum + at[axis], 0) / ring.length);
    const at = element.map.project(middle);
    const box = element.getBoundingClientRect();
    return { x: box.x + at.x, y: box.y + at.y };
  }, cell);

/** Takes a screenshot of the map. */
export const captureMap = page => page.locator("[data-testid=map] canvas").first().screenshot();

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** Returns the serious accessibility violations of a page. */
export async function findA11yViolations(page) {
  // Evaluated: the content security policy allows no additional scripts.
  await page.evaluate(AXE);
  const { violations } = await page.evaluate(() => window.axe.run());
  const grave = violations.filter(found => ["serious", "critical"].includes(found.impact));
  return grave.map(
    found =>
      `${found.id}: ${found.nodes
        .map(node => node.html)
        .slice(0, 3)
        .join(" | ")}`,
  );
}
