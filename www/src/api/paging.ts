// A list that grows downwards, without jumps: what was seen stays, new rows come on top.
import { useCallback, useMemo, useRef, useState } from "react";
import { type Query, query } from "./client";
import type { Problem } from "./problem";
import type { Page } from "./shapes";
import { load, peek, useFound } from "./store";

export interface Rows<T> {
  items: T[] | undefined;
  problem: Problem | undefined;
  more: (() => Promise<void>) | null;
  fetching: boolean;
}

export function merge<T extends { id: number }>(lists: readonly (readonly T[])[]): T[] {
  const found = new Map<number, T>();
  // The first list is the newest: its word counts.
  for (const list of [...lists].reverse()) for (const one of list) found.set(one.id, one);
  return [...found.values()].sort((a, b) => b.id - a.id);
}

export function usePages<T extends { id: number }>(path: string, asked: Query): Rows<T> {
  const first = path + query(asked);
  const { data, problem } = useFound<Page<T>>(first);
  const [older, setOlder] = useState<{ of: string; pages: Page<T>[] }>({ of: first, pages: [] });
  const [fetching, setFetching] = useState(false);
  const seen = useRef<{ of: string; items: T[] }>({ of: first, items: [] });
  const pages = useMemo(() => (older.of === first ? older.pages : []), [older, first]);

  const items = useMemo(() => {
    if (!data) return undefined;
    const kept = seen.current.of === first && pages.length > 0 ? seen.current.items : [];
    const merged = merge([data.items, ...pages.map((page) => page.items), kept]);
    seen.current = { of: first, items: merged };
    return merged;
  }, [data, pages, first]);

  const next = (pages.at(-1) ?? data)?.next ?? null;
  const fetchMore = useCallback(async () => {
    if (next === null) return;
    setFetching(true);
    const url = path + query({ ...asked, before: next });
    await load(url);
    const page = peek<Page<T>>(url);
    if (page) setOlder({ of: first, pages: [...pages, page] });
    setFetching(false);
  }, [next, path, asked, first, pages]);
  return { items, problem, more: next === null ? null : fetchMore, fetching };
}
