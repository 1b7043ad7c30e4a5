// The site's home: every run, newest first.
import { useMemo } from "react";
import type { ReactElement } from "react";
import { useSearchParams } from "react-router-dom";
import { usePages } from "../../api/paging";
import type { Gate, Page, Project, RunRow } from "../../api/shapes";
import { useFound } from "../../api/store";
import { useMay } from "../../api/current-user";
import { Shell } from "../../parts/shell";
import { ProblemBox } from "../../parts/problem";
import { Empty, Spinner } from "../../parts/atoms";
import { Filters, useFilters } from "./filters";
import { PollNow, Polls } from "./poll";
import { RunLine } from "./row";
import { RunNow } from "./start";
import { Waiting } from "./waiting";

export function PipelinesPage(): ReactElement {
  // Asked for first: what the page is for.
  const filters = useFilters();
  const rows = usePages<RunRow>("runs", filters.asked);
  const projects = useFound<Page<Project>>("projects").data?.items;
  const gates = useFound<Page<Gate>>("gates?limit=50").data?.items;
  const byRun = useMemo(() => groupByRun(gates ?? []), [gates]);
  const mayStart = useMay("run.start");
  const mayPoll = useMay("run.poll");
  const actions = <>
    {mayPoll && <PollNow projects={projects ?? []} />}
    {mayStart && <RunNow projects={projects ?? []} />}
  </>;
  return (
    <Shell title="Pipelines" trail={[{ caption: "Pipelines", route: "/pipelines" }]} actions={actions}>
      <Polls projects={projects ?? []} />
      <Waiting gates={gates ?? []} />
      <Filters filters={filters} projects={projects ?? []} />
      {rows.problem && !rows.items && <ProblemBox problem={rows.problem} />}
      {!rows.items && !rows.problem && <Spinner what="Looking at the runs …" />}
      {rows.items?.length === 0 && <None filtered={filters.active} />}
      {rows.items && rows.items.length > 0 && (
        <ol className="sw-runs" aria-label="Runs, newest first">
          {rows.items.map((run) => (
            <RunLine key={run.id} run={run} gates={byRun.get(`${run.project} ${run.number}`) ?? NO_GATES} several={(projects?.length ?? 0) > 1} />
          ))}
        </ol>
      )}
      {rows.more && (
        <p className="sw-more">
          <button type="button" className="sw-button" disabled={rows.fetching} onClick={() => void rows.more?.()}>
            {rows.fetching ? "Fetching …" : "Show older runs"}
          </button>
        </p>
      )}
    </Shell>
  );
}

const NO_GATES: Gate[] = [];

function groupByRun(gates: Gate[]): Map<string, Gate[]> {
  const found = new Map<string, Gate[]>();
  for (const gate of gates) {
    const key = `${gate.project} ${gate.run}`;
    found.set(key, [...(found.get(key) ?? []), gate]);
  }
  return found;
}

function None({ filtered }: { filtered: boolean }): ReactElement {
  const [, setParams] = useSearchParams();
  if (filtered) {
    return (
      <Empty title="No run is like this.">
        <button type="button" className="sw-button" onClick={() => setParams({})}>Show all runs</button>
      </Empty>
    );
  }
  return (
    <Empty title="Nothing has run yet.">
      A run starts by itself when a commit is found in a repository. “Poll now” looks at once;
      “Run now” starts one of any branch or revision. You may have to sign in for both.
    </Empty>
  );
}
