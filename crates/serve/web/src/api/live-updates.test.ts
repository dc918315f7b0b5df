import { afterEach, beforeEach, expect, test, vi } from "vitest";

/** A request for a stream, which the test answers. */
class Stream {
  private controller: ReadableStreamDefaultController<Uint8Array> | null = null;

  constructor(
    readonly since: string | null,
    readonly signal: AbortSignal,
    readonly answer: (response: Response) => void,
  ) {}

  /** Answers with a stream that breaks when the request is aborted, as in a browser. */
  open(): this {
    const body = new ReadableStream<Uint8Array>({
      start: controller => {
        this.controller = controller;
      },
    });
    this.signal.addEventListener("abort", () => this.controller?.error(new Error("aborted")));
    this.answer(new Response(body, { headers: { "Content-Type": "text/event-stream" } }));
    return this;
  }

  batch(version: number): void {
    this.controller?.enqueue(new TextEncoder().encode(`data: {"kind":"batch","version":${version}}\n\n`));
  }

  end(): void {
    this.controller?.close();
  }
}
const streams: Stream[] = [];
const problem = (status: number) => new Response('{"title":"no","detail":"gone"}', { status });

/** The queue of one lock, in the order of requests, shared by all tabs. */
function lockManager() {
  let tail: Promise<unknown> = Promise.resolve();
  return {
    request: (_: string, { signal }: { signal: AbortSignal }, act: () => Promise<void>) => {
      const turn = tail.then(() => (signal.aborted ? undefined : act()));
      tail = turn.catch(() => {});
      return turn;
    },
  };
}

let hidden = false;
const sights: (() => void)[] = [];
const show = (visible: boolean) => {
  hidden = !visible;
  for (const look of sights) look();
};
/** A tab: a new instance of the module. */
async function tab() {
  vi.resetModules();
  const live = await import("./live-updates");
  live.startLiveUpdates();
  return live;
}
type Live = Awaited<ReturnType<typeof tab>>;
const connected = (live: Live, now = true) => vi.waitFor(() => expect(live.connected.value).toBe(now));
const heard = (live: Live, versions: number[]) =>
  vi.waitFor(() => expect(live.changes.value.map(({ version }) => version)).toEqual(versions));
const opened = async (n: number) => {
  await vi.waitFor(() => expect(streams.length).toBe(n));
  return streams[n - 1] as Stream;
};

beforeEach(() => {
  vi.useFakeTimers();
  hidden = false;
  streams.length = 0;
  sights.length = 0;
  vi.stubGlobal("window", globalThis);
  vi.stubGlobal("sessionStorage", { getItem: () => null });
  vi.stubGlobal("navigator", { locks: lockManager() });
  vi.stubGlobal("document", {
    baseURI: "http://lake.example/",
    get hidden() {
      return hidden;
    },
    addEventListener: (_: string, look: () => void) => sights.push(look),
  });
  vi.stubGlobal("fetch", (path: string, { signal }: { signal: AbortSignal }) => {
    const since = new URLSearchParams(path.split("?")[1]).get("since");
    return new Promise<Response>((answer, refuse) => {
      signal.addEventListener("abort", () => refuse(new Error("aborted")));
      streams.push(new Stream(since, signal, answer));
    });
  });
});
afterEach(() => {
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

test("a lost position restarts the stream and refreshes answers", async () => {
  for (const status of [400, 410]) {
    const at = streams.length;
    const live = await tab();
    const first = (await opened(at + 1)).open();
    await connected(live);
    first.batch(7);
    await heard(live, [7]);
    first.end();
    await connected(live, false);
    await vi.advanceTimersByTimeAsync(5_000);
    const again = await opened(at + 2);
    expect([again.since, live.connected.value]).toEqual(["7", false]);
    const versionBefore = live.lakeVersion.value;
    again.answer(problem(status));
    const restarted = await opened(at + 3);
    expect(restarted.since).toBe(null);
    restarted.open();
    await connected(live);
    expect([live.connected.value, live.changes.value, live.streamResets.value]).toEqual([true, [], 1]);
    expect(live.lakeVersion.value).toBeGreaterThan(versionBefore);
    live.leaveTabs();
  }
});

test("a broken stream resumes from the same position", async () => {
  const live = await tab();
  const first = (await opened(1)).open();
  await connected(live);
  first.batch(3);
  await heard(live, [3]);
  first.end();
  await connected(live, false);
  for (let n = 2; n < 5; n += 1) {
    await vi.advanceTimersByTimeAsync(5_000);
    const stream = await opened(n);
    expect(stream.since).toBe("3");
    stream.answer(problem(503));
    expect([live.connected.value, live.streamResets.value]).toEqual([false, 0]);
  }
  live.leaveTabs();
});

test("one tab reads the events for all, and another takes over", async () => {
  vi.useRealTimers();
  const first = await tab();
  const stream = (await opened(1)).open();
  await connected(first);
  const second = await tab();
  await connected(second);
  stream.batch(5);
  await heard(second, [5]);
  expect(streams.length).toBe(1);
  first.leaveTabs();
  const next = await opened(2);
  expect([streams[0]?.signal.aborted, next.since]).toEqual([true, "5"]);
  next.open();
  await connected(second);
  second.leaveTabs();
});

test("a hidden tab has no stream and refreshes when shown", async () => {
  const live = await tab();
  (await opened(1)).open();
  await connected(live);
  const versionBefore = live.lakeVersion.value;
  show(false);
  expect([streams[0]?.signal.aborted, live.connected.value, streams.length]).toEqual([true, false, 1]);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(streams.length).toBe(1);
  show(true);
  (await opened(2)).open();
  await connected(live);
  expect(live.lakeVersion.value).toBeGreaterThan(versionBefore);
  live.leaveTabs();
});

test("without locks each tab has its own stream", async () => {
  vi.stubGlobal("navigator", {});
  const live = await tab();
  (await opened(1)).open();
  await connected(live);
  live.leaveTabs();
});
