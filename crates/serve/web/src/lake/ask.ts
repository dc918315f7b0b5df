/** Asking the lake over HTTP: one place for tokens, errors and what the headers say of an answer. */

/** Parameters in their order; a name may come more than once. */
export type Params = readonly (readonly [name: string, value: string])[];

/** One request that reads. */
export interface Question {
  path: string;
  params: Params;
}

/** What the headers say of an answer. */
export interface Meta {
  /** True: the answer equals a recount as of `asOf`. */
  exact: boolean;
  asOf: string | null;
  /** The versions of the tables that were read. */
  version: string | null;
  truncated: boolean;
  synthetic: boolean;
  /** Incidents without a place, which a statistic over cells leaves out. */
  unlocated: number | null;
}

/** An answer of JSON, and what its headers say. */
export interface Answer<T> {
  rows: T;
  meta: Meta;
}

/** What the server says is wrong (RFC 9457), or that it could not be reached. */
export class Problem extends Error {
  constructor(
    readonly title: string,
    readonly detail: string,
    readonly status: number,
    readonly requestId: string | null = null,
  ) {
    super(`${title}: ${detail}`);
  }
}

const TOKEN = "hotspots-lake token";
/** Longer than any server or proxy minds in a request's address. */
const LONGEST_ADDRESS = 4_000;
/** Values of a label that the server lists at most; far fewer where none is said. */
export const MOST_FACETS = 10_000;
const POSTED = new Set(["aggregates", "incidents", "hotspots", "sql"]);

/** Keeps a token for this tab only. */
export function rememberToken(token: string): void {
  sessionStorage.setItem(TOKEN, token);
}

/** Whether this tab keeps one. */
export const hasToken = (): boolean => sessionStorage.getItem(TOKEN) !== null;

function authorization(): Record<string, string> {
  const token = sessionStorage.getItem(TOKEN);
  return token ? { Authorization: `Bearer ${token}` } : {};
}

/** The address of a question, relative to the page. */
export function address(question: Question): string {
  const search = new URLSearchParams(question.params.map(([name, value]) => [name, value]));
  const text = search.toString();
  return text === "" ? question.path : `${question.path}?${text}`;
}

/** The address of a question for another program. */
export function absolute(question: Question): string {
  return new URL(address(question), new URL(".", document.baseURI)).href;
}

/** The same parameters as the JSON object that `POST` takes. */
export function body(params: Params): Record<string, unknown> {
  const object: Record<string, unknown> = {};
  for (const [name, value] of params) {
    const given = object[name];
    if (name === "polygon") object[name] = JSON.parse(value);
    else if (given === undefined) object[name] = value;
    else object[name] = Array.isArray(given) ? [...given, value] : [given, value];
  }
  return object;
}

function meta(headers: Headers): Meta {
  const unlocated = headers.get("lake-unlocated");
  return {
    exact: headers.get("lake-exact") !== "false",
    asOf: headers.get("lake-as-of"),
    version: headers.get("lake-version"),
    truncated: headers.get("lake-truncated") === "true",
    synthetic: headers.get("lake-synthetic") === "true",
    unlocated: unlocated === null ? null : Number(unlocated),
  };
}

async function problem(response: Response): Promise<Problem> {
  const said = await response.json().catch(() => ({}));
  const title = typeof said.title === "string" ? said.title : `HTTP ${response.status}`;
  const detail = typeof said.detail === "string" ? said.detail : response.statusText;
  return new Problem(title, detail, response.status, response.headers.get("x-request-id"));
}

/** Sends one request; anything but a 2xx is thrown as a {@link Problem}. */
export async function send(path: string, init: RequestInit = {}): Promise<Response> {
  const headers = { Accept: "application/json", ...authorization(), ...(init.headers as Record<string, string>) };
  let response: Response;
  try {
    response = await fetch(path, { ...init, headers });
  } catch (error) {
    if (init.signal?.aborted) throw error;
    throw new Problem("no answer", "the server cannot be reached; is it still running?", 0);
  }
  if (!response.ok) throw await problem(response);
  return response;
}

/** Asks a question; a long one is posted. */
export async function ask<T>(question: Question, signal?: AbortSignal): Promise<Answer<T>> {
  const path = address(question);
  const init: RequestInit = { signal: signal ?? null };
  const posted = path.length > LONGEST_ADDRESS && POSTED.has(question.path);
  const response = posted
    ? await send(question.path, {
        ...init,
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify(body(question.params)),
      })
    : await send(path, init);
  return { rows: (await response.json()) as T, meta: meta(response.headers) };
}

/** Runs a query that only reads. `parameters` are the values of its places. */
export async function askSql<T>(
  query: string,
  options: { parameters?: Record<string, unknown>; limit?: number; format?: string; signal?: AbortSignal } = {},
): Promise<Answer<T[]> & { response: Response }> {
  const { signal, ...rest } = options;
  const response = await send("sql", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ query, ...rest }),
    signal: signal ?? null,
  });
  const rows = options.format && options.format !== "json" ? [] : ((await response.json()) as T[]);
  return { rows, meta: meta(response.headers), response };
}
