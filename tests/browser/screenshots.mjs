// Takes the pictures of docs: node tests/browser/screenshots.mjs [DIRECTORY], from `hotspots-lake up --demo`.
import { mkdirSync } from "node:fs";
import { BASE, launchBrowser, waitForMap } from "./browser.mjs";

const to = process.argv[2] ?? new URL("../../docs/pictures", import.meta.url).pathname;
const DESKTOP = { width: 1440, height: 900 };
const PHONE = { width: 390, height: 844 };

const PICTURES = [
  ["map-light", "", { viewport: DESKTOP, colorScheme: "light" }],
  ["map-dark", "?tilted=true", { viewport: DESKTOP, colorScheme: "dark" }],
  ["map-phone", "?category=Graffiti", { viewport: PHONE, colorScheme: "light", deviceScaleFactor: 2 }],
  ["hot-spots", "?show=hotspots&category=Graffiti", { viewport: DESKTOP, colorScheme: "light" }],
  [
    "compare",
    "?show=compare&start_time=2025-01-01&end_time=2026-01-01&b_start=2024-01-01&b_end=2025-01-01",
    { viewport: DESKTOP, colorScheme: "light" },
  ],
  ["sql", "?page=sql", { viewport: DESKTOP, colorScheme: "light" }],
  ["pipeline", "?page=pipeline", { viewport: DESKTOP, colorScheme: "dark" }],
];

mkdirSync(to, { recursive: true });
const browser = await launchBrowser();
for (const [name, path, options] of PICTURES) {
  const page = await browser.newPage(options);
  await page.goto(`${BASE}/${path}`);
  if (path.includes("page=")) {
    if (name === "sql") await page.getByRole("button", { name: "Hot cells on a map" }).click();
    await page.waitForFunction(
      () => !document.querySelector("[aria-busy=true]") && !document.querySelector(".loading"),
    );
    await page.waitForLoadState("networkidle").catch(() => {});
  } else {
    await waitForMap(page);
  }
  // Charts are drawn after their answers.
  await page.evaluate(() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done))));
  await page.waitForTimeout(800);
  await page.screenshot({ path: `${to}/${name}.png` });
  await page.close();
}
await browser.close();
