// What was fetched, by path: shown at once when a page is opened again, then looked at anew.
import { useCallback, useEffect, useSyncExternalStore } from "react";
import { get } from "./client";
import { heard } from "./clock";
import { Problem } from "./problem";

export interface Found<T> {
  data: T | undefined;
  problem: Problem | undefined;
  loading: boolean;
}

interface Entry {
  found: Found<unknown>;
  tag: string | null;
  listeners: Set<() => void>;
  // A request is under way; `again` when something changed meanwhile.
  busy: Promise<void> | null;
  again: boolean;
  fresh: boolean;
}

const KEPT = 200;
const entries = new Map<string, Entry>();
const EMPTY: Found<unknown> = { data: undefined, problem: undefined, loading: true };

function entry(path: string): Entry {
  let found = entries.get(path);
  if (!found) {
    found = { found: EMPTY, tag: null, listeners: new Set(), busy: null, again: false, fresh: false };
    entries.set(path, found);
    forgetOld();
  }
  return found;
}

function forgetOld(): void {
  for (const [path, one] of entries) {
    if (entries.size <= KEPT) return;
    if (one.listeners.size === 0 && !one.busy) entries.delete(path);
  }
}

function publish(one: Entry, found: Found<unknown>): void {
  one.found = found;
  one.listeners.forEach((listener) => listener());
}

export function load(path: string): Promise<void> {
  const one = entry(path);
  if (one.busy) {
    one.again = true;
    return one.busy;
  }
  one.busy = fetchInto(path, one).finally(() => {
    one.busy = null;
    if (one.again) {
      one.again = false;
      void load(path);
    }
  });
  return one.busy;
}

async function fetchInto(path: string, one: Entry): Promise<void> {
  try {
    const answer = await get(path);
    heard(answer.at);
    one.fresh = true;
    const same = answer.tag !== null && answer.tag === one.tag && !one.found.problem;
    one.tag = answer.tag;
    if (!same) publish(one, { data: answer.body, problem: undefined, loading: false });
  } catch (error) {
    const problem = error instanceof Problem ? error : new Problem(0, String(error));
    // What was seen stays on the page while the master is away.
    const data = problem.unreachable || problem.status >= 500 ? one.found.data : undefined;
    one.tag = null;
    publish(one, { data, problem, loading: false });
  }
}

// Look again at what is shown and `concerned`; what is not shown is looked at when it is.
export function refresh(concerned: (path: string) => boolean = () => true): void {
  for (const [path, one] of entries) {
    if (!concerned(path)) continue;
    one.fresh = false;
    if (one.listeners.size > 0) void load(path);
  }
}

export function peek<T>(path: string): T | undefined {
  return entries.get(path)?.found.data as T | undefined;
}

export function useFound<T>(path: string | null): Found<T> & { reload: () => void } {
  const subscribe = useCallback((listener: () => void) => {
    if (path === null) return () => undefined;
    const one = entry(path);
    one.listeners.add(listener);
    return () => { one.listeners.delete(listener); };
  }, [path]);
  const found = useSyncExternalStore(subscribe,
    () => (path === null ? EMPTY : entry(path).found)) as Found<T>;
  useEffect(() => {
    if (path !== null && !(entry(path).fresh && isLive())) void load(path);
  }, [path]);
  const reload = useCallback(() => { if (path !== null) void load(path); }, [path]);
  return { ...found, reload };
}

let isLive: () => boolean = () => false;

// While the master pushes changes, what was fetched need not be fetched again.
export function trustWhile(live: () => boolean): void {
  isLive = live;
}
