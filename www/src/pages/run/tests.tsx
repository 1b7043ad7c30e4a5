import { type ReactElement, useState } from "react";
import { Link } from "react-router-dom";
import { part, query } from "../../api/client";
import type { Attempt, RunDetail, StageDetail, TestCase, TestList } from "../../api/shapes";
import { useFound } from "../../api/store";
import { span } from "../../format/time";
import { Loaded } from "../../parts/problem";
import { StateIcon } from "../../parts/status";
import { Empty } from "../../parts/atoms";

interface Props { run: RunDetail; stage: StageDetail; cell: string; attempt: Attempt }

// The tests come a part at a time: a stage may have 100,000, those that failed first.
export function StageTests({ run, stage, cell, attempt }: Props): ReactElement {
  const [status, setStatus] = useState("");
  const [parts, setParts] = useState([0]);
  const path = (after: number): string =>
    `runs/${part(run.project)}/${run.number}/stages/${part(stage.name)}/tests${query({ cell, attempt: attempt.attempt, status, after: after || null })}`;
  const narrow = (to: string): void => { setStatus(to); setParts([0]); };
  return <>{parts.map((after, index) => (
    <Part key={`${status} ${after}`} path={path(after)} run={run} stage={stage} status={status} narrow={index === 0 ? narrow : undefined}
      more={index === parts.length - 1 ? (next) => setParts([...parts, next]) : undefined} />
  ))}</>;
}

interface PartProps { path: string; run: RunDetail; stage: StageDetail; status: string; narrow: ((status: string) => void) | undefined; more: ((after: number) => void) | undefined }

function Part({ path, run, stage, status, narrow, more }: PartProps): ReactElement {
  const found = useFound<TestList>(path);
  return (
    <Loaded found={found} what="Fetching the tests" missing="No tests were reported.">
      {(tests) => {
        const { next } = tests;
        if (narrow && tests.items.length === 0 && !status) return <Empty title="No test was reported yet." />;
        return <>
          {narrow && <Counts counts={tests.counts} status={status} narrow={narrow} />}
          <ul className="sw-testlist">{tests.items.map((one, index) => <Case key={`${index} ${one.name}`} test={one} run={run} stage={stage} />)}</ul>
          {more && next !== null && <button type="button" className="sw-button" onClick={() => more(next)}>Show more</button>}
        </>;
      }}
    </Loaded>
  );
}

// How many ended how; each shows only its own when it is pressed, and all when it is pressed again.
function Counts({ counts, status, narrow }: { counts: Record<string, number>; status: string; narrow: (status: string) => void }): ReactElement {
  return (
    <p className="sw-meta sw-actions" role="group" aria-label="Show only">
      {Object.entries(counts).map(([one, number]) => (
        <button key={one} type="button" className="sw-button sw-quiet" aria-pressed={one === status} onClick={() => narrow(one === status ? "" : one)}>
          <StateIcon state={one} />{number.toLocaleString("en")} {one}
        </button>
      ))}
    </p>
  );
}

function Case({ test, run, stage }: { test: TestCase; run: RunDetail; stage: StageDetail }): ReactElement {
  const history = `/tests${query({ project: run.project, stage: stage.name, cell: test.cell, name: test.name })}`;
  return (
    <li className="sw-test">
      <div className="sw-test-line">
        <StateIcon state={test.status} />
        <span className="sw-visually-hidden">{test.status}</span>
        <bdi className="sw-test-name" title={test.name}>{test.name}</bdi>
        {test.file && <code className="sw-code sw-dim">{test.file}{test.line !== null ? `:${test.line}` : ""}</code>}
        <span className="sw-num sw-dim">{span(test.seconds)}</span>
        <Link className="sw-small-link" to={history}>history<span className="sw-visually-hidden"> of {test.name}</span></Link>
      </div>
      {test.message && <pre className="sw-message" dir="auto">{test.message}</pre>}
    </li>
  );
}
