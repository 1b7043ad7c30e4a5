// What the list is narrowed to; it stands in the address, so that it can be sent to others.
import { type ReactElement, useEffect, useMemo, useState } from "react";
import { useSearchParams } from "react-router-dom";
import type { Query } from "../../api/client";
import type { Project } from "../../api/shapes";
import { runWord } from "../../format/words";

const KEYS = ["project", "branch", "state", "person", "text"] as const;
type Key = (typeof KEYS)[number];

export interface FilterState {
  asked: Query;
  active: boolean;
  value: (key: Key) => string;
  set: (key: Key, value: string) => void;
  clear: () => void;
}

export function useFilters(): FilterState {
  const [params, setParams] = useSearchParams();
  const text = KEYS.map((key) => params.get(key) ?? "").join("\n");
  const asked = useMemo(() => {
    const values = text.split("\n");
    return Object.fromEntries(KEYS.map((key, index) => [key, values[index] ?? ""]));
  }, [text]);
  return {
    asked,
    active: KEYS.some((key) => asked[key]),
    value: (key) => params.get(key) ?? "",
    set: (key, value) => setParams((old) => {
      if (value) old.set(key, value);
      else old.delete(key);
      return old;
    }, { replace: true }),
    clear: () => setParams({}, { replace: true }),
  };
}

const STATES = ["running", "waiting", "passed", "failed", "cancelled"];

export function Filters({ filters, projects }: { filters: FilterState; projects: Project[] }): ReactElement {
  const chosen = projects.filter((one) => !filters.value("project") || one.name === filters.value("project"));
  const branches = [...new Set(chosen.flatMap((one) => one.branches))];
  return (
    <form className="sw-filters" role="search" aria-label="Narrow the list" onSubmit={(event) => event.preventDefault()}>
      <Typed filters={filters} name="text" label="Commit, version or revision" />
      {projects.length > 1 && (
        <Chosen filters={filters} name="project" label="Project" options={projects.map((one) => one.name)} all="All projects" />
      )}
      <Typed filters={filters} name="branch" label="Branch" options={branches} />
      <Chosen filters={filters} name="state" label="State" options={STATES} all="Any state" word={runWord} />
      <Typed filters={filters} name="person" label="Person" />
      {filters.active && <button type="button" className="sw-button sw-quiet" onClick={filters.clear}>Show all</button>}
    </form>
  );
}

interface Part { filters: FilterState; name: Key; label: string }

function Chosen({ filters, name, label, options, all, word = (one) => one }:
  Part & { options: string[]; all: string; word?: (one: string) => string }): ReactElement {
  return (
    <select className="sw-input" aria-label={label} value={filters.value(name)} onChange={(event) => filters.set(name, event.target.value)}>
      <option value="">{all}</option>
      {options.map((one) => <option key={one} value={one}>{word(one)}</option>)}
    </select>
  );
}

// What is typed is asked for when the fingers rest.
function Typed({ filters, name, label, options = [] }: Part & { options?: string[] }): ReactElement {
  const there = filters.value(name);
  const [text, setText] = useState(there);
  useEffect(() => setText(there), [there]);
  useEffect(() => {
    if (text === there) return undefined;
    const timer = setTimeout(() => filters.set(name, text), 250);
    return () => clearTimeout(timer);
  });
  return <>
    <input className={`sw-input sw-filter-${name}`} type="search" placeholder={label} aria-label={label} maxLength={300}
      list={options.length ? `sw-${name}` : undefined} value={text} onChange={(event) => setText(event.target.value)} />
    {options.length > 0 && <datalist id={`sw-${name}`}>{options.map((one) => <option key={one} value={one} />)}</datalist>}
  </>;
}
