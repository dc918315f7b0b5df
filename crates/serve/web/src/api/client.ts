/** The HTTP client of the API: tokens, problems and the headers of answers. */

import type { paths } from "../../generated/openapi";
import { fnv1a } from "../util/hash";

/** A path of the API, as docs/openapi.json lists it, or that of a named query. */
export type ApiPath =
  | (keyof paths extends infer P ? (P extends `/${infer Path}` ? Path : never) : never)
  | `queries/${string}`;

type QueryName<P extends string> = P extends keyof paths
  ? paths[P] extends { get: { parameters: { query?: infer Query } } }
    ? keyof NonNullable<Query> & string
    : never
  : string;

/** In an address, `not_category` is also written `category!`. */
type Spelled<Name> = Name extends `not_${infer Label}` ? Name | `${Label}!` : Name;

/** The names of the parameters that docs/openapi.json lists for a path; any for a named query, which a user may add. */
export type ParamName<P extends ApiPath> = Spelled<QueryName<`/${P}`>>;

/** Parameters in order; a name may be repeated. */
export type Params<P extends ApiPath = ApiPath> = readonly (readonly [name: ParamName<P>, value: string])[];

/** The names of the filters, which all of these paths have. */
export type FilterName = ParamName<"aggregates"> & ParamName<"facets"> & ParamName<"hotspots"> & ParamName<"incidents">;
export type FilterParams = readonly (readonly [name: FilterName, value: string])[];

/** A request that reads from the lake. */
export type Question<P extends ApiPath = ApiPath> = P extends ApiPath ? { path: P; params: Params<P> } : never;

/** The headers of an answer. */
export interface AnswerMeta {
  /** Whether the answer equals a recount as of `asOf`. */
  exact: boolean;
  asOf: string | null;
  /** The versions of the tables that were read. */
  version: string | null;
  truncated: boolean;
  synthetic: boolean;
  /** Unlocated incidents, which a statistic over cells omits. */
  unlocated: number | null;
}

/** A JSON answer and its headers. */
export interface Answer<T> {
  rows: T;
  meta: AnswerMeta;
}

/** A problem of the server (RFC 9457), or status 0 if it could not be reached. */
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
/** Questions with longer addresses are posted, if the path allows it. */
const MAX_GET_BYTES = 4_000;
/** The longest address that is sent: many proxies reject a request line above 8 KiB. */
const MAX_ADDRESS_BYTES = 8_000;
/** The maximum limit of `/facets`; its default is far lower. */
export const MAX_FACET_VALUES = 10_000;
const POST_PATHS = new Set(["aggregates", "incidents", "facets", "hotspots", "sql"]);

/** Stores a token for this tab. */
export function storeToken(token: string): void {
  sessionStorage.setItem(TOKEN_KEY, token);
}

/** Whether this tab has a token. */
export const hasToken = (): boolean => sessionStorage.getItem(TOKEN_KEY) !== null;

/** Returns a hash of this tab's token; "" if there is none. */
export function hashToken(): string {
  const token = sessionStorage.getItem(TOKEN_KEY);
  return token === null ? "" : fnv1a(token).toString(16);
}

/** Returns the base URL of the server. */
export const getBaseUrl = (): string => new URL(".", document.baseURI).href;

/** Returns the address of a question, relative to the page. */
export function formatAddress(question: Question): string {
  const search = new URLSearchParams(question.params.map(([name, value]) => [name, value]));
  const text = search.toString();
  return text === "" ? question.path : `${question.path}?${text}`;
}

/** Returns the absolute address of a question. */
export function absolute(question: Question): string {
  return new URL(formatAddress(question), getBaseUrl()).href;
}

/** Whether two questions are the same; `null` is the same as none. */
export const isSameQuestion = (a: Question | null, b: Question | null): boolean =>
  a !== null && b !== null && formatAddress(a) === formatAddress(b);

/** Returns the parameters as the JSON object that `POST` takes. */
export function formatBody(params: Params): string {
  const members = new Map<string, unknown>();
  for (const [name, value] of params) {
    const present = members.get(name);
    if (name === "polygon") members.set(name, JSON.parse(value));
    else if (present === undefined) members.set(name, value);
    else members.set(name, Array.isArray(present) ? [...present, value] : [present, value]);
  }
  return JSON.stringify(Object.fromEntries(members));
}

/** A question as an HTTP request. */
export interface HttpRequest {
  path: string;
  /** The JSON to post; null for a GET. */
  body: string | null;
}

/** Returns the request of a question: a POST if the address is long. */
export function toRequest(question: Question): HttpRequest {
  const path = formatAddress(question);
  if (path.length > MAX_GET_BYTES && POST_PATHS.has(question.path)) {
    return { path: question.path, body: formatBody(question.params) };
  }
  if (path.length > MAX_ADDRESS_BYTES) {
    const detail = `the address has ${path.length} bytes, the limit is ${MAX_ADDRESS_BYTES}; use shorter values`;
    throw new Problem("address too long", detail, 0);
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
  const body = await response.json().catch(() => ({}));
  const title = typeof body.title === "string" ? body.title : `HTTP ${response.status}`;
  const detail = typeof body.detail === "string" ? body.detail : response.statusText;
  return new Problem(title, detail, response.status, response.headers.get("x-request-id"));
}

/** Sends a request; throws a {@link Problem} unless the status is 2xx. */
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
    throw new Problem("no response", "the server cannot be reached; check that it is running", 0);
  }
  if (!response.ok) throw await readProblem(response);
  return response;
}

/** Sends a question. */
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

/** Fetches the answer to a question, and parses it with `parse`. */
export async function fetchAnswer<T>(
  question: Question,
  signal?: AbortSignal,
  parse: (json: string) => T = json => JSON.parse(json),
): Promise<Answer<T>> {
  const response = await sendQuestion(question, "application/json", signal);
  return { rows: parse(await response.text()), meta: readMeta(response.headers) };
}

type SqlBody = paths["/sql"]["post"]["requestBody"]["content"]["application/json"];

/** Runs a SQL query. */
export async function fetchSql<T>(
  query: string,
  options: Pick<SqlBody, "limit" | "format"> & { signal?: AbortSignal } = {},
): Promise<Answer<T[]> & { response: Response }> {
  const { signal, ...rest } = options;
  const response = await send("sql", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ query, ...rest } satisfies SqlBody),
    signal: signal ?? null,
  });
  const rows = options.format && options.format !== "json" ? [] : ((await response.json()) as T[]);
  return { rows, meta: readMeta(response.headers), response };
}
