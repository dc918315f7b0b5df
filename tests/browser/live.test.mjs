// Open pages: in many tabs, and while their lake is replaced. The tests start the servers.
import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import { readNumber, visitPage, waitForMap } from "./browser.mjs";

const PROGRAM = process.env.HOTSPOTS_PROGRAM;
let folder;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), "hotspots-live-"));
});
after(() => rm(folder, { recursive: true, force: true }));

/** A lake, and the operations on it. */
class Lake {
  static made = 0;
  rows = 0;

  constructor() {
    Lake.made += 1;
    this.path = join(folder, `lake-${Lake.made}`);
  }

  run(...args) {
    return promisify(execFile)(PROGRAM, args, { env: { ...process.env, HOTSPOTS_LAKE: this.path } });
  }

  /** Lands new rows as a batch. */
  async land(n) {
    const row = number => ({
      service_request_id: String(1000 + number),
      requested_datetime: `2024-0${1 + (number % 9)}-1${number % 9}T0${number % 9}:00:00.000`,
      service_name: ["Graffiti", "Noise"][number % 2],
      lat: String(37.75 + (number % 7) / 100),
      long: String(-122.45 + (number % 5) / 100),
    });
    const file = join(folder, `${Lake.made}-${this.rows}.json`);
    await writeFile(file, JSON.stringify(Array.from({ length: n }, (_, at) => row(this.rows + at))));
    await this.run("ingest", "311-cases", "--file", file);
    this.rows += n;
  }

  async serve(address = "127.0.0.1:0") {
    const child = spawn(PROGRAM, ["serve", "--http", address], {
      env: { ...process.env, HOTSPOTS_LAKE: this.path },
      stdio: ["ignore", "ignore", "pipe"],
    });
    const said = [];
    for await (const line of createInterface({ input: child.stderr })) {
      said.push(line);
      const url = /listening on (http:\/\/\S+)/.exec(line)?.[1];
      if (url === undefined) continue;
      child.stderr.resume();
      const stop = async () => {
        child.kill("SIGTERM");
        if (child.exitCode === null) await once(child, "exit");
      };
      return { base: url, address: new URL(url).host, stop };
    }
    throw new Error(`the server ended: ${said.join("\n")}`);
  }
}

/** Waits until the page shows a total. */
const waitForTotal = (page, wanted) =>
  page.waitForFunction(
    n => Number(document.querySelector("[data-testid=total]")?.textContent?.replaceAll(",", "")) === n,
    wanted,
  );
const waitForLive = page => page.getByText("live", { exact: true }).first().waitFor();

test("eight tabs share one stream and all show new batches", async () => {
  const lake = new Lake();
  await lake.land(20);
  const server = await lake.serve();
  const scene = async first => {
    const context = first.context();
    /** The open streams. */
    const open = new Set();
    const isStream = request => request.url().includes("format=sse");
    context.on("request", request => isStream(request) && open.add(request));
    for (const ended of ["requestfinished", "requestfailed"]) context.on(ended, request => open.delete(request));
    await first.reload();
    const tabs = [first];
    while (tabs.length < 8) {
      const tab = await context.newPage();
      await tab.goto(server.base);
      tabs.push(tab);
    }
    for (const tab of tabs) {
      await waitForTotal(tab, 20);
      await waitForLive(tab);
    }
    assert.equal(open.size, 1);
    await first.locator('button.facet[data-label="category"][data-value="Noise"]').click();
    await waitForTotal(first, 10);
    // The leading tab is closed with others.
    await Promise.all(tabs.splice(1, 3).map(tab => tab.close()));
    const others = tabs.splice(1);
    await first.close();
    for (const tab of others) await waitForLive(tab);
    await lake.land(5);
    for (const tab of others) await waitForTotal(tab, 25);
    assert.ok(open.size >= 1);
  };
  try {
    await visitPage("", scene, { base: server.base });
  } finally {
    await server.stop();
  }
});

/** Changes the lake while its server is down, and checks that an open page shows batches before and after. */
async function replaceLake(change) {
  const lake = new Lake();
  await lake.land(10);
  let server = await lake.serve();
  const scene = async page => {
    await waitForTotal(page, 10);
    await waitForLive(page);
    await lake.land(5);
    await waitForTotal(page, 15);
    await lake.land(5);
    await waitForTotal(page, 20);
    await server.stop();
    const [next, total] = await change(lake);
    server = await next.serve(server.address);
    await waitForTotal(page, total);
    await waitForLive(page);
    await next.land(5);
    await waitForTotal(page, total + 5);
    await waitForLive(page);
    await waitForMap(page);
    assert.equal(await readNumber(page.getByTestId("total")), total + 5);
  };
  try {
    await visitPage("", scene, { base: server.base, expected: [/status of 4(00|10)/, /ERR_/] });
  } finally {
    await server.stop();
  }
}

test("an open page shows another lake at the same address", () =>
  replaceLake(async () => {
    const other = new Lake();
    await other.land(7);
    return [other, 7];
  }));

test("an open page continues when the log is recreated", () =>
  replaceLake(async lake => {
    await lake.land(4);
    await lake.run("forget", "311-cases", "1001");
    return [lake, 23];
  }));
