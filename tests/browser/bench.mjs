// Measures the speed of the page: node tests/browser/bench.mjs [ROUNDS], against `hotspots-lake up --demo`.
import { BASE, launchBrowser, waitForMap } from "./browser.mjs";

const rounds = Number(process.argv[2] ?? 5);
const percentile = (sorted, part) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))].toFixed(0);
const printTimes = (what, times) => {
  const sorted = [...times].sort((a, b) => a - b);
  console.log(
    `${what}: ${times.length} times, median ${percentile(sorted, 0.5)} ms, p95 ${percentile(sorted, 0.95)} ms, most ${percentile(sorted, 1)} ms`,
  );
};

const browser = await launchBrowser();
const loadTimes = [];
const filterTimes = [];
let transferred = 0;
for (let round = 0; round < rounds; round += 1) {
  // A new context: nothing is cached from earlier rounds.
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
  const page = await context.newPage();
  const client = await context.newCDPSession(page);
  await client.send("Network.enable");
  const sizes = new Map();
  client.on("Network.loadingFinished", ({ requestId, encodedDataLength }) => sizes.set(requestId, encodedDataLength));
  await page.goto(BASE);
  await waitForMap(page);
  loadTimes.push(await page.evaluate(() => performance.getEntriesByName("cells drawn").at(0).startTime));
  transferred = [...sizes.values()].reduce((sum, size) => sum + size, 0);
  for (let n = 0; n < 8; n += 1) {
    const took = await page.evaluate(async index => {
      const map = document.querySelector("[data-testid=map]");
      const before = map.dataset.drawn;
      const buttons = document.querySelectorAll('button.facet[data-label="category"]');
      const began = performance.now();
      buttons[index].click();
      // Wait for the answer to the new question.
      while (map.dataset.drawn === before) await new Promise(requestAnimationFrame);
      return performance.getEntriesByName("cells drawn").at(-1).startTime - began;
    }, n % 6);
    filterTimes.push(took);
    await waitForMap(page);
  }
  await context.close();
}
printTimes("first hexagons, from the start of the navigation", loadTimes);
printTimes("a filter, from the click to the hexagons", filterTimes);
console.log(`bytes over the wire for the first page, answers included: ${(transferred / 1e6).toFixed(2)} MB`);
await browser.close();
