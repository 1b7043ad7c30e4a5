// Requests to Slipway's endpoints; the browser's cache answers 304 by itself.
import { Problem, readProblem } from "./problem";

const PATIENCE = 20_000;

// Buildbot may lie below a path of a proxy: everything is relative to the page.
export function base(): string {
  return window.location.origin + window.location.pathname.replace(/[^/]*$/, "");
}

export function endpoint(path: string): string {
  return `${base()}plugins/slipway/api/${path}`;
}

// A path of the master's, as in an artefact's `url`; anything else is no link.
export function local(url: string): string {
  return url.startsWith("/") && !url.startsWith("//") ? base() + url.slice(1) : "#";
}

export function part(text: string | number): string {
  return encodeURIComponent(text);
}

export type Query = Record<string, string | number | boolean | string[] | null | undefined>;

export function query(values: Query): string {
  const found = new URLSearchParams();
  for (const [name, value] of Object.entries(values)) {
    if (Array.isArray(value)) value.forEach((one) => found.append(name, one));
    else if (value !== null && value !== undefined && value !== "") found.set(name, String(value));
  }
  const text = found.toString();
  return text && `?${text}`;
}

export interface Answer { body: unknown; tag: string | null; at: number }

async function ask(method: string, path: string, body?: object): Promise<Answer> {
  const init: RequestInit = { method, credentials: "same-origin", cache: "no-cache",
    signal: AbortSignal.timeout(PATIENCE), headers: { Accept: "application/json" } };
  if (body !== undefined) {
    init.body = JSON.stringify(body);
    init.headers = { Accept: "application/json", "Content-Type": "application/json" };
  }
  let response: Response;
  try {
    response = await fetch(endpoint(path), init);
  } catch {
    throw new Problem(0, "The master does not answer.");
  }
  const found: unknown = await response.json().catch(() => null);
  if (!response.ok) throw readProblem(response.status, found);
  const date = Date.parse(response.headers.get("date") ?? "");
  return { body: found, tag: response.headers.get("etag"), at: date || Date.now() };
}

export function get(path: string): Promise<Answer> {
  return ask("GET", path);
}

export async function send<T>(path: string, body: object = {}, method = "POST"): Promise<T> {
  return (await ask(method, path, method === "DELETE" ? undefined : body)).body as T;
}
