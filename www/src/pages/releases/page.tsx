import { type ReactElement, useEffect, useMemo, useState } from "react";
import { useSearchParams } from "react-router-dom";
import { usePages } from "../../api/paging";
import type { Page, Project, Release } from "../../api/shapes";
import { useFound } from "../../api/store";
import { ProblemBox } from "../../parts/problem";
import { Shell } from "../../parts/shell";
import { Empty, Spinner } from "../../parts/atoms";
import { ReleaseCard } from "./card";

export function ReleasesPage(): ReactElement {
  const [params, setParams] = useSearchParams();
  const [text, setText] = useState(params.get("text") ?? "");
  const project = params.get("project") ?? "";
  const asked = useMemo(() => ({ project, text: params.get("text") ?? "" }), [project, params]);
  const rows = usePages<Release>("releases", asked);
  const projects = useFound<Page<Project>>("projects").data?.items ?? [];
  const put = (key: string, value: string) => setParams((old) => {
    if (value) old.set(key, value);
    else old.delete(key);
    return old;
  }, { replace: true });
  useEffect(() => {
    if (text === (params.get("text") ?? "")) return undefined;
    const timer = setTimeout(() => put("text", text), 250);
    return () => clearTimeout(timer);
  });
  return (
    <Shell title="Releases" trail={[{ caption: "Releases", route: "/releases" }]}>
      <form className="sw-filters" role="search" aria-label="Narrow the list" onSubmit={(event) => event.preventDefault()}>
        <input className="sw-input sw-filter-text" type="search" aria-label="Version or commit" placeholder="Version or commit" value={text} onChange={(event) => setText(event.target.value)} />
        {projects.length > 1 && (
          <select className="sw-input" aria-label="Project" value={project} onChange={(event) => put("project", event.target.value)}>
            <option value="">All projects</option>{projects.map((one) => <option key={one.name}>{one.name}</option>)}
          </select>
        )}
      </form>
      {rows.problem && !rows.items && <ProblemBox problem={rows.problem} />}
      {!rows.items && !rows.problem && <Spinner what="Looking at the releases …" />}
      {rows.items?.length === 0 && (asked.text || project ? <Empty title="No release is like this." />
        : <Empty title="Nothing was published yet.">A stage with uses = "publish" makes a release of each run that comes so far.</Empty>)}
      <div className="sw-list">{rows.items?.map((one, index) => <ReleaseCard key={one.id} release={one} several={projects.length > 1} open={index === 0} />)}</div>
      {rows.more && <p className="sw-more"><button type="button" className="sw-button" disabled={rows.fetching} onClick={() => void rows.more?.()}>Show older releases</button></p>}
    </Shell>
  );
}
