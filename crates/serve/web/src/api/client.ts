/** Asking the lake over HTTP: one place for tokens, errors and what the headers say of an answer. */

import type { paths } from "../../generated/openapi";
import { fnv1a } from "../util/hash";

/** Parameters in their order; a name may come more than once. */
export type Params = readonly (readonly [name: string, value: string])[];

/** A path of the API, as docs/openapi.json lists it, or that of a named query. */
export type ApiPath =
  | (keyof paths extends infer P ? (P extends `/${infer Path}` ? Path : never) : never)
  | `queries/${string}`;

/** A request that reads from the lake. */
export interface Question {
  path: ApiPath;
  params: Params;
}

/** What the headers say of an answer. */
export interface AnswerMeta {
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
  meta: AnswerMeta;
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

const TOKEN_KEY = "hotspots-lake token";
/** Addresses longer than this are posted, where that may be. */
const MAX_GET_BYTES = 4_000;
/** No request has a longer address: proxies take 8 KiB of a request's first line, and refuse what is longer without a word. */
const MAX_ADDRESS_BYTES = 8_000;
/** Values of a label that the server lists at most; far fewer where none is said. */
export const MAX_FACET_VALUES = 10_000;
const POST_PATHS = new Set(["aggregates", "incidents", "facets", "hotspots", "sql"]);

/** Keeps a token for this tab only. */
export function storeToken(token: string): void {
  sessionStorage.setItem(TOKEN_KEY, token);
}

/** Whether this tab keeps one. */
export const hasToken = (): boolean => sessionStorage.getItem(TOKEN_KEY) !== null;

/** Stands for this tab's token, without telling it; "" where there is none. */
export function hashToken(): string {
  const token = sessionStorage.getItem(TOKEN_KEY);
  return token === null ? "" : fnv1a(token).toString(16);
}

/** Where the server's paths begin. */
export const getBaseUrl = (): string => new URL(".", document.baseURI).href;

/** The address of a question, relative to the page. */
export function formatAddress(question: Question): string {
  const search = new URLSearchParams(question.params.map(([name, value]) => [name, value]));
  const text = search.toString();
  return text === "" ? question.path : `${question.path}?${text}`;
}

/** The address of a question for another program. */
export function absolute(question: Question): string {
  return new URL(formatAddress(question), getBaseUrl()).href;
}

/** Whether two questions are the same; `null` is the same as none. */
export const isSameQuestion = (a: Question | null, b: Question | null): boolean =>
  a !== null && b !== null && formatAddress(a) === formatAddress(b);

/** The same parameters as the JSON object that `POST` takes. */
export function formatBody(params: Params): string {
  const members = new Map<string, unknown>();
  for (const [name, value] of params) {
    const given = members.get(name);
    if (name === "polygon") members.set(name, JSON.parse(value));
    else if (given === undefined) members.set(name, value);
    else members.set(name, Array.isArray(given) ? [...given, value] : [given, value]);
  }
  return JSON.stringify(Object.fromEntries(members));
}

/** A question as a request: a long one is posted. */
export interface HttpRequest {
  path: string;
  /** What is posted; null where it is asked by its address alone. */
  body: string | null;
}

/** How a question is sent. */
export function toRequest(question: Question): HttpRequest {
  const path = formatAddress(question);
  if (path.length > MAX_GET_BYTES && POST_PATHS.has(question.path)) {
    return { path: question.path, body: formatBody(question.params) };
  }
  if (path.length > MAX_ADDRESS_BYTES) {
    const what = `this would be an address of ${path.length} bytes, and ${MAX_ADDRESS_BYTES} is the most; give shorter values`;
    throw new Problem("too long", what, 0);
  }
  return { path, body: null };
}

function readMeta(headers: Headers): AnswerMeta {
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

async function readProblem(response: Response): Promise<Problem> {
  const said = await response.json().catch(() => ({}));
  const title = typeof said.title === "string" ? said.title : `HTTP ${response.status}`;
  const detail = typeof said.detail === "string" ? said.detail : response.statusText;
  return new Problem(title, detail, response.status, response.headers.get("x-request-id"));
}

/** Sends one request; anything but a 2xx is thrown as a {@link Problem}. */
export async function send(path: string, init: RequestInit = {}): Promise<Response> {
  const headers = new Headers(init.headers);
  if (!headers.has("Accept")) headers.set("Accept", "application/json");
  const token = sessionStorage.getItem(TOKEN_KEY);
  if (token !== null) headers.set("Authorization", `Bearer ${token}`);
  let response: Response;
  try {
    response = await fetch(path, { ...init, headers });
  } catch (error) {
    if (init.signal?.aborted) throw error;
    throw new Problem("no answer", "the server cannot be reached; is it still running?", 0);
  }
  if (!response.ok) throw await readProblem(response);
  return response;
}

/** Sends a question, in whatever way it is short enough. */
export async function sendQuestion(question: Question, accept: string, signal?: AbortSignal): Promise<Response> {
  const { path, body } = toRequest(question);
  const init = { signal: signal ?? null };
  if (body === null) return send(path, { ...init, headers: { Accept: accept } });
  return send(path, {
    ...init,
    method: "POST",
    headers: { Accept: accept, "Content-Type": "application/json" },
    body,
  });
}

/** Asks a question, and reads its answer with `parse`. */
export async function fetchAnswer<T>(
  question: Question,
  signal?: AbortSignal,
  parse: (json: string) => T = json => JSON.parse(json),
): Promise<Answer<T>> {
  const response = await sendQuestion(question, "application/json", signal);
  return { rows: parse(await response.text()), meta: readMeta(response.headers) };
}

/** Runs a query that only reads. */
export async function fetchSql<T>(
  query: string,
  options: { limit?: number; format?: string; signal?: AbortSignal } = {},
): Promise<Answer<T[]> & { response: Response }> {
  const { signal, ...rest } = options;
  const response = await send("sql", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ query, ...rest }),
    signal: signal ?? null,
  });
  const rows = options.format && options.format !== "json" ? [] : ((await response.json()) as T[]);
  return { rows, meta: readMeta(response.headers), response };
}
