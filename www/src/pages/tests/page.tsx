// What fails now, what is flaky, what is slow; and the history of one test.
import type { ReactElement } from "react";
import { Link, useSearchParams } from "react-router-dom";
import { query } from "../../api/client";
import type { Page, Project, Tests } from "../../api/shapes";
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
          <Section title="Failing now" rows={tests.failing} icon="failed" empty="No test fails." figure={rate} message={(row) => row.message} at={(row) => row.at} />
          <Section title="Flaky" rows={tests.flaky} icon="flaky" empty="No test has both failed and passed at one revision." figure={rate} />
          <Section title="Slowest" rows={tests.slowest} icon="queued" empty="No test has reported its time yet." figure={(row) => span(row.seconds)} length={(row) => row.seconds} />
        </>}
      </Loaded>
    </Shell>
  );
}

function rate(row: { failed: number; of: number }): string {
  return `failed ${row.failed} of ${row.of}`;
}

type AnyTest = Tests["failing" | "flaky" | "slowest"][number];

interface Props<T> {
  title: string;
  rows: T[];
  icon: string;
  empty: string;
  figure: (row: T) => string;
  message?: (row: T) => string;
  at?: (row: T) => number;
  length?: (row: T) => number;
}

function Section<T extends AnyTest>({ title, rows, icon, empty, figure, message, at, length }: Props<T>): ReactElement {
  const most = length ? Math.max(...rows.map(length), 0.001) : 0;
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
              {length && <span className="sw-bar" aria-hidden="true"><span style={{ width: `${(length(row) / most) * 100}%` }} /></span>}
              <span className="sw-num">{figure(row)}</span>
              <span className="sw-meta"><RunLink project={row.project} run={row.run} stage={row.stage} /> {at && <Ago at={at(row)} />}</span>
            </div>
            {message?.(row) && <pre className="sw-message" dir="auto">{message(row)}</pre>}
          </li>
        ))}
      </ul>
    </section>
  );
}
