// What fails now, what is flaky, what is slow; and the history of one test.
import type { ReactElement } from "react";
import { Link, useSearchParams } from "react-router-dom";
import { query } from "../../api/client";
import type { Page, Project, TestRow, Tests } from "../../api/shapes";
import { useFound } from "../../api/store";
import { span } from "../../format/time";
import { Loaded } from "../../parts/problem";
import { Shell } from "../../parts/shell";
import { StateIcon } from "../../parts/status";
import { Ago, Empty, RunLink, Text } from "../../parts/atoms";
import { TestHistory } from "./history";

export function TestsPage(): ReactElement {
  const [params, setParams] = useSearchParams();
  const project = params.get("project") ?? "";
  const name = params.get("name");
  const found = useFound<Tests>(`tests${query({ project })}`);
  const projects = useFound<Page<Project>>("projects").data?.items ?? [];
  return (
    <Shell title="Tests" trail={[{ caption: "Tests", route: "/tests" }]} actions={projects.length > 1 && !name && (
      <select className="sw-input" aria-label="Project" value={project} onChange={(event) => setParams(event.target.value ? { project: event.target.value } : {})}>
        <option value="">All projects</option>{projects.map((one) => <option key={one.name}>{one.name}</option>)}
      </select>)}>
      {name !== null && <TestHistory project={project} stage={params.get("stage") ?? ""} cell={params.get("cell") ?? ""} name={name} />}
      <Loaded found={found} what="Looking at the tests">
        {(tests) => <>
          <p className="sw-meta sw-above">Of the last {tests.builds} builds of each stage.</p>
          <Section title="Failing now" rows={tests.failing} icon="failed" empty="No test fails." figure={(row) => rate(row)} message />
          <Section title="Flaky" rows={tests.flaky} icon="flaky" empty="No test was seen to fail and pass in turns." figure={(row) => rate(row)} />
          <Section title="Slowest" rows={tests.slowest} icon="queued" empty="No test has told its time yet." figure={(row) => (row.seconds !== undefined ? span(row.seconds) : "")} bar />
        </>}
      </Loaded>
    </Shell>
  );
}

function rate(row: TestRow): string {
  return row.of ? `failed ${row.failed} of ${row.of}` : "";
}

interface Props { title: string; rows: TestRow[]; icon: string; empty: string; figure: (row: TestRow) => string; message?: boolean; bar?: boolean }

function Section({ title, rows, icon, empty, figure, message = false, bar = false }: Props): ReactElement {
  const most = Math.max(...rows.map((row) => row.seconds ?? 0), 0.001);
  return (
    <section className="sw-card" aria-label={title}>
      <h2>{title} {rows.length > 0 && <span className="sw-count">{rows.length}</span>}</h2>
      {rows.length === 0 && <Empty title={empty} />}
      <ul className="sw-testlist">
        {rows.map((row) => (
          <li key={`${row.project} ${row.stage} ${row.cell} ${row.name}`} className="sw-test">
            <div className="sw-test-line">
              <StateIcon state={icon} />
              <Link className="sw-test-name" to={`/tests${query({ project: row.project, stage: row.stage, cell: row.cell, name: row.name })}`} title={row.name}><bdi>{row.name}</bdi></Link>
              <span className="sw-dim"><Text text={row.cell ? `${row.stage} ${row.cell}` : row.stage} /></span>
              {bar && <span className="sw-bar" aria-hidden="true"><span style={{ width: `${((row.seconds ?? 0) / most) * 100}%` }} /></span>}
              <span className="sw-num">{figure(row)}</span>
              <span className="sw-meta"><RunLink project={row.project} run={row.run} stage={row.stage} /> {row.at !== undefined && <Ago at={row.at} />}</span>
            </div>
            {message && row.message && <pre className="sw-message" dir="auto">{row.message}</pre>}
          </li>
        ))}
      </ul>
    </section>
  );
}
